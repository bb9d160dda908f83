# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""From the data root to the metadata of every image that can be used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apache_beam as beam

from components import error_reporting
from components.stratified_example_gen import images, layout, manifest, near_duplicates
from components.stratified_example_gen.records import MANIFEST, REJECTED, Found, Note, Photo
from components.stratified_example_gen.settings import Settings
from components.stratified_example_gen.transforms.outputs import GOOD, NOTES


class FindImages(beam.PTransform):
    """Lists the configured directories: Pipeline → (PCollection[Found], PCollection[Note]).

    A folder that cannot be listed is a fault left in `folder`.
    """

    def __init__(self, data_root: str, settings: Settings, folder: str):
        super().__init__()
        self._data_root = data_root
        self._settings = settings
        self._folder = folder

    def expand(self, pipeline: beam.Pipeline) -> tuple[beam.PCollection, beam.PCollection]:
        """Lists directories, then each folder by itself, so that a large tree is listed by many workers."""
        list_folders, list_files = (
            _List(function, self._data_root, self._settings.layout, self._folder)
            for function in (layout.list_folders, layout.list_files)
        )
        folders = (
            pipeline
            | 'Directories' >> beam.Create(list(self._settings.directories))
            | 'ListFolders' >> beam.ParDo(list_folders).with_outputs(NOTES, main=GOOD)
        )
        files = (
            folders[GOOD]
            | 'SpreadFolders' >> beam.Reshuffle()
            | 'ListFiles' >> beam.ParDo(list_files).with_outputs(NOTES, main=GOOD)
        )
        notes = (folders[NOTES], files[NOTES]) | 'Notes' >> beam.Flatten()
        return files[GOOD] | 'SpreadFiles' >> beam.Reshuffle(), notes


class JoinManifest(beam.PTransform):
    """Gives each file its columns of manifest.csv: PCollection[Found] → (PCollection[Found], PCollection[Note]).

    Does nothing when no column is asked for.
    """

    def __init__(self, data_root: str, settings: Settings):
        super().__init__()
        self._data_root = data_root
        self._settings = settings

    def expand(self, found: beam.PCollection) -> tuple[beam.PCollection, beam.PCollection]:
        """Joins by path; a row without a file, a file without a row and a second row become notes."""
        settings = self._settings
        if not settings.manifest_columns:
            return found, found.pipeline | 'NoNotes' >> beam.Create([])
        rows = (
            found.pipeline
            | 'Manifest' >> beam.Create([self._data_root])
            | 'ReadRows'
            >> beam.FlatMap(manifest.rows, settings.directories, settings.layout, settings.manifest_columns)
            | 'KeyRows' >> beam.Map(_by_path)
        )
        result = (
            {'found': found | 'KeyFiles' >> beam.Map(_by_path), 'rows': rows}
            | 'JoinByPath' >> beam.CoGroupByKey()
            | 'Attach' >> beam.ParDo(_Attach()).with_outputs(NOTES, main=GOOD)
        )
        return result[GOOD], result[NOTES]


class InspectImages(beam.PTransform):
    """Reads, hashes and judges each file: PCollection[Found] → (PCollection[Photo], PCollection[Note])."""

    def __init__(self, data_root: str, settings: Settings):
        super().__init__()
        self._data_root = data_root
        self._settings = settings

    def expand(self, found: beam.PCollection) -> tuple[beam.PCollection, beam.PCollection]:
        """One file at a time; the bytes go no further than this step."""
        result = found | 'Read' >> beam.ParDo(_Inspect(self._data_root, self._settings)).with_outputs(NOTES, main=GOOD)
        return result[GOOD], result[NOTES]


class _List(beam.DoFn):
    """Calls `function(root, element, layout)` and sends the notes it yields to their own output."""

    def __init__(
        self, function: Callable[[str, Any, str], Iterator[Any]], data_root: str, layout_name: str, folder: str
    ):
        self._function = function
        self._data_root = data_root
        self._layout = layout_name
        self._folder = folder

    def process(self, element: Any) -> Iterator[Any]:
        with error_reporting.left_in(self._folder):
            for item in self._function(self._data_root, element, self._layout):
                yield beam.pvalue.TaggedOutput(NOTES, item) if isinstance(item, Note) else item


class _Attach(beam.DoFn):
    def process(self, group: tuple[bytes, dict[str, Iterable[Any]]]) -> Iterator[Any]:
        path, sides = group
        found = list(sides['found'])
        rows = sorted(sides['rows'])
        for row in rows[1:] if found else rows:
            reason = 'second_row' if found else 'row_without_file'
            yield beam.pvalue.TaggedOutput(NOTES, Note(MANIFEST, reason, path, f'line {row.line} of manifest.csv'))
        for file in found:
            if rows:
                yield file._replace(columns=rows[0].values)
            else:
                yield file
                yield beam.pvalue.TaggedOutput(NOTES, Note(MANIFEST, 'file_without_row', path, 'not in manifest.csv'))


class _Inspect(beam.DoFn):
    def __init__(self, data_root: str, settings: Settings):
        self._data_root = data_root
        self._settings = settings

    def process(self, found: Found) -> Iterator[Any]:
        item = inspect_file(self._data_root, found, self._settings)
        if isinstance(item, Note):
            beam.metrics.Metrics.counter('StratifiedExampleGen', f'rejected_{item.reason}').inc()
            yield beam.pvalue.TaggedOutput(NOTES, item)
        else:
            beam.metrics.Metrics.counter('StratifiedExampleGen', 'accepted').inc()
            yield item


def inspect_file(data_root: str, found: Found, settings: Settings) -> Photo | Note:
    """Reads one file and judges it."""
    try:
        data = layout.read(data_root, found.path, images.MAX_BYTES)
    except FileNotFoundError:
        return Note(REJECTED, 'vanished', found.path, 'it was listed and is gone, or is a link to nothing')
    except IsADirectoryError as error:
        return Note(REJECTED, 'not_a_file', found.path, str(error))
    except OverflowError as error:
        return Note(REJECTED, 'too_many_bytes', found.path, str(error))
    except OSError as error:
        return Note(REJECTED, 'unreadable', found.path, error.strerror or str(error))
    inspection = images.inspect(data, settings.min_size)
    if inspection.reason is not None:
        return Note(REJECTED, inspection.reason, found.path, inspection.detail)
    look = 0 if settings.near_duplicate_distance is None else near_duplicates.perceptual_hash(data)
    return Photo(*found, hashlib.sha256(data).digest(), inspection.needs_conversion, look)


def _by_path(item: Found | manifest.Row) -> tuple[bytes, Found | manifest.Row]:
    return item.path, item
