# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Sampling and splitting as properties over random trees, without files or Beam."""

from collections import Counter

import pytest
from hypothesis import given, settings, strategies as st

from components.stratified_example_gen import sampling
from components.stratified_example_gen.records import AGES_DIFFER, CONFLICT, DUPLICATE, Measures, Photo

FRACTIONS = (0.6, 0.2, 0.2)


def photo(folder, number, content=None, directory='aligned'):
    """A photo of folder AA_M or AA_F; its content differs from every other unless given."""
    stratum = f'combined/{directory}/{folder}'.encode()
    path = stratum + b'/%d.jpg' % number
    sha256 = (content or path.decode()).encode().ljust(32)
    return Photo(path, stratum, int(folder.endswith('F')), int(folder[:2]), (), sha256, Measures(1, 1, 0.0, 0.0, 0.0))


def folder_of(name, size):
    return [photo(name, number) for number in range(size)]


names = st.builds(lambda age, sex: f'{age:02d}_{sex}', st.integers(1, 70), st.sampled_from('MF'))
trees = st.dictionaries(names, st.integers(1, 45), min_size=1, max_size=60)
seeds = st.integers(0, 2**31)


def split_stratified(tree, seed, fractions=FRACTIONS):
    folders = {name: folder_of(name, size) for name, size in tree.items()}
    counts = {sampling.stratum_of(photos[0]): len(photos) for photos in folders.values()}
    quotas = sampling.quotas(counts, fractions)
    splits = [[] for _ in fractions]
    for photos in folders.values():
        for split, item in sampling.split_images(photos, quotas[sampling.stratum_of(photos[0])], seed):
            splits[split].append(item)
    return splits


@given(trees, seeds)
def test_every_image_is_in_one_split(tree, seed):
    assigned = [item.path for split in split_stratified(tree, seed) for item in split]
    assert sorted(assigned) == sorted(p.path for name, size in tree.items() for p in folder_of(name, size))


@given(trees, seeds)
def test_every_folder_is_within_one_image_of_its_share(tree, seed):
    for share, split in zip(FRACTIONS, split_stratified(tree, seed), strict=True):
        counts = Counter(item.stratum for item in split)
        for name, size in tree.items():
            assert abs(counts[b'combined/aligned/' + name.encode()] - share * size) < 1


@given(trees, seeds)
def test_totals_genders_and_bands_are_within_two_images_of_their_share(tree, seed):
    """Far closer than one image per folder, because remainders are assigned along gender and age."""
    splits = split_stratified(tree, seed)
    groups = {
        'all': lambda p: True,
        'male': lambda p: p.gender == 0,
        'female': lambda p: p.gender == 1,
        'girls': lambda p: p.gender == 1 and p.age <= 10,
        'men of 31-40': lambda p: p.gender == 0 and 31 <= p.age <= 40,
    }
    for name, belongs in groups.items():
        total = sum(belongs(p) for split in splits for p in split)
        for share, split in zip(FRACTIONS, splits, strict=True):
            assert abs(sum(map(belongs, split)) - share * total) <= 2, name


@pytest.mark.parametrize('size', [3, 14])
def test_totals_are_within_half_a_percent_when_folders_hold_few(size):
    tree = {f'{age:02d}_{sex}': size for age in range(1, 71) for sex in 'MF'}
    total = sum(tree.values())
    for share, split in zip(FRACTIONS, split_stratified(tree, 0), strict=True):
        assert abs(len(split) / total - share) <= 0.005
        for gender in (0, 1):
            assert abs(sum(p.gender == gender for p in split) / (total / 2) - share) <= 0.005


@given(
    trees, seeds, st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.25, 0.25), (0.7, 0.2, 0.1), (1.0, 0.0, 0.0), (0.34,) * 3])
)
def test_other_fractions(tree, seed, fractions):
    splits = split_stratified(tree, seed, fractions)
    shares = sampling.exact(fractions)
    total = sum(map(len, splits))
    assert total == sum(tree.values())
    for share, split in zip(shares, splits, strict=True):
        assert abs(len(split) - share * total) <= 2
        if share == 0:
            assert not split


@given(st.integers(1, 60), st.integers(1, 60), seeds)
def test_a_larger_k_keeps_the_sample(first, second, seed):
    photos = folder_of('25_F', 40)
    few, many = sorted((first, second))
    chosen = sampling.sample(photos, few, seed)
    assert chosen == sampling.sample(reversed(photos), many, seed)[:few]
    assert len(chosen) == min(few, 40)
    assert len(sampling.sample(photos, None, seed)) == 40


def test_the_sample_depends_on_the_seed():
    photos = folder_of('25_F', 40)
    chosen = {tuple(sampling.sample(photos, 20, seed)) for seed in range(10)}
    assert len(chosen) == 10


def test_the_split_is_independent_of_the_sample():
    """With one order for both, all images that a larger k adds would go to the last split."""
    photos = folder_of('25_F', 400)
    earliest = {p.path for p in sampling.sample(photos, 100, 0)}
    assigned = sampling.split_images(photos, (240, 80, 80), 0)
    counts = Counter(split for split, p in assigned if p.path in earliest)
    assert 40 <= counts[0] <= 80  # 60 expected, standard deviation 4.2
    assert all(counts[split] >= 8 for split in (1, 2))


def test_every_image_is_equally_likely():
    chosen = Counter(p.path for seed in range(2000) for p in sampling.sample(folder_of('25_F', 10), 3, seed))
    assert all(500 <= number <= 700 for number in chosen.values())  # 600 expected, standard deviation 20.5
    assert len(chosen) == 10


class TestDuplicates:
    @given(st.permutations(range(6)), seeds)
    def test_one_is_kept_whatever_the_order(self, order, seed):
        photos = [photo('25_F', number, 'same', directory) for number in range(3) for directory in ('aligned', 'valid')]
        kept, notes = sampling.keep_one([photos[i] for i in order], seed)
        assert (kept, notes) == sampling.keep_one(photos, seed)
        assert {note.kind for note in notes} == {DUPLICATE}
        assert {kept.path, *(note.path for note in notes)} == {p.path for p in photos}

    @given(st.permutations(range(3)), seeds)
    def test_different_ages_keep_one_of_unknown_age(self, order, seed):
        photos = [photo('25_F', 1, 'same'), photo('25_F', 2, 'same'), photo('31_F', 3, 'same')]
        kept, notes = sampling.keep_one([photos[i] for i in order], seed)
        assert (kept.gender, kept.age, kept.stratum) == (1, 0, b'combined/aligned/00_F')
        assert sorted(note.path for note in notes if note.kind == DUPLICATE) == sorted(
            p.path for p in photos if p.path != kept.path
        )
        assert [(n.path, n.detail) for n in notes if n.kind == AGES_DIFFER] == [
            (kept.path, 'its copies have the ages 25, 31; kept with an unknown age')
        ]

    @given(st.permutations(range(3)), seeds)
    def test_an_unknown_age_differs_from_none(self, order, seed):
        photos = [photo('00_F', 1, 'same'), photo('25_F', 2, 'same'), photo('00_F', 3, 'same')]
        kept, notes = sampling.keep_one([photos[i] for i in order], seed)
        assert kept == photos[1]
        assert {(note.kind, note.path) for note in notes} == {(DUPLICATE, photos[i].path) for i in (0, 2)}

    @pytest.mark.parametrize('other', ['25_M', '26_M'])
    def test_different_genders_drop_all(self, other):
        photos = [photo('25_F', 1, 'same'), photo('25_F', 2, 'same'), photo(other, 3, 'same')]
        kept, notes = sampling.keep_one(photos, 0)
        assert kept is None
        assert {(note.kind, note.path) for note in notes} == {(CONFLICT, p.path) for p in photos}
        assert next(n for n in notes if n.path == photos[0].path).detail.count(f'aligned/{other}/3.jpg') == 1


class TestGroups:
    @given(trees, st.lists(st.lists(st.integers(0, 10_000), min_size=2, max_size=5), max_size=8), seeds)
    def test_are_never_cut_and_no_image_is_lost(self, tree, links, seed):
        photos = [p for name in sorted(tree) for p in folder_of(name, tree[name])]
        groups = list(range(len(photos)))
        for link in links:
            members = sorted({i % len(photos) for i in link})
            for i in members:
                if all(groups[j] == j for j in members) and groups.count(i) == 1:
                    groups[i] = members[0]
        for split_photos in (sampling.split_groups, sampling.split_shuffled):
            assigned = list(split_photos(photos, groups, FRACTIONS, seed))
            assert sorted(p.path for _, p in assigned) == sorted(p.path for p in photos)
            split_of = {p.path: split for split, p in assigned}
            for i, leader in enumerate(groups):
                assert split_of[photos[i].path] == split_of[photos[leader].path]

    @given(trees, seeds)
    @settings(max_examples=30)
    def test_without_groups_every_folder_gets_its_quota(self, tree, seed):
        photos = [p for name in sorted(tree) for p in folder_of(name, tree[name])]
        assigned = list(sampling.split_groups(photos, range(len(photos)), FRACTIONS, seed))
        alone = split_stratified(tree, seed)
        assert [{p for s, p in assigned if s == split} for split in range(3)] == [set(split) for split in alone]

    def test_a_few_pairs_leave_the_split_as_stratified_as_before(self):
        tree = {f'{age:02d}_{sex}': 20 for age in range(1, 71) for sex in 'MF'}
        photos = [p for name in sorted(tree) for p in folder_of(name, tree[name])]
        groups = list(range(len(photos)))
        for i in range(0, 300, 15):  # twenty pairs of neighbours: in one folder or across two
            groups[i + 20] = groups[i]
        counts = Counter((s, p.stratum) for s, p in sampling.split_groups(photos, groups, FRACTIONS, 3))
        for (split, _), number in counts.items():
            assert abs(number - 20 * FRACTIONS[split]) <= 1


@given(st.integers(3, 400), seeds)
def test_the_shuffled_split_cuts_at_the_fractions(size, seed):
    photos = folder_of('25_F', size)
    counts = Counter(split for split, _ in sampling.split_shuffled(photos, range(size), FRACTIONS, seed))
    assert [counts[0], counts[0] + counts[1]] == [round(0.6 * size), round(0.8 * size)]


@given(st.integers(1, 40), seeds)
def test_shards_are_in_range_and_even(shards, seed):
    counts = Counter(sampling.shard_of(p, shards, seed) for p in folder_of('25_F', 60))
    assert set(counts) <= set(range(shards))
    assert shards == 1 or len(counts) > 1
