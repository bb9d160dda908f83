# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Ingestion as a library: samples a data root and writes split, sharded TFRecord files and a summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from components import error_reporting, names
from components.errors import RunError
from components.io.files import any_path, as_os_errors, remove_folder
from components.io.shards import WORK, split_folder
from components.io.trees import is_uri
from components.stratified_example_gen import ingestion_summary, layout, manifest, shards
from components.stratified_example_gen.records import REJECTED, Photo
from components.stratified_example_gen.settings import Settings

if TYPE_CHECKING:
    import apache_beam as beam


def generate(
    data_root: str, settings: Settings, folder: str, make_pipeline: Callable[[], beam.Pipeline]
) -> ingestion_summary.IngestionSummary:
    """Samples, splits and writes images with two Beam pipelines.

    The first pipeline lists, reads and inspects files and plans the shards. The summary is checked, and the second
    pipeline writes the shards. Both work in a hidden folder inside `folder`. Splits are moved out when all are
    complete, and ingestion_summary.json last.

    Args:
      data_root: the folder of images, local or `gs://BUCKET/FOLDER`.
      settings: what to sample and how to split it.
      folder: where `Split-train/`, `Split-validation/`, `Split-test/`, rejected.csv, remarks.csv and
        ingestion_summary.json are written; a folder that every worker can access, or gs://BUCKET/NAME.
      make_pipeline: returns a new pipeline with the runner's options.

    Raises:
      InputError: the data root, its content or the settings are unusable.
      RunError: the result cannot be written.
    """
    from components.stratified_example_gen.transforms import writing

    if not is_uri(data_root):
        # A run gives a link of its own, named by a digest; messages name the folder that the user knows.
        data_root = os.path.realpath(data_root)
    layout.check_root(data_root, settings)
    first, count = None, 0
    for row in manifest.rows(data_root, settings):  # raises errors here, before Beam would wrap them
        first, count = first or row, count + 1
    target = any_path(folder)
    work = target / WORK
    splits = [split_folder(split) for split in names.SPLITS]
    with _work_folder(work):
        for split in splits:  # an earlier attempt may have been killed
            remove_folder(target / split)
        with make_pipeline() as pipeline:
            writing.make_plan(pipeline, data_root, settings, str(work))
        error_reporting.raise_saved(work)
        notes = writing.read_notes(work)
        usable = int((work / writing.USABLE_NAME).read_text())
        summary = ingestion_summary.build(settings, usable, notes, _sample(work, settings))
        if settings.joined_columns:
            unmatched = [note.path for note in notes if note.reason == 'file_without_row']
            manifest.check_matches(data_root, count, first, summary.found, unmatched)
        summary.check(data_root, settings, next((note for note in notes if note.kind == REJECTED), None))
        with make_pipeline() as pipeline:
            _ = pipeline | 'Write' >> writing.WriteShards(data_root, settings, str(work))
        error_reporting.raise_saved(work)
        with error_reporting.saved_errors(work):
            ingestion_summary.write(work, summary, notes)
        error_reporting.raise_saved(work)
        files = (ingestion_summary.REJECTED_NAME, ingestion_summary.REMARKS_NAME, names.INGESTION_SUMMARY_FILE)
        for name in (*splits, *files):
            with as_os_errors(target / name):
                (work / name).replace(target / name)
    return summary


def _sample(work: Path, settings: Settings) -> Iterator[tuple[str, Photo]]:
    for split in names.SPLITS:
        for shard in range(settings.shards):
            for photo in shards.read_plan(shards.plan_path(work, split, shard)):
                yield split, photo


@contextmanager
def _work_folder(path: Path) -> Iterator[None]:
    """Creates an empty folder for the block."""
    try:
        with as_os_errors(path):
            remove_folder(path)
            path.mkdir(parents=True)
    except OSError as error:
        raise RunError(f'{path} cannot be created: {error.strerror}; choose another output folder') from None
    try:
        yield
    finally:
        remove_folder(path)
