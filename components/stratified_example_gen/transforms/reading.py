# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Beam transforms from the data root to the metadata of every accepted image."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apache_beam as beam

from components import error_reporting
from components.io.trees import Tree, open_tree
from components.stratified_example_gen import images, layout, manifest, near_duplicates
from components.stratified_example_gen.records import MANIFEST, REJECTED, LabelledFile, Note, Photo
from components.stratified_example_gen.settings import Settings

# Outputs of steps that leave something out.
MAIN, NOTES = 'main', 'notes'


class FindImages(beam.PTransform):
    """Lists the configured directories: Pipeline → (PCollection[LabelledFile], PCollection[Note]).

    Saves the error in `work` if a folder cannot be listed.
    """

    def __init__(self, data_root: str, settings: Settings, work: str):
        super().__init__()
        self._data_root = data_root
        self._settings = settings
        self._work = work

    def expand(self, pipeline: beam.Pipeline) -> tuple[beam.PCollection, beam.PCollection]:
        """Lists folders separately, so that many workers share a large tree."""
        list_folders, list_files = (
            beam.ParDo(_List(function, self._data_root, self._settings.layout, self._work)).with_outputs(
                NOTES, main=MAIN
            )
            for function in (layout.list_folders, layout.list_files)
        )
        folders = (
            pipeline | 'Directories' >> beam.Create(list(self._settings.directories)) | 'ListFolders' >> list_folders
        )
        files = folders[MAIN] | 'SpreadFolders' >> beam.Reshuffle() | 'ListFiles' >> list_files
        notes = (folders[NOTES], files[NOTES]) | 'Notes' >> beam.Flatten()
        return files[MAIN] | 'SpreadFiles' >> beam.Reshuffle(), notes


class JoinManifest(beam.PTransform):
    """Adds columns of manifest.csv: PCollection[LabelledFile] → (PCollection[LabelledFile], PCollection[Note]).

    Does nothing if no column is selected.
    """

    def __init__(self, data_root: str, settings: Settings):
        super().__init__()
        self._data_root = data_root
        self._settings = settings

    def expand(self, files: beam.PCollection) -> tuple[beam.PCollection, beam.PCollection]:
        """Joins by path; notes rows without a file, files without a row, and second rows."""
        if not self._settings.manifest_columns:
            return files, files.pipeline | 'NoNotes' >> beam.Create([])
        rows = (
            files.pipeline
            | 'Manifest' >> beam.Create([self._data_root])
            | 'ReadRows' >> beam.FlatMap(manifest.rows, self._settings)
            | 'KeyRows' >> beam.Map(_by_path)
        )
        result = (
            {'files': files | 'KeyFiles' >> beam.Map(_by_path), 'rows': rows}
            | 'JoinByPath' >> beam.CoGroupByKey()
            | 'AddColumns' >> beam.ParDo(_AddColumns()).with_outputs(NOTES, main=MAIN)
        )
        return result[MAIN], result[NOTES]


class InspectImages(beam.PTransform):
    """Reads, hashes and inspects files: PCollection[LabelledFile] → (PCollection[Photo], PCollection[Note])."""

    def __init__(self, data_root: str, settings: Settings):
        super().__init__()
        self._data_root = data_root
        self._settings = settings

    def expand(self, files: beam.PCollection) -> tuple[beam.PCollection, beam.PCollection]:
        """Reads one file at a time; only metadata leaves this step."""
        result = files | 'Read' >> beam.ParDo(_Inspect(self._data_root, self._settings)).with_outputs(NOTES, main=MAIN)
        return result[MAIN], result[NOTES]


class _List(beam.DoFn):
    """Calls `function(tree, element, layout)` and sends the notes among its results to NOTES."""

    def __init__(
        self, function: Callable[[Tree, Any, str], Iterator[Any]], data_root: str, layout_name: str, work: str
    ):
        self._function = function
        self._data_root = data_root
        self._layout = layout_name
        self._work = work

    def process(self, element: Any) -> Iterator[Any]:
        with error_reporting.saved_errors(self._work):
            for item in self._function(open_tree(self._data_root), element, self._layout):
                yield beam.pvalue.TaggedOutput(NOTES, item) if isinstance(item, Note) else item


class _AddColumns(beam.DoFn):
    def process(self, group: tuple[bytes, dict[str, Iterable[Any]]]) -> Iterator[Any]:
        path, sides = group
        files, rows = list(sides['files']), sorted(sides['rows'])
        for row in rows[1:] if files else rows:
            reason = 'second_row' if files else 'row_without_file'
            yield beam.pvalue.TaggedOutput(NOTES, Note(MANIFEST, reason, path, f'line {row.line} of manifest.csv'))
        for file in files:
            if rows:
                yield file._replace(columns=rows[0].values)
            else:
                yield file
                yield beam.pvalue.TaggedOutput(NOTES, Note(MANIFEST, 'file_without_row', path, 'not in manifest.csv'))


class _Inspect(beam.DoFn):
    def __init__(self, data_root: str, settings: Settings):
        self._tree = open_tree(data_root)
        self._settings = settings

    def process(self, file: LabelledFile) -> Iterator[Any]:
        item = inspect_file(self._tree, file, self._settings)
        if isinstance(item, Note):
            beam.metrics.Metrics.counter('StratifiedExampleGen', f'rejected_{item.reason}').inc()
            yield beam.pvalue.TaggedOutput(NOTES, item)
        else:
            beam.metrics.Metrics.counter('StratifiedExampleGen', 'accepted').inc()
            yield item


def inspect_file(tree: Tree, file: LabelledFile, settings: Settings) -> Photo | Note:
    """Reads and inspects one file; returns a note if it is rejected."""
    try:
        data = tree.read(file.path, images.MAX_BYTES)
    except FileNotFoundError:
        return Note(REJECTED, 'vanished', file.path, 'removed after it was listed, or a broken link')
    except IsADirectoryError as error:
        return Note(REJECTED, 'not_a_file', file.path, str(error))
    except OverflowError as error:
        return Note(REJECTED, 'too_many_bytes', file.path, str(error))
    except OSError as error:
        return Note(REJECTED, 'unreadable', file.path, error.strerror or str(error))
    inspection = images.inspect(data, settings.min_size)
    if inspection.reason is not None:
        return Note(REJECTED, inspection.reason, file.path, inspection.detail)
    hashed = 0 if settings.near_duplicate_distance is None else near_duplicates.perceptual_hash(data)
    return Photo(*file, hashlib.sha256(data).digest(), inspection.needs_conversion, hashed)


def _by_path(item: LabelledFile | manifest.Row) -> tuple[bytes, LabelledFile | manifest.Row]:
    return item.path, item
