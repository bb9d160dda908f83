# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Data root in, split and sharded TFRecord files and their account out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components import error_reporting, names
from components.errors import RunError
from components.io.files import any_path, errors_of_the_system, remove_folder
from components.stratified_example_gen import ingestion_summary, layout, manifest, shards
from components.stratified_example_gen.records import REJECTED, Photo
from components.stratified_example_gen.settings import Settings

if TYPE_CHECKING:
    import apache_beam as beam

_WORK_NAME = '.work'


def generate(
    data_root: str, settings: Settings, folder: str, make_pipeline: Callable[[], beam.Pipeline]
) -> dict[str, Any]:
    """Samples, splits and writes.

    Runs two Beam pipelines: the first lists, reads, judges and plans; between them the account is checked; the
    second writes. Both work in a hidden folder inside `folder`; the splits get their places when all of them are whole,
    and account.json comes last.

    Args:
      data_root: the folder that holds the images, on this machine or as `gs://BUCKET/FOLDER`.
      settings: what is sampled, and how it is split.
      folder: where `Split-train/`, `Split-validation/`, `Split-test/`, rejected.csv and account.json go; every
        worker has to see it. A folder, or gs://BUCKET/NAME.
      make_pipeline: gives a new pipeline with the runner's options.

    Returns:
      The account (see README.md).

    Raises:
      InputError: the data root, its content or the settings cannot be used.
      RunError: the result cannot be written.
    """
    from components.stratified_example_gen.transforms import writing

    layout.check_root(data_root, settings.directories, settings.layout)
    for _ in manifest.rows(data_root, settings.directories, settings.layout, settings.manifest_columns):
        pass  # a fault in it is found here, where it is still one line
    target = any_path(folder)
    work = target / _WORK_NAME
    splits = [shards.split_folder(split) for split in names.SPLITS]
    with _folder(work):
        for split in splits:  # of an earlier attempt that was killed
            remove_folder(target / split)
        with make_pipeline() as pipeline:
            writing.make_plan(pipeline, data_root, settings, str(work))
        error_reporting.raise_first(work)
        notes = writing.read_notes(work)
        kept = int((work / writing.KEPT_NAME).read_text())
        result = ingestion_summary.build(settings, kept, notes, _planned(work, settings))
        ingestion_summary.check(
            result, data_root, settings, next((note for note in notes if note.kind == REJECTED), None)
        )
        with make_pipeline() as pipeline:
            _ = pipeline | 'Write' >> writing.WriteShards(data_root, settings, str(work))
        error_reporting.raise_first(work)
        with error_reporting.left_in(work):
            ingestion_summary.write(work, result, notes)
        error_reporting.raise_first(work)
        for name in (
            *splits,
            ingestion_summary.REJECTED_NAME,
            ingestion_summary.REMARKS_NAME,
            ingestion_summary.ACCOUNT_NAME,
        ):
            with errors_of_the_system(target / name):
                (work / name).replace(target / name)
    return result


def _planned(work: Path, settings: Settings) -> Iterator[tuple[str, Photo]]:
    for split in names.SPLITS:
        for shard in range(settings.shards):
            for photo in shards.read_plan(shards.plan_path(work, split, shard)):
                yield split, photo


@contextmanager
def _folder(path: Path) -> Iterator[None]:
    try:
        with errors_of_the_system(path):
            remove_folder(path)
            path.mkdir(parents=True)
    except OSError as error:
        raise RunError(f'{path} cannot be made: {error.strerror}; choose another output folder') from None
    try:
        yield
    finally:
        remove_folder(path)
