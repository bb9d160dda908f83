# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Ingestion on Beam: examples, a consistent summary, and reproducible bytes."""

import csv
import dataclasses
import gzip
import hashlib
import io
import itertools
import json
import random
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from PIL import Image

from components import names
from components.errors import InputError
from components.stratified_example_gen import images
from components.stratified_example_gen.ingestion_summary import IngestionSummary
from components.stratified_example_gen.settings import UTKFACE
from tests.fixtures.icc_profiles import profile

pytest.importorskip('apache_beam')
tf = pytest.importorskip('tensorflow')


def everything(splits):
    return [example for examples in splits.values() for example in examples]


def assert_adds_up(summary, splits, folder):
    """Invariants of every run."""
    losses = sum(summary.rejected.values()) + summary.duplicates + summary.conflicting
    assert summary.found == losses + summary.sampled + summary.not_sampled
    with open(folder / 'rejected.csv', encoding='utf-8', newline='') as stream:
        assert len(list(csv.DictReader(stream))) == losses
    for split, examples in splits.items():
        genders = [names.GENDERS[example['gender']] for example in examples]
        assert summary.splits[split] == {name: genders.count(name) for name in names.GENDERS}
        strata = [f'{name} {e["age_band"].decode()}' for name, e in zip(genders, examples, strict=True)]
        assert {k: n for k, n in summary.strata[split].items() if n} == {k: strata.count(k) for k in set(strata)}
        unknown = 'male unknown' in summary.strata[split]
        assert len(summary.strata[split]) == 14 + 2 * unknown
    assert summary.sampled == len(everything(splits))
    assert json.loads((folder / names.INGESTION_SUMMARY_FILE).read_text()) == dataclasses.asdict(summary)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ['Split-train', 'Split-validation', 'Split-test', names.INGESTION_SUMMARY_FILE, 'rejected.csv', 'remarks.csv']
    )


def hashes(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob('*')
        if path.is_file()
    }


@pytest.fixture(scope='module')
def root(make_tree, tmp_path_factory):
    """20 folders of 3 to 8 images."""
    sizes = {f'{age:02d}_{sex}': 3 + (age + ord(sex)) % 6 for age in range(1, 71, 7) for sex in 'MF'}
    return make_tree(tmp_path_factory.mktemp('root'), sizes)


def test_examples_contain_the_files_bytes_and_the_folders_labels(root, sample):
    summary, splits, folder = sample(root, per_folder=4)
    assert_adds_up(summary, splits, folder)
    assert summary.sampled == sum(min(4, len(list(f.iterdir()))) for f in (root / 'combined/aligned').iterdir())
    for example in everything(splits):
        assert set(example) == {'image', 'gender', 'age', 'age_band', 'path', *names.MEASURED}
        path = example['path'].decode()
        assert example['image'] == (root / path).read_bytes()
        assert Path(path).parent.name == f'{example["age"]:02d}_{"MF"[example["gender"]]}'
        with Image.open(root / path) as image:
            assert (example['image_width'], example['image_height']) == image.size
            assert example['brightness'] == pytest.approx(np.asarray(image.convert('L')).mean(), abs=1)
        assert example['image_bytes'] == (root / path).stat().st_size
        low, high = example['age_band'].decode().split('-')
        assert int(low) <= example['age'] <= int(high) == int(low) + 9


def test_output_does_not_depend_on_workers_or_the_file_system(root, sample, tmp_path):
    _, _, first = sample(root, shards=3)
    _, _, threads = sample(root, shards=3, workers=3, mode='multi_threading')
    assert hashes(threads) == hashes(first)
    # The same files created in another order, which an unsorted listing would reveal.
    files = [path.relative_to(root) for path in root.rglob('*.jpg')]
    random.Random(0).shuffle(files)
    for file in files:
        (tmp_path / 'copy' / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / file, tmp_path / 'copy' / file)
    _, _, copied = sample(tmp_path / 'copy', shards=3)
    assert hashes(copied) == hashes(first)
    _, _, other = sample(root, shards=3, seed=1)
    assert hashes(other) != hashes(first)


def test_another_process_writes_the_same_bytes(root, sample, tmp_path):
    """Two worker processes write the shards; Python's random string hashes must not matter."""
    _, _, first = sample(root, shards=2, per_folder=3)
    _, _, processes = sample(root, shards=2, per_folder=3, workers=2, mode='multi_processing')
    assert hashes(processes) == hashes(first)


def test_shards_are_named_and_filled(root, sample):
    summary, splits, folder = sample(root, shards=4)
    for split in names.SPLITS:
        shards = sorted(path.name for path in (folder / f'Split-{split}').iterdir())
        assert shards == [f'data_tfrecord-{shard:05d}-of-00004.gz' for shard in range(4)]
    assert len(everything(splits)) == summary.sampled


def test_more_shards_than_images_leave_valid_empty_files(make_tree, sample, tmp_path):
    _, splits, folder = sample(make_tree(tmp_path / 'root', {'25_F': 3, '30_M': 3}), shards=7)
    assert len(everything(splits)) == 6
    files = list(folder.glob('Split-*/*.gz'))
    assert len(files) == 21
    assert sum(gzip.decompress(path.read_bytes()) == b'' for path in files) >= 15


def test_the_order_is_shuffled(root, sample):
    """Training reads in this order; folder by folder, batches would have one gender."""
    _, splits, _ = sample(root)
    labels = [example['gender'] for example in splits['train']]
    changes = sum(a != b for a, b in itertools.pairwise(labels))
    assert changes > len(labels) / 4
    ages = [example['age'] for example in splits['train']]
    assert ages != sorted(ages)


def test_a_larger_k_keeps_the_sample(root, sample):
    before = set()
    for per_folder in (1, 2, 5, None):
        _, splits, _ = sample(root, per_folder=per_folder)
        now = {example['path'] for example in everything(splits)}
        assert before < now
        before = now
    assert len(before) == len(list(root.rglob('*.jpg')))


def test_other_folders_do_not_change_the_sample(root, make_tree, sample, tmp_path):
    _, splits, _ = sample(root, per_folder=2)
    shutil.copytree(root, tmp_path / 'more')
    make_tree(tmp_path / 'more', {'33_M': 5})
    make_tree(tmp_path / 'more', {'25_F': 5}, 'valid')
    _, more, _ = sample(tmp_path / 'more', per_folder=2, directories=('aligned', 'valid'))
    assert {e['path'] for e in everything(splits)} <= {e['path'] for e in everything(more)}
    assert len(everything(more)) == len(everything(splits)) + 4


def test_the_shuffled_split(root, sample):
    summary, splits, folder = sample(root, split='shuffled')
    assert_adds_up(summary, splits, folder)
    total = summary.sampled
    assert [len(splits[s]) for s in names.SPLITS] == [
        round(0.6 * total), round(0.8 * total) - round(0.6 * total), total - round(0.8 * total)
    ]  # fmt: skip


class TestDuplicates:
    @pytest.fixture
    def tree(self, make_tree, picture, tmp_path):
        """30_M has copies of an image of 25_F and of its own; aligned and valid share an image, at two ages another."""
        own = {f'{i}.jpg': picture(('30_M', i)) for i in range(5)}
        root = make_tree(tmp_path / 'root', {'25_F': 6, '30_M': own | {'again.jpg': own['0.jpg']}})
        folder = root / 'combined/aligned'
        shutil.copy(folder / '25_F/0.jpg', folder / '30_M/stolen.jpg')
        make_tree(root, {'25_F': {'copy.jpg': (folder / '25_F/1.jpg').read_bytes(), 'z.jpg': picture('z')}}, 'valid')
        make_tree(root, {'31_F': {'older.jpg': (folder / '25_F/2.jpg').read_bytes()}}, 'valid')
        return root

    def test_each_content_once_and_conflicts_nowhere(self, tree, sample):
        summary, splits, folder = sample(tree, directories=('aligned', 'valid'), per_folder=None)
        assert_adds_up(summary, splits, folder)
        assert (summary.duplicates, summary.conflicting, summary.ages_differ) == (3, 2, 1)
        contents = [example['image'] for example in everything(splits)]
        assert len(set(contents)) == len(contents) == 11
        assert (tree / 'combined/aligned/25_F/0.jpg').read_bytes() not in contents
        with open(folder / 'rejected.csv', encoding='utf-8') as stream:
            rows = {row['path']: row for row in csv.DictReader(stream)}
        assert rows['combined/aligned/30_M/stolen.jpg']['reason'] == 'conflict'
        assert 'aligned/25_F/0.jpg' in rows['combined/aligned/30_M/stolen.jpg']['detail']
        assert sorted(row['reason'] for row in rows.values()) == ['conflict'] * 2 + ['duplicate'] * 3
        unknown = [e for e in everything(splits) if e['age'] == 0]
        assert [(e['age_band'], e['gender'], e['image']) for e in unknown] == [
            (b'unknown', 1, (tree / 'combined/aligned/25_F/2.jpg').read_bytes())
        ]
        assert sum(counts['female unknown'] for counts in summary.strata.values()) == 1
        assert sum(counts['male unknown'] for counts in summary.strata.values()) == 0
        assert unknown[0]['path'].decode() in (folder / 'remarks.csv').read_text('utf-8')
        assert '1 have copies of another age; one copy each is kept, its age unknown.' in summary.describe()

    def test_other_images_replace_dropped_ones(self, tree, sample):
        summary, splits, _ = sample(tree, directories=('aligned', 'valid'), per_folder=4)
        folders = [str(Path(e['path'].decode()).parent) for e in everything(splits) if e['age']]
        assert {f: folders.count(f) for f in set(folders)} == {
            'combined/aligned/25_F': 4, 'combined/aligned/30_M': 4,
            'combined/valid/25_F': folders.count('combined/valid/25_F'),
        }  # fmt: skip
        assert summary.folders_below_per_folder == 2  # valid/25_F, and the image of unknown age


def test_other_images_replace_rejected_ones(make_tree, picture, sample, tmp_path):
    content = {f'{i}.jpg': picture(i) for i in range(8)} | {f'bad{i}.jpg': picture(i)[:200] for i in range(4)}
    root = make_tree(tmp_path / 'root', {'25_F': content, '30_M': 8})
    for seed in range(3):
        summary, splits, folder = sample(root, per_folder=8, seed=seed, max_bad_fraction=0.5)
        assert_adds_up(summary, splits, folder)
        assert summary.rejected == {'truncated': 4}
        assert summary.sampled == 16


def test_kinds_of_files_are_converted_and_counted(make_tree, encode, picture, sample, tmp_path):
    plain = Image.open(io.BytesIO(picture(0, kind='PNG')))
    tags = Image.Exif()
    tags[0x0112] = 6
    turned = encode(plain.transpose(Image.Transpose.ROTATE_90), 'PNG', exif=tags)
    content = {
        'turned.png': turned,
        'b.bmp': encode(plain.rotate(90), 'BMP'),
        'p.png': encode(plain.rotate(180), 'PNG'),
        'wide.png': encode(plain.rotate(270), 'PNG', icc_profile=profile('Display P3')),
        'damaged.png': encode(plain.transpose(Image.Transpose.TRANSPOSE), 'PNG', icc_profile=b'none'),
    }
    root = make_tree(tmp_path / 'root', {'25_F': content | {'a.jpg': picture(1)}, '30_M': 4})
    summary, splits, folder = sample(root, per_folder=None)
    assert_adds_up(summary, splits, folder)
    assert (summary.converted, summary.recoloured, summary.ignored_profiles) == (3, 1, 1)
    counts = json.loads((folder / names.INGESTION_SUMMARY_FILE).read_text())
    for later in ('recoloured', 'ignored_profiles', 'outside_ages'):
        del counts[later]
    assert IngestionSummary(**counts) == dataclasses.replace(summary, recoloured=0, ignored_profiles=0)
    assert '3 converted to PNG, 1 of them by a colour profile. 1 unusable' in summary.describe()
    assert 'damaged.png,ignored_profile,the colour profile is damaged' in (folder / 'remarks.csv').read_text()
    seen = {Path(e['path'].decode()).name: e['image'] for e in everything(splits)}
    assert seen['p.png'] == content['p.png']
    assert seen['damaged.png'] == content['damaged.png']
    assert seen['wide.png'] == images.as_displayed(content['wide.png']) != content['wide.png']
    pixels = tf.io.decode_jpeg(seen['turned.png'], channels=3, dct_method='INTEGER_ACCURATE').numpy()
    np.testing.assert_array_equal(pixels, np.asarray(plain))


def test_near_duplicates_share_a_split(make_tree, encode, sample, tmp_path):
    chance = random.Random(0)
    folders: dict[str, dict[str, bytes]] = {}
    for age in range(1, 21):
        for i in range(4):
            # Twelve colours across: with fewer, most hashed frequencies would be empty.
            image = Image.frombytes('RGB', (12, 12), chance.randbytes(432)).resize((96, 96), Image.Resampling.BICUBIC)
            # The same picture with other bytes goes to the next folder.
            folders.setdefault(f'{age:02d}_F', {})[f'{i}.jpg'] = encode(image, quality=95)
            folders.setdefault(f'{age + 1:02d}_F', {})[f'{i}-again.jpg'] = encode(image.resize((64, 64)), quality=60)
    root = make_tree(tmp_path / 'root', folders)

    def separated(splits):
        where = {e['path'].decode(): split for split, examples in splits.items() for e in examples}
        pairs = [
            (f'combined/aligned/{a:02d}_F/{i}.jpg', f'combined/aligned/{a + 1:02d}_F/{i}-again.jpg')
            for a in range(1, 21)
            for i in range(4)
        ]
        return sum(where[one] != where[other] for one, other in pairs)

    _, apart, _ = sample(root, per_folder=None, near_duplicate_distance=None)
    assert separated(apart) > 20
    summary, together, folder = sample(root, per_folder=None)  # by default
    assert_adds_up(summary, together, folder)
    assert separated(together) == 0
    assert abs(len(together['train']) / summary.sampled - 0.6) < 0.05


@pytest.mark.parametrize('split', names.SPLIT_METHODS)
def test_splits_do_not_depend_on_a_runners_order(split):
    from components.stratified_example_gen.records import Measures, Photo
    from components.stratified_example_gen.settings import Settings
    from components.stratified_example_gen.transforms.choosing import split_all

    unmeasured = Measures(0, 0, 0.0, 0.0, 0.0)
    options = Settings(split=split, near_duplicate_distance=0)
    folders = [
        [
            Photo(
                b'%02d_F/%d' % (age, i),
                b'%02d_F' % age,
                1,
                age,
                (),
                bytes([age, i]),
                unmeasured,
                perceptual_hash=i % 3 * age,
            )
            for i in range(9)
        ]
        for age in range(1, 9)
    ]
    mixed = [random.Random(0).sample(folder, 9) for folder in reversed(folders)]
    assert sorted(split_all((0, mixed), options)) == sorted(split_all((0, folders), options))


def test_flat_utkface(picture, sample, tmp_path):
    faces = tmp_path / 'faces'
    faces.mkdir()
    for age in range(20, 24):
        for gender in (0, 1):
            for i in range(6):
                (faces / f'{age}_{gender}_2_2017011617452512{i}.jpg').write_bytes(picture((age, gender, i)))
    (faces / 'photo.jpg').write_bytes(picture('malformed'))
    (faces / 'manifest.csv').write_text('path,smile\n20_0_2_20170116174525120.jpg,yes\n')
    columns = ('smile', 'race')
    summary, splits, folder = sample(faces, layout=UTKFACE, per_folder=5, manifest_columns=columns)
    assert_adds_up(summary, splits, folder)
    assert summary.sampled == 40
    assert summary.folders == 8
    assert summary.malformed == ['photo.jpg']
    assert {example['race'] for example in everything(splits)} == {b'2'}
    assert all('smile' not in e or e['smile'] == b'yes' for e in everything(splits))
    for example in everything(splits):
        assert example['path'].startswith(b'%d_%d_' % (example['age'], example['gender']))


# Leakage and stratification over random trees with repeated contents, through the real pipelines.
contents = st.integers(0, 40)
random_trees = st.dictionaries(
    st.builds(lambda age, sex: f'{age:02d}_{sex}', st.integers(1, 70), st.sampled_from('MF')),
    st.lists(contents, min_size=1, max_size=12),
    min_size=3,
    max_size=8,
)


def test_labels_from_a_table(picture, sample, tmp_path):
    """FairFace's table, with rows of a missing file, a link that leaves the root, and files listed twice."""
    root = tmp_path / 'fairface'
    (root / 'train').mkdir(parents=True)
    rows = ['file,age,gender,race,service_test']
    for number in range(16):
        (root / f'train/{number}.jpg').write_bytes(picture(number))
        age = 'more than 70' if number % 4 == 3 else '20-29'
        rows.append(f'train/{number}.jpg,{age},{("Male", "Female")[number % 2]},Black,True')
    (tmp_path / 'secret.jpg').write_bytes(picture('secret'))
    (root / 'train/link.jpg').symlink_to(tmp_path / 'secret.jpg')
    (root / 'train/unlisted.jpg').write_bytes(picture('unlisted'))
    rows += [f'{name},20-29,Female,White,True' for name in ('train/link.jpg', 'train/none.jpg', '../secret.jpg')]
    rows += ['train/0.jpg,20-29,Female,Black,True', 'train/1.jpg,30-39,Female,Black,True', 'train/2.jpg,20-29,,,']
    (root / 'labels.csv').write_text('\n'.join(rows))
    summary, splits, folder = sample(
        root, layout='manifest', labels='labels.csv', path_column='file', manifest_columns='race', per_folder=None,
        max_bad_fraction=0.5,
    )  # fmt: skip
    assert_adds_up(summary, splits, folder)
    assert summary.rejected == {'link_outside_root': 1, 'missing': 1, 'outside_root': 1}
    assert summary.manifest == {'second_row': 1, 'unknown_gender': 1}
    assert (summary.conflicting, summary.ages_differ) == (1, 1)  # 0.jpg and 1.jpg
    found = {e['path']: (e['gender'], e['age'], e['age_band'], e['race']) for e in everything(splits)}
    assert len(found) == 15
    assert found[b'train/2.jpg'] == (0, 24, b'21-30', b'Black')
    assert found[b'train/1.jpg'] == found[b'train/3.jpg'] == (1, 0, b'unknown', b'Black')


@given(random_trees, st.integers(1, 8) | st.none(), st.integers(0, 99))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_samples_have_no_duplicates_and_splits_are_stratified(make_tree, picture, sample, tree, per_folder, seed):
    with tempfile.TemporaryDirectory() as place:
        files = {name: {f'{i}.jpg': picture(c) for i, c in enumerate(numbers)} for name, numbers in tree.items()}
        root = make_tree(Path(place), files)
        owners: dict[int, set[str]] = {}
        for name, numbers in tree.items():
            for number in numbers:
                owners.setdefault(number, set()).add(name)
        genders = {number: {name[-1] for name in found} for number, found in owners.items()}
        usable = {name: {c for c in numbers if owners[c] == {name}} for name, numbers in tree.items()}
        for number, found in owners.items():
            if len(found) > 1 and len(genders[number]) == 1:  # ages differ
                usable.setdefault(f'00_{found.pop()[-1]}', set()).add(number)
        expected = sum(min(len(distinct), per_folder or 99) for distinct in usable.values())
        try:
            summary, splits, folder = sample(root, per_folder=per_folder, seed=seed)
        except InputError as error:
            assert expected < 5, error  # too few for every split
            return
        assert_adds_up(summary, splits, folder)
        assert summary.sampled == expected
        assert summary.conflicting == sum(len(genders[c]) > 1 for numbers in tree.values() for c in numbers)
        drawn = [example['image'] for example in everything(splits)]
        assert len(set(drawn)) == len(drawn)
        for share, split in zip((0.6, 0.2, 0.2), names.SPLITS, strict=True):
            here = [f'{e["age"]:02d}_{"MF"[e["gender"]]}' for e in splits[split]]
            for name, distinct in usable.items():
                size = min(len(distinct), per_folder or 99)
                assert abs(here.count(name) - share * size) < 1
            assert abs(len(here) - share * expected) <= 2


def test_real_faces(shared, sample):
    root = shared / 'data/agegender'
    summary, splits, folder = sample(root, per_folder=20, manifest_columns=('race',))
    assert_adds_up(summary, splits, folder)
    assert summary.found == 2793
    assert summary.rejected == {}
    assert summary.manifest == {}
    assert summary.sampled + summary.duplicates + summary.conflicting == 2793
    for share, split in zip((0.6, 0.2, 0.2), names.SPLITS, strict=True):
        assert abs(len(splits[split]) / summary.sampled - share) <= 0.005
        assert abs(summary.splits[split]['male'] - summary.splits[split]['female']) <= 5
    assert {e['race'] for e in everything(splits)} == {b'0', b'1', b'2', b'3', b'4'}
    text = summary.describe()
    assert text.startswith('2,793 files found')
    assert '\n' not in text
