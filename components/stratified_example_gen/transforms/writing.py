# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The two pipelines: the first writes plans and notes, the second writes shards."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import apache_beam as beam

from components import error_reporting, names
from components.io.files import any_path, as_os_errors, write_text
from components.io.shards import shard_name, split_folder
from components.stratified_example_gen import sampling, shards
from components.stratified_example_gen.records import Note, Photo
from components.stratified_example_gen.settings import OFF, Settings
from components.stratified_example_gen.transforms.choosing import DropDuplicates, Sample, Split
from components.stratified_example_gen.transforms.detecting import DetectFaces
from components.stratified_example_gen.transforms.reading import FindImages, InspectImages, JoinManifest

USABLE_NAME = 'usable'
_NOTES_NAME = 'notes.jsonl'


def make_plan(pipeline: beam.Pipeline, data_root: str, settings: Settings, work: str) -> None:
    """Adds the steps from listing to planning.

    They write to the folder `work`: a plan per non-empty shard, `notes.jsonl` if there are notes, and `usable`, the
    number of distinct accepted images.
    """
    files, listing_notes = pipeline | 'Find' >> FindImages(data_root, settings, work)
    labelled, manifest_notes = files | 'Join' >> JoinManifest(data_root, settings)
    photos, reading_notes = labelled | 'Inspect' >> InspectImages(data_root, settings)
    usable, duplicate_notes = photos | 'DropDuplicates' >> DropDuplicates(settings)
    sampled = (
        usable
        | 'Sample' >> Sample(settings)
        | 'Split' >> Split(settings)
        | 'KeyByShard' >> beam.Map(_by_shard, settings)
        | 'GroupByShard' >> beam.GroupByKey()
    )
    notes = [listing_notes, manifest_notes, reading_notes, duplicate_notes]
    if settings.detect != OFF:
        sampled, face_notes = sampled | 'DetectFaces' >> DetectFaces(data_root, settings, work)
        notes.append(face_notes)
    _ = sampled | 'WritePlans' >> beam.Map(_write_plan, settings, work)
    _ = usable | 'CountUsable' >> beam.combiners.Count.Globally() | 'WriteUsable' >> beam.Map(_write_usable, work)
    _ = (
        notes
        | 'FlattenNotes' >> beam.Flatten()
        | 'KeyNotes' >> beam.WithKeys(0)
        | 'GroupNotes' >> beam.GroupByKey()
        | 'WriteNotes' >> beam.Map(_write_notes, work)
    )


@beam.ptransform_fn
def WriteShards(pipeline: beam.Pipeline, data_root: str, settings: Settings, work: str) -> beam.PCollection:
    """Writes every shard from its plan: Pipeline → nothing. Plans and `Split-*/` are in the folder `work`.

    One worker writes a whole shard, so its bytes do not depend on the number of workers.
    """
    places = [(split, shard) for split in names.SPLITS for shard in range(settings.shards)]
    return (
        pipeline
        | 'Shards' >> beam.Create(places)
        | 'SpreadShards' >> beam.Reshuffle()
        | 'WriteShard' >> beam.Map(_write_shard, data_root, settings, work)
    )


def read_notes(work: Path) -> list[Note]:
    """The notes of `make_plan`, sorted."""
    path = work / _NOTES_NAME
    if not path.exists():
        return []
    rows = (json.loads(line) for line in path.read_text('utf-8').splitlines())
    return [Note(kind, reason, os.fsencode(name), detail) for kind, reason, name, detail in rows]


def _by_shard(assigned: tuple[str, Photo], settings: Settings) -> tuple[tuple[str, int], Photo]:
    split, photo = assigned
    return (split, sampling.shard_of(photo, settings.shards, settings.seed)), photo


def _write_plan(group: tuple[tuple[str, int], Iterable[Photo]], settings: Settings, work: str) -> None:
    (split, shard), photos = group
    with error_reporting.saved_errors(work):
        path = shards.plan_path(any_path(work), split, shard)
        shards.write_plan(path, sampling.ranked(photos, sampling.ORDER, settings.seed))


def _write_notes(group: tuple[int, Iterable[Note]], work: str) -> None:
    rows = (json.dumps((n.kind, n.reason, os.fsdecode(n.path), n.detail)) for n in sorted(group[1]))
    with error_reporting.saved_errors(work):
        write_text(any_path(work) / _NOTES_NAME, ''.join(row + '\n' for row in rows))


def _write_usable(number: int, work: str) -> None:
    with error_reporting.saved_errors(work):
        write_text(any_path(work) / USABLE_NAME, str(number))


def _write_shard(place: tuple[str, int], data_root: str, settings: Settings, work: str) -> None:
    split, shard = place
    target = any_path(work) / split_folder(split)
    photos = shards.read_plan(shards.plan_path(any_path(work), split, shard))
    with error_reporting.saved_errors(work):
        with as_os_errors(target):
            target.mkdir(exist_ok=True)
        path = target / shard_name(shard, settings.shards)
        shards.write_shard(data_root, photos, settings, path)
