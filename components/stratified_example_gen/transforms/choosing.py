# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Beam transforms from accepted images to sampled images with their splits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam

from components import names
from components.stratified_example_gen import near_duplicates, sampling
from components.stratified_example_gen.records import Photo
from components.stratified_example_gen.settings import Settings
from components.stratified_example_gen.transforms.reading import MAIN, NOTES


@beam.ptransform_fn
def DropDuplicates(photos: beam.PCollection, settings: Settings) -> tuple[beam.PCollection, beam.PCollection]:
    """Keeps one image of each content: PCollection[Photo] → (PCollection[Photo], PCollection[Note]).

    Groups by SHA-256 over the whole tree, not only the sample.
    """
    result = (
        photos
        | 'KeyByContent' >> beam.Map(_by_content)
        | 'GroupByContent' >> beam.GroupByKey()
        | 'KeepOne' >> beam.FlatMap(_keep_one, settings.seed).with_outputs(NOTES, main=MAIN)
    )
    return result[MAIN], result[NOTES]


@beam.ptransform_fn
def Sample(photos: beam.PCollection, settings: Settings) -> beam.PCollection:
    """Samples `per_folder` images of each folder: PCollection[Photo] → PCollection[(stratum, list[Photo])].

    The next images by rank replace rejected and dropped ones.
    """
    return (
        photos
        | 'KeyByFolder' >> beam.Map(_by_stratum)
        | 'GroupByFolder' >> beam.GroupByKey()
        | 'SampleFolder' >> beam.Map(_sample, settings.per_folder, settings.seed)
    )


@beam.ptransform_fn
def Split(sampled: beam.PCollection, settings: Settings) -> beam.PCollection:
    """Assigns a split to each image: PCollection[(stratum, list[Photo])] → PCollection[(split name, Photo)].

    A stratified split gathers only the folders' counts in one place; other splits gather all metadata.
    """
    if settings.split == names.SHUFFLED or settings.near_duplicate_distance is not None:
        return (
            sampled
            | 'Folders' >> beam.Values()
            | 'KeyAll' >> beam.WithKeys(0)
            | 'GroupAll' >> beam.GroupByKey()
            | 'SplitAll' >> beam.FlatMap(split_all, settings)
        )
    quotas = (
        sampled
        | 'CountFolder' >> beam.Map(_count)
        | 'AllCounts' >> beam.combiners.ToList()
        | 'Quotas' >> beam.Map(_quotas, settings.fractions)
    )
    return sampled | 'SplitFolder' >> beam.FlatMap(_split_folder, beam.pvalue.AsSingleton(quotas), settings.seed)


def split_all(group: tuple[int, Iterable[list[Photo]]], settings: Settings) -> Iterator[tuple[str, Photo]]:
    """Splits the whole sample at once."""
    # Sorted, because runners order the elements of a group arbitrarily.
    photos = sorted(photo for folder in group[1] for photo in folder)
    groups = list(range(len(photos)))
    if settings.near_duplicate_distance is not None:
        hashes = [photo.perceptual_hash for photo in photos]
        groups = near_duplicates.group(hashes, settings.near_duplicate_distance)
    split_photos = sampling.split_shuffled if settings.split == names.SHUFFLED else sampling.split_groups
    for split, photo in split_photos(photos, groups, settings.fractions, settings.seed):
        yield names.SPLITS[split], photo


def _by_content(photo: Photo) -> tuple[bytes, Photo]:
    return photo.sha256, photo


def _by_stratum(photo: Photo) -> tuple[bytes, Photo]:
    return photo.stratum, photo


def _keep_one(group: tuple[bytes, Iterable[Photo]], seed: int) -> Iterator[Any]:
    kept, notes = sampling.keep_one(group[1], seed)
    if kept is not None:
        yield kept
    for note in notes:
        yield beam.pvalue.TaggedOutput(NOTES, note)


def _sample(group: tuple[bytes, Iterable[Photo]], per_folder: int | None, seed: int) -> tuple[bytes, list[Photo]]:
    return group[0], sampling.sample(group[1], per_folder, seed)


def _count(folder: tuple[bytes, list[Photo]]) -> tuple[sampling.Stratum, int]:
    return sampling.stratum_of(folder[1][0]), len(folder[1])


def _quotas(
    counts: list[tuple[sampling.Stratum, int]], fractions: tuple[float, ...]
) -> dict[sampling.Stratum, tuple[int, ...]]:
    return sampling.quotas(dict(counts), fractions)


def _split_folder(
    folder: tuple[bytes, list[Photo]], quotas: dict[sampling.Stratum, tuple[int, ...]], seed: int
) -> Iterator[tuple[str, Photo]]:
    photos = folder[1]
    for split, photo in sampling.split_images(photos, quotas[sampling.stratum_of(photos[0])], seed):
        yield names.SPLITS[split], photo
