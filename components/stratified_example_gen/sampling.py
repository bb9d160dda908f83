# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Which images are sampled and which split they join: pure functions of metadata, based on hashes.

A hash of (seed, purpose, path) ranks the images. The rank does not depend on the file system, the number of workers or
other images. Sampling and splitting use different purposes: with a shared order, the images that a larger `per_folder`
adds would all join one split.
"""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from components import names
from components.io.files import printable
from components.stratified_example_gen.records import AGES_DIFFER, CONFLICT, DUPLICATE, Note, Photo, folder_of

SAMPLE, SPLIT, ORDER, SHARD = 'choice', 'split', 'order', 'shard'

# Sorts by gender and age, so that quotas balance genders and neighbouring ages too.
Stratum = tuple[int, int, bytes]  # gender, age, folder


def rank(seed: int, purpose: str, path: bytes) -> bytes:
    """The rank of an image for a purpose: 16 bytes, uniform, and independent between purposes."""
    return hashlib.sha256(f'{purpose}:{seed}:'.encode() + path).digest()[:16]


def ranked(photos: Iterable[Photo], purpose: str, seed: int) -> list[Photo]:
    """The photos sorted by rank."""
    return sorted(photos, key=lambda photo: (rank(seed, purpose, photo.path), photo.path))


def keep_one(photos: Iterable[Photo], seed: int) -> tuple[Photo | None, list[Note]]:
    """Of images with the same content, keeps the first by rank, or none if their genders differ.

    If only their ages differ, the kept image's age is unknown; an unknown age differs from none.

    Args:
      photos: all images with the same bytes, in any order.
      seed: as for `sample`, so that the kept image is the one that `sample` prefers.

    Returns:
      The kept image, a note for each other one, and one for the kept image if ages differ.
    """
    ordered = ranked(photos, SAMPLE, seed)
    notes = []
    if len({photo.gender for photo in ordered}) > 1:
        for photo in ordered:
            other = next(p for p in ordered if p.gender != photo.gender)
            detail = f'same content as {printable(other.path)} of the other gender'
            notes.append(Note(CONFLICT, 'conflict', photo.path, detail))
        return None, notes
    ages = sorted({photo.age for photo in ordered} - {names.UNKNOWN_AGE})
    first = next(photo for photo in ordered if len(ages) != 1 or photo.age == ages[0])
    for other in ordered:
        if other != first:
            notes.append(Note(DUPLICATE, 'duplicate', other.path, f'same content as {printable(first.path)}'))
    if len(ages) > 1:
        detail = f'its copies have the ages {", ".join(map(str, ages))}; kept with an unknown age'
        notes.append(Note(AGES_DIFFER, 'ages_differ', first.path, detail))
        folder = folder_of(os.path.dirname(first.stratum), first.gender, names.UNKNOWN_AGE)
        first = first._replace(age=names.UNKNOWN_AGE, stratum=folder)
    return first, notes


def sample(photos: Iterable[Photo], per_folder: int | None, seed: int) -> list[Photo]:
    """The first `per_folder` images of a folder by rank, all for None; a larger number only adds images."""
    return ranked(photos, SAMPLE, seed)[:per_folder]


def stratum_of(photo: Photo) -> Stratum:
    """The key by which `quotas` sorts folders."""
    return photo.gender, photo.age, photo.stratum


def quotas(counts: Mapping[Stratum, int], fractions: Sequence[float]) -> dict[Stratum, tuple[int, ...]]:
    """The number of images of each folder in each split.

    Each split gets its share of a folder, rounded down. The remaining images (fewer than splits) go one each to the
    splits that are furthest behind their share of all folders so far. So each folder is within one image of its share,
    and totals stay close to theirs even if every folder has only 3 images.

    Args:
      counts: sampled images by folder.
      fractions: the share of each split; they add up to 1.

    Returns:
      For each folder, numbers in the order of `fractions` that add up to its count.
    """
    shares = exact(fractions)
    behind = [Fraction(0)] * len(shares)
    result = {}
    for stratum in sorted(counts):
        count = counts[stratum]
        numbers = [int(share * count) for share in shares]
        behind = [debt + share * count - n for debt, share, n in zip(behind, shares, numbers, strict=True)]
        # Another image for a split with an exact share would put the folder a whole image above it.
        candidates = [s for s, share in enumerate(shares) if (share * count).denominator != 1]
        for split in sorted(candidates, key=lambda s: (-behind[s], s))[: count - sum(numbers)]:
            numbers[split] += 1
            behind[split] -= 1
        result[stratum] = tuple(numbers)
    return result


def exact(fractions: Sequence[float]) -> list[Fraction]:
    """The decimal fractions as exact ones (0.6 is three fifths), scaled to add up to one."""
    shares = [Fraction(str(fraction)) for fraction in fractions]
    total = sum(shares)
    return [share / total for share in shares]


def split_images(photos: Iterable[Photo], numbers: Sequence[int], seed: int) -> Iterator[tuple[int, Photo]]:
    """Pairs each image of a folder with a split index, so that split i gets `numbers[i]` images."""
    ordered = ranked(photos, SPLIT, seed)
    start = 0
    for split, number in enumerate(numbers):
        for photo in ordered[start : start + number]:
            yield split, photo
        start += number


def split_groups(
    photos: Sequence[Photo], groups: Sequence[int], fractions: Sequence[float], seed: int
) -> Iterator[tuple[int, Photo]]:
    """Splits all folders at once and keeps the images of a group together.

    Groups of several images come first, largest first. Each goes to the split where it exceeds the quotas of its
    folders least, or, among equals, that is furthest from full. Single images fill the rest. Folders and totals match
    `quotas` unless a group is too large.

    Args:
      photos: the whole sample.
      groups: for each photo, the index of the first member of its group.
      fractions: the share of each split.
      seed: of the ranks.
    """
    shares = exact(fractions)
    remaining = {stratum: list(numbers) for stratum, numbers in quotas(_count(photos), fractions).items()}
    members: dict[int, list[Photo]] = {}
    for photo, leader in zip(photos, groups, strict=True):
        members.setdefault(leader, []).append(photo)
    several = [group for group in members.values() if len(group) > 1]
    singles: dict[Stratum, list[Photo]] = {}
    for group in members.values():
        if len(group) == 1:
            singles.setdefault(stratum_of(group[0]), []).append(group[0])
    for group in sorted(several, key=lambda g: (-len(g), min(rank(seed, SPLIT, photo.path) for photo in g))):
        needs = _count(group)
        split = min(
            range(len(shares)), key=lambda s: (_excess(needs, remaining, s), -_room(needs, remaining, s, shares[s]), s)
        )
        for stratum, number in needs.items():
            numbers = remaining[stratum]
            numbers[split] -= number
            while numbers[split] < 0:  # take from the folder's split with the most room
                numbers[numbers.index(max(numbers))] -= 1
                numbers[split] += 1
        for photo in group:
            yield split, photo
    for stratum in sorted(singles):
        yield from split_images(singles[stratum], remaining[stratum], seed)


def split_shuffled(
    photos: Sequence[Photo], groups: Sequence[int], fractions: Sequence[float], seed: int
) -> Iterator[tuple[int, Photo]]:
    """Orders all images by rank and cuts at the fractions, regardless of folders.

    A group joins the split of its first member. Arguments as for `split_groups`.
    """
    shares = exact(fractions)
    cuts = [round(sum(shares[: split + 1]) * len(photos)) for split in range(len(shares))]
    ordered = sorted(range(len(photos)), key=lambda i: (rank(seed, SPLIT, photos[i].path), photos[i].path))
    split_of = {i: bisect_right(cuts, place) for place, i in enumerate(ordered)}
    for photo, leader in zip(photos, groups, strict=True):
        yield split_of[leader], photo


def shard_of(photo: Photo, shards: int, seed: int) -> int:
    """The shard of an image: a hash, so that no step needs the whole split."""
    return int.from_bytes(rank(seed, SHARD, photo.path)[:8], 'big') % shards


def _count(photos: Iterable[Photo]) -> dict[Stratum, int]:
    return dict(Counter(stratum_of(photo) for photo in photos))


def _excess(needs: Mapping[Stratum, int], remaining: Mapping[Stratum, Sequence[int]], split: int) -> int:
    """How many images of a group exceed the remaining quotas of the split."""
    return sum(max(0, number - remaining[stratum][split]) for stratum, number in needs.items())


def _room(
    needs: Mapping[Stratum, int], remaining: Mapping[Stratum, Sequence[int]], split: int, share: Fraction
) -> Fraction:
    """The remaining quotas of the split in a group's folders, relative to its share."""
    return Fraction(sum(remaining[stratum][split] for stratum in needs)) / share if share else Fraction(-1)
