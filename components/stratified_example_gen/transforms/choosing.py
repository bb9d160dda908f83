# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""From all usable images to the split of each one that is taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam

from components import names
from components.stratified_example_gen import near_duplicates, sampling
from components.stratified_example_gen.records import Photo
from components.stratified_example_gen.settings import Settings
from components.stratified_example_gen.transforms.outputs import GOOD, NOTES


class DropDuplicates(beam.PTransform):
    """Keeps one image of each content: PCollection[Photo] → (PCollection[Photo], PCollection[Note])."""

    def __init__(self, settings: Settings):
        super().__init__()
        self._seed = settings.seed

    def expand(self, photos: beam.PCollection) -> tuple[beam.PCollection, beam.PCollection]:
        """Groups by the SHA-256 of the file's bytes, over the whole tree and not only over the sample."""
        result = (
            photos
            | 'KeyByContent' >> beam.Map(_by_content)
            | 'GroupByContent' >> beam.GroupByKey()
            | 'OneOfEach' >> beam.ParDo(_OneOfEach(self._seed)).with_outputs(NOTES, main=GOOD)
        )
        return result[GOOD], result[NOTES]


class Sample(beam.PTransform):
    """Takes `per_folder` images of each folder: PCollection[Photo] → PCollection[(stratum, list[Photo])]."""

    def __init__(self, settings: Settings):
        super().__init__()
        self._settings = settings

    def expand(self, photos: beam.PCollection) -> beam.PCollection:
        """Groups by folder; what was rejected or dropped is already gone, so the next in order takes its place."""
        return (
            photos
            | 'KeyByFolder' >> beam.Map(_by_stratum)
            | 'GroupByFolder' >> beam.GroupByKey()
            | 'Choose' >> beam.Map(_choose, self._settings.per_folder, self._settings.seed)
        )


class Split(beam.PTransform):
    """Gives each image its split: PCollection[(stratum, list[Photo])] → PCollection[(split name, Photo)]."""

    def __init__(self, settings: Settings):
        super().__init__()
        self._settings = settings

    def expand(self, chosen: beam.PCollection) -> beam.PCollection:
        """Stratified, only the folders' counts meet in one place; otherwise the metadata of the whole sample does."""
        settings = self._settings
        if settings.split == names.SHUFFLED or settings.near_duplicate_distance is not None:
            return (
                chosen
                | 'KeyAll' >> beam.Map(_under_one_key)
                | 'GroupAll' >> beam.GroupByKey()
                | 'DealAll' >> beam.FlatMap(_deal_all, settings)
            )
        quotas = (
            chosen
            | 'CountFolder' >> beam.Map(_count)
            | 'AllCounts' >> beam.combiners.ToList()
            | 'Quotas' >> beam.Map(_quotas, settings.fractions)
        )
        return chosen | 'Deal' >> beam.FlatMap(_deal, beam.pvalue.AsSingleton(quotas), settings.seed)


class _OneOfEach(beam.DoFn):
    def __init__(self, seed: int):
        self._seed = seed

    def process(self, group: tuple[bytes, Iterable[Photo]]) -> Iterator[Any]:
        kept, notes = sampling.one_of_each(group[1], self._seed)
        if kept is not None:
            yield kept
        for note in notes:
            yield beam.pvalue.TaggedOutput(NOTES, note)


def _by_content(photo: Photo) -> tuple[bytes, Photo]:
    return photo.sha256, photo


def _by_stratum(photo: Photo) -> tuple[bytes, Photo]:
    return photo.stratum, photo


def _choose(group: tuple[bytes, Iterable[Photo]], per_folder: int | None, seed: int) -> tuple[bytes, list[Photo]]:
    return group[0], sampling.choose(group[1], per_folder, seed)


def _count(folder: tuple[bytes, list[Photo]]) -> tuple[sampling.Stratum, int]:
    return sampling.stratum_of(folder[1][0]), len(folder[1])


def _quotas(
    counts: list[tuple[sampling.Stratum, int]], fractions: tuple[float, ...]
) -> dict[sampling.Stratum, tuple[int, ...]]:
    return sampling.quotas(dict(counts), fractions)


def _deal(
    folder: tuple[bytes, list[Photo]], quotas: dict[sampling.Stratum, tuple[int, ...]], seed: int
) -> Iterator[tuple[str, Photo]]:
    photos = folder[1]
    for split, photo in sampling.deal(photos, quotas[sampling.stratum_of(photos[0])], seed):
        yield names.SPLITS[split], photo


def _under_one_key(folder: tuple[bytes, list[Photo]]) -> tuple[int, list[Photo]]:
    return 0, folder[1]


def _deal_all(group: tuple[int, Iterable[list[Photo]]], settings: Settings) -> Iterator[tuple[str, Photo]]:
    # Sorted, because the order in which a runner brings a group together differs from run to run.
    photos = sorted(photo for folder in group[1] for photo in folder)
    distance = settings.near_duplicate_distance
    groups = (
        range(len(photos)) if distance is None else near_duplicates.alike([photo.look for photo in photos], distance)
    )
    deal = sampling.shuffled if settings.split == names.SHUFFLED else sampling.deal_groups
    for split, photo in deal(photos, groups, settings.fractions, settings.seed):
        yield names.SPLITS[split], photo
