# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Which images are taken and where they go: pure functions on metadata, decided by hashes instead of a random state.

A hash of (seed, purpose, path) gives every image a place in an order of its own, which no file system, number of
workers or other image changes. Choosing and splitting use different purposes: with one order for both, the images
that a larger k adds would all land in the same split.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

from components.stratified_example_gen.records import CONFLICT, DUPLICATE, Note, Photo, shown

CHOICE, SPLIT, ORDER, SHARD = 'choice', 'split', 'order', 'shard'


def rank(seed: int, purpose: str, path: bytes) -> bytes:
    """The place of an image in one of the orders: 16 bytes to compare, uniform and independent between purposes."""
    return hashlib.sha256(f'{purpose}:{seed}:'.encode() + path).digest()[:16]


def one_of_each(photos: Iterable[Photo], seed: int) -> tuple[Photo | None, list[Note]]:
    """Of images with the same content keeps the first by rank, or none when their labels differ.

    Args:
      photos: all images whose bytes are the same, in any order.
      seed: as for `choose`, so that the one kept is one that would be chosen.

    Returns:
      The image that is kept and a note for each that is not.
    """
    ordered = sorted(photos, key=lambda photo: (rank(seed, CHOICE, photo.path), photo.path))
    labels = {(photo.gender, photo.age) for photo in ordered}
    if len(labels) == 1:
        first, *others = ordered
        return first, [
            Note(DUPLICATE, 'duplicate', other.path, f'same content as {shown(first.path)}') for other in others
        ]
    notes = []
    for photo in ordered:
        other = next(p for p in ordered if (p.gender, p.age) != (photo.gender, photo.age))
        notes.append(Note(CONFLICT, 'conflict', photo.path, f'same content as {shown(other.path)} with other labels'))
    return None, notes


def choose(photos: Iterable[Photo], per_folder: int | None, seed: int) -> list[Photo]:
    """The first `per_folder` images of a folder by rank (all of them for None); a larger number only adds."""
    ordered = sorted(photos, key=lambda photo: (rank(seed, CHOICE, photo.path), photo.path))
    return ordered if per_folder is None else ordered[:per_folder]


# Gender and age first: debts are small after every folder, so they are small for each gender and run of ages too.
Stratum = tuple[int, int, bytes]  # gender, age, folder


def stratum_of(photo: Photo) -> Stratum:
    """What folders are sorted by when remainders are handed out."""
    return photo.gender, photo.age, photo.stratum


def quotas(counts: Mapping[Stratum, int], fractions: Sequence[float]) -> dict[Stratum, tuple[int, ...]]:
    """How many images of each folder go to each split.

    Each split gets its share of a folder rounded down. What is left (fewer than there are splits) goes, one each, to
    the splits that are furthest behind their share of everything up to and including this folder. So a folder is
    within one image of its share, and so small are the debts that totals are too, even when every folder holds 3.

    Args:
      counts: images chosen by folder.
      fractions: the share of each split; they add up to 1.

    Returns:
      For each folder the numbers in the order of `fractions`; they add up to its count.
    """
    shares = exact(fractions)
    behind = [Fraction(0)] * len(shares)
    result = {}
    for stratum in sorted(counts):
        count = counts[stratum]
        numbers = [int(share * count) for share in shares]
        behind = [debt + share * count - n for debt, share, n in zip(behind, shares, numbers, strict=True)]
        # A share that came out whole gets no more: else the folder would be a whole image above it.
        open_splits = [s for s, share in enumerate(shares) if (share * count).denominator != 1]
        for split in sorted(open_splits, key=lambda s: (-behind[s], s))[: count - sum(numbers)]:
            numbers[split] += 1
            behind[split] -= 1
        result[stratum] = tuple(numbers)
    return result


def exact(fractions: Sequence[float]) -> list[Fraction]:
    """The fractions as written: 0.6 is three fifths, not the nearest binary number; scaled to add up to one."""
    shares = [Fraction(str(fraction)) for fraction in fractions]
    total = sum(shares)
    return [share / total for share in shares]


def deal(photos: Iterable[Photo], numbers: Sequence[int], seed: int) -> Iterator[tuple[int, Photo]]:
    """Gives each image of a folder its split (an index), so that split i gets `numbers[i]` of them."""
    ordered = sorted(photos, key=lambda photo: (rank(seed, SPLIT, photo.path), photo.path))
    start = 0
    for split, number in enumerate(numbers):
        for photo in ordered[start : start + number]:
            yield split, photo
        start += number


def deal_groups(
    photos: Sequence[Photo], groups: Sequence[int], fractions: Sequence[float], seed: int
) -> Iterator[tuple[int, Photo]]:
    """Deals all folders at once so that images of one group land in one split.

    Groups of several go first, the largest at their head, each to the split where the quotas of its folders are
    exceeded least and, of those, furthest from full; then single images fill what is left. Every folder and the totals
    come out as `quotas` says unless groups are too large for that: a group is never cut.

    Args:
      photos: the whole sample.
      groups: for each photo the index of the first member of its group.
      fractions: the share of each split.
      seed: as everywhere.
    """
    shares = exact(fractions)
    left = {stratum: list(numbers) for stratum, numbers in quotas(_count(photos), fractions).items()}
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
        split = min(range(len(shares)), key=lambda s: (_too_many(needs, left, s), -_room(needs, left, s, shares[s]), s))
        for stratum, number in needs.items():
            numbers = left[stratum]
            numbers[split] -= number
            while numbers[split] < 0:  # taken from the split of the folder that has most left
                numbers[numbers.index(max(numbers))] -= 1
                numbers[split] += 1
        for photo in group:
            yield split, photo
    for stratum in sorted(singles):
        yield from deal(singles[stratum], left[stratum], seed)


def _count(photos: Iterable[Photo]) -> dict[Stratum, int]:
    return dict(Counter(stratum_of(photo) for photo in photos))


def _too_many(needs: Mapping[Stratum, int], left: Mapping[Stratum, Sequence[int]], split: int) -> int:
    return sum(max(0, number - left[stratum][split]) for stratum, number in needs.items())


def _room(needs: Mapping[Stratum, int], left: Mapping[Stratum, Sequence[int]], split: int, share: Fraction) -> Fraction:
    """How much of its share the split still has to get from these folders."""
    return Fraction(sum(left[stratum][split] for stratum in needs)) / share if share else Fraction(-1)


def shuffled(
    photos: Sequence[Photo], groups: Sequence[int], fractions: Sequence[float], seed: int
) -> Iterator[tuple[int, Photo]]:
    """The plain shuffle: everything in one order, cut where the fractions say, whatever the folders.

    A whole group goes where its first member falls. Arguments as for `deal_groups`.
    """
    shares = exact(fractions)
    cuts = [round(sum(shares[: split + 1]) * len(photos)) for split in range(len(shares))]
    ordered = sorted(range(len(photos)), key=lambda i: (rank(seed, SPLIT, photos[i].path), photos[i].path))
    split_of = {i: bisect_right(cuts, place) for place, i in enumerate(ordered)}
    for photo, leader in zip(photos, groups, strict=True):
        yield split_of[leader], photo


def shard_of(photo: Photo, shards: int, seed: int) -> int:
    """The shard an image is written to: by its hash, so that no step needs to know the whole split."""
    return int.from_bytes(rank(seed, SHARD, photo.path)[:8], 'big') % shards
