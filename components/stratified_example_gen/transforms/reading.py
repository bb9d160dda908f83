# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Beam transforms from the data root to the metadata of every accepted image."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apache_beam as beam

from components import error_reporting
from components.io.files import printable
from components.io.trees import Tree, open_tree
from components.stratified_example_gen import images, labels, layout, manifest, near_duplicates
from components.stratified_example_gen.records import MANIFEST, PROFILE, REJECTED, LabelledFile, Note, Photo
from components.stratified_example_gen.settings import MANIFEST as MANIFEST_LAYOUT, Settings

# Outputs of steps that leave something out.
MAIN, NOTES = 'main', 'notes'


@beam.ptransform_fn
def FindImages(
    pipeline: beam.Pipeline, data_root: str, settings: Settings, work: str
) -> tuple[beam.PCollection, beam.PCollection]:
    """Lists the configured directories, or reads the table of labels.

    Pipeline → (PCollection[LabelledFile], PCollection[Note]).

    Saves the error in the folder `work` if a folder cannot be listed. Lists folders separately, so that many workers
    share a large tree.
    """
    if settings.layout == MANIFEST_LAYOUT:
        result = (
            pipeline
            | 'Root' >> beam.Create([data_root])
            | 'ReadLabels' >> beam.FlatMap(_labelled, settings, work).with_outputs(NOTES, main=MAIN)
        )
        settled = (
            result[MAIN]
            | 'GroupRows' >> beam.GroupByKey()
            | 'Settle' >> beam.FlatMap(_settled).with_outputs(NOTES, main=MAIN)
        )
        return settled[MAIN], (result[NOTES], settled[NOTES]) | 'LabelNotes' >> beam.Flatten()
    list_folders, list_files = (
        beam.FlatMap(_list, function, data_root, settings.layout, work).with_outputs(NOTES, main=MAIN)
        for function in (layout.list_folders, layout.list_files)
    )
    folders = pipeline | 'Directories' >> beam.Create(list(settings.sources)) | 'ListFolders' >> list_folders
    files = folders[MAIN] | 'SpreadFolders' >> beam.Reshuffle() | 'ListFiles' >> list_files
    notes = (folders[NOTES], files[NOTES]) | 'Notes' >> beam.Flatten()
    found = files[MAIN] | 'SpreadFiles' >> beam.Reshuffle()
    if settings.columns != settings.joined_columns:
        found = found | 'AddRace' >> beam.Map(layout.with_race)
    return found, notes


@beam.ptransform_fn
def JoinManifest(
    files: beam.PCollection, data_root: str, settings: Settings
) -> tuple[beam.PCollection, beam.PCollection]:
    """Adds columns of manifest.csv: PCollection[LabelledFile] → (PCollection[LabelledFile], PCollection[Note]).

    Notes rows without a file, files without a row, and second rows. Does nothing if no column is selected.
    """
    if not settings.joined_columns:
        return files, files.pipeline | 'NoNotes' >> beam.Create([])
    rows = (
        files.pipeline
        | 'Manifest' >> beam.Create([data_root])
        | 'ReadRows' >> beam.FlatMap(manifest.rows, settings)
        | 'KeyRows' >> beam.Map(_by_path)
    )
    result = (
        {'files': files | 'KeyFiles' >> beam.Map(_by_path), 'rows': rows}
        | 'JoinByPath' >> beam.CoGroupByKey()
        | 'AddColumns' >> beam.FlatMap(_add_columns).with_outputs(NOTES, main=MAIN)
    )
    return result[MAIN], result[NOTES]


@beam.ptransform_fn
def InspectImages(
    files: beam.PCollection, data_root: str, settings: Settings
) -> tuple[beam.PCollection, beam.PCollection]:
    """Reads, hashes and inspects files: PCollection[LabelledFile] → (PCollection[Photo], PCollection[Note]).

    Reads one file at a time; only metadata leaves this step.
    """
    result = files | 'Read' >> beam.FlatMap(_inspect, open_tree(data_root), settings).with_outputs(NOTES, main=MAIN)
    return result[MAIN], result[NOTES]


def inspect_file(tree: Tree, file: LabelledFile, settings: Settings) -> list[Photo | Note]:
    """Reads and inspects one file; returns a note if it is rejected, otherwise a photo and any notes about it."""
    in_table = settings.layout == MANIFEST_LAYOUT
    if in_table and (target := tree.outside_target(file.path)) is not None:
        return [Note(REJECTED, 'link_outside_root', file.path, f'links to {printable(target)}')]
    try:
        data = tree.read(file.path, images.MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        if in_table:
            return [Note(REJECTED, 'missing', file.path, f'listed in {settings.labels}, but not there')]
        return [Note(REJECTED, 'vanished', file.path, 'removed after it was listed, or a broken link')]
    except IsADirectoryError as error:
        return [Note(REJECTED, 'not_a_file', file.path, str(error))]
    except OverflowError as error:
        return [Note(REJECTED, 'too_many_bytes', file.path, str(error))]
    except OSError as error:
        return [Note(REJECTED, 'unreadable', file.path, error.strerror or str(error))]
    inspection = images.inspect(data, settings.min_size)
    if inspection.reason is not None:
        return [Note(REJECTED, inspection.reason, file.path, inspection.detail)]
    # One decoded image serves the check, the measures and the hash.
    small = inspection.thumbnail()
    hashed = 0 if settings.near_duplicate_distance is None else near_duplicates.perceptual_hash(small)
    digest, measures = hashlib.sha256(data).digest(), inspection.measure(small)
    photo = Photo(*file, digest, measures, inspection.needs_conversion, inspection.recoloured, hashed)
    problem = inspection.profile_problem
    return [photo, Note(PROFILE, 'ignored_profile', file.path, problem)] if problem else [photo]


def _list(
    element: Any, function: Callable[[Tree, Any, str], Iterator[Any]], data_root: str, layout_name: str, work: str
) -> Iterator[Any]:
    with error_reporting.saved_errors(work):
        for item in function(open_tree(data_root), element, layout_name):
            yield beam.pvalue.TaggedOutput(NOTES, item) if isinstance(item, Note) else item


def _labelled(data_root: str, settings: Settings, work: str) -> Iterator[Any]:
    with error_reporting.saved_errors(work):
        for item in labels.read(open_tree(data_root), settings):
            yield beam.pvalue.TaggedOutput(NOTES, item) if isinstance(item, Note) else (item[1].path, item)


def _settled(group: tuple[bytes, Iterable[labels.Row]]) -> Iterator[Any]:
    for item in labels.settle(group[1]):
        yield beam.pvalue.TaggedOutput(NOTES, item) if isinstance(item, Note) else item


def _add_columns(group: tuple[bytes, dict[str, Iterable[Any]]]) -> Iterator[Any]:
    files, rows = sorted(group[1]['files']), sorted(group[1]['rows'])
    for file in files:
        exact = [row for row in rows if row.path == file.path]
        # A row that names another file of the group exactly is not this file's.
        own = exact or [row for row in rows if row.path not in {other.path for other in files}]
        rows = [row for row in rows if row not in own]
        for row in own[1:]:
            yield _manifest_note('second_row', row)
        if own:
            yield file._replace(columns=file.columns + own[0].values)
        else:
            yield file
            yield beam.pvalue.TaggedOutput(NOTES, Note(MANIFEST, 'file_without_row', file.path, 'not in manifest.csv'))
    for row in rows:
        yield _manifest_note('row_without_file', row)


def _manifest_note(reason: str, row: manifest.Row) -> Any:
    return beam.pvalue.TaggedOutput(NOTES, Note(MANIFEST, reason, row.path, f'line {row.line} of manifest.csv'))


def _inspect(file: LabelledFile, tree: Tree, settings: Settings) -> Iterator[Any]:
    for item in inspect_file(tree, file, settings):
        if isinstance(item, Photo):
            beam.metrics.Metrics.counter('StratifiedExampleGen', 'accepted').inc()
            yield item
        else:
            prefix = 'rejected_' if item.kind == REJECTED else ''
            beam.metrics.Metrics.counter('StratifiedExampleGen', prefix + item.reason).inc()
            yield beam.pvalue.TaggedOutput(NOTES, item)


def _by_path(item: LabelledFile | manifest.Row) -> tuple[bytes, LabelledFile | manifest.Row]:
    return manifest.key(item.path), item
