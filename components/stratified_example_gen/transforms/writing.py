# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The two pipelines, and what they leave on disk: plans and notes first, then shards."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apache_beam as beam

from components import error_reporting, names
from components.io.files import any_path, errors_of_the_system, write_text
from components.stratified_example_gen import sampling, shards
from components.stratified_example_gen.records import Note, Photo
from components.stratified_example_gen.settings import Settings
from components.stratified_example_gen.transforms.choosing import DropDuplicates, Sample, Split
from components.stratified_example_gen.transforms.reading import FindImages, InspectImages, JoinManifest

NOTES_NAME = 'notes.jsonl'
KEPT_NAME = 'kept'


def make_plan(pipeline: beam.Pipeline, data_root: str, settings: Settings, folder: str) -> None:
    """Adds the steps from listing to the plan of each shard.

    They write into `folder`: one plan a shard that is not empty, `notes.jsonl` unless there are none, and `kept`
    (the number of distinct images accepted).
    """
    found, listing_notes = pipeline | 'Find' >> FindImages(data_root, settings, folder)
    labelled, manifest_notes = found | 'Join' >> JoinManifest(data_root, settings)
    photos, reading_notes = labelled | 'Inspect' >> InspectImages(data_root, settings)
    kept, duplicate_notes = photos | 'DropDuplicates' >> DropDuplicates(settings)
    chosen = kept | 'Sample' >> Sample(settings)
    assigned = chosen | 'Split' >> Split(settings)
    _ = (
        assigned
        | 'KeyByShard' >> beam.Map(_by_shard, settings)
        | 'GroupByShard' >> beam.GroupByKey()
        | 'WritePlans' >> beam.ParDo(_WritePlan(settings, folder))
    )
    _ = kept | 'CountKept' >> beam.combiners.Count.Globally() | 'WriteKept' >> beam.Map(_write_kept, folder)
    _ = (
        (listing_notes, manifest_notes, reading_notes, duplicate_notes)
        | 'FlattenNotes' >> beam.Flatten()
        | 'KeyNotes' >> beam.Map(_under_one_key)
        | 'GroupNotes' >> beam.GroupByKey()
        | 'WriteNotes' >> beam.ParDo(_WriteNotes(folder))
    )


class WriteShards(beam.PTransform):
    """Makes every shard from its plan: Pipeline → nothing. Reads plans from and writes `Split-*/` into `folder`."""

    def __init__(self, data_root: str, settings: Settings, folder: str):
        super().__init__()
        self._data_root = data_root
        self._settings = settings
        self._folder = folder

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        """A worker makes a whole shard, image by image, so the shard is the same however many workers there are."""
        places = [(split, shard) for split in names.SPLITS for shard in range(self._settings.shards)]
        return (
            pipeline
            | 'Shards' >> beam.Create(places)
            | 'SpreadShards' >> beam.Reshuffle()
            | 'WriteShard' >> beam.Map(_write_shard, self._data_root, self._settings, self._folder)
        )


class _WritePlan(beam.DoFn):
    def __init__(self, settings: Settings, folder: str):
        self._seed = settings.seed
        self._folder = folder

    def process(self, group: tuple[tuple[str, int], Iterable[Photo]]) -> None:
        (split, shard), photos = group
        ordered = sorted(photos, key=lambda photo: (sampling.rank(self._seed, sampling.ORDER, photo.path), photo.path))
        with error_reporting.left_in(self._folder):
            shards.write_plan(shards.plan_path(any_path(self._folder), split, shard), ordered)


class _WriteNotes(beam.DoFn):
    def __init__(self, folder: str):
        self._folder = folder

    def process(self, group: tuple[int, Iterable[Note]]) -> None:
        rows = (json.dumps((n.kind, n.reason, os.fsdecode(n.path), n.detail)) for n in sorted(group[1]))
        with error_reporting.left_in(self._folder):
            write_text(any_path(self._folder) / NOTES_NAME, ''.join(row + '\n' for row in rows))


def read_notes(folder: Path) -> list[Note]:
    """The notes that `make_plan` left in its folder, sorted."""
    path = folder / NOTES_NAME
    if not path.exists():
        return []
    rows = (json.loads(line) for line in path.read_text('utf-8').splitlines())
    return [Note(kind, reason, os.fsencode(name), detail) for kind, reason, name, detail in rows]


def _by_shard(assigned: tuple[str, Photo], settings: Settings) -> tuple[tuple[str, int], Photo]:
    split, photo = assigned
    return (split, sampling.shard_of(photo, settings.shards, settings.seed)), photo


def _under_one_key(element: Any) -> tuple[int, Any]:
    return 0, element


def _write_kept(number: int, folder: str) -> None:
    with error_reporting.left_in(folder):
        write_text(any_path(folder) / KEPT_NAME, str(number))


def _write_shard(name: tuple[str, int], data_root: str, settings: Settings, folder: str) -> None:
    split, shard = name
    target = any_path(folder) / shards.split_folder(split)
    photos = shards.read_plan(shards.plan_path(any_path(folder), split, shard))
    with error_reporting.left_in(folder):
        with errors_of_the_system(target):
            target.mkdir(exist_ok=True)
        path = target / shards.shard_name(shard, settings.shards)
        shards.write_shard(data_root, photos, settings.manifest_columns, path)
