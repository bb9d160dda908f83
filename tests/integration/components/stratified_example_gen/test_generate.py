# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Ingestion as a whole on Beam: what is written, that it adds up, and that it is the same again."""

import csv
import gzip
import hashlib
import io
import itertools
import json
import os
import random
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from components import names
from components.errors import InputError
from components.stratified_example_gen import ingestion_summary as accounts
from components.stratified_example_gen import layout

pytest.importorskip('apache_beam')
tf = pytest.importorskip('tensorflow')

_MEASURED = (names.IMAGE_WIDTH, names.IMAGE_HEIGHT, names.IMAGE_BYTES, names.BRIGHTNESS)


def everything(splits):
    return [example for examples in splits.values() for example in examples]


def assert_adds_up(account, splits, folder):
    """What holds for every run, whatever the input."""
    losses = sum(account['rejected'].values()) + account['duplicates'] + account['conflicting']
    assert account['found'] == losses + account['sampled'] + account['not_sampled']
    with open(folder / 'rejected.csv', encoding='utf-8', newline='') as stream:
        assert len(list(csv.DictReader(stream))) == losses
    for split, examples in splits.items():
        genders = [names.GENDERS[example['gender']] for example in examples]
        assert account['splits'][split] == {name: genders.count(name) for name in names.GENDERS}
        strata = [f'{name} {e["age_band"].decode()}' for name, e in zip(genders, examples, strict=True)]
        assert {k: n for k, n in account['strata'][split].items() if n} == {k: strata.count(k) for k in set(strata)}
        assert len(account['strata'][split]) == 14
    assert account['sampled'] == len(everything(splits))
    assert json.loads((folder / 'account.json').read_text()) == account
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ['Split-train', 'Split-validation', 'Split-test', 'account.json', 'rejected.csv', 'remarks.csv']
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


def test_the_examples_hold_the_files_own_bytes_and_what_the_folder_says(root, sample):
    account, splits, folder = sample(root, per_folder=4)
    assert_adds_up(account, splits, folder)
    assert account['sampled'] == sum(min(4, len(list(f.iterdir()))) for f in (root / 'combined/aligned').iterdir())
    for example in everything(splits):
        assert set(example) == {'image', 'gender', 'age', 'age_band', 'path', *_MEASURED}
        path = example['path'].decode()
        assert example['image'] == (root / path).read_bytes()
        assert Path(path).parent.name == f'{example["age"]:02d}_{"MF"[example["gender"]]}'
        with Image.open(root / path) as image:
            assert (example['image_width'], example['image_height']) == image.size
            assert example['brightness'] == pytest.approx(np.asarray(image.convert('L')).mean(), abs=1)
        assert example['image_bytes'] == (root / path).stat().st_size
        low, high = example['age_band'].decode().split('-')
        assert int(low) <= example['age'] <= int(high) == int(low) + 9


def test_the_same_again_whatever_the_workers_and_the_file_system(root, sample, tmp_path):
    _, _, first = sample(root, shards=3)
    _, _, threads = sample(root, shards=3, workers=3, mode='multi_threading')
    assert hashes(threads) == hashes(first)
    # The same files made in another order, which is what an unsorted listing depends on.
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
    """Nothing may hang on Python's random string hashes; two worker processes of their own take the shards."""
    _, _, first = sample(root, shards=2, per_folder=3)
    _, _, processes = sample(root, shards=2, per_folder=3, workers=2, mode='multi_processing')
    assert hashes(processes) == hashes(first)


def test_shards_are_named_and_filled(root, sample):
    account, splits, folder = sample(root, shards=4)
    for split in names.SPLITS:
        shards = sorted(path.name for path in (folder / f'Split-{split}').iterdir())
        assert shards == [f'data_tfrecord-{shard:05d}-of-00004.gz' for shard in range(4)]
    assert len(everything(splits)) == account['sampled']


def test_more_shards_than_images_leave_whole_empty_files(make_tree, sample, tmp_path):
    _, splits, folder = sample(make_tree(tmp_path / 'root', {'25_F': 3, '30_M': 3}), shards=7)
    assert len(everything(splits)) == 6
    files = list(folder.glob('Split-*/*.gz'))
    assert len(files) == 21
    assert sum(gzip.decompress(path.read_bytes()) == b'' for path in files) >= 15


def test_the_reading_order_is_mixed(root, sample):
    """Training reads in this order: folder after folder would give batches of one gender."""
    _, splits, _ = sample(root)
    labels = [example['gender'] for example in splits['train']]
    changes = sum(a != b for a, b in itertools.pairwise(labels))
    assert changes > len(labels) / 4
    ages = [example['age'] for example in splits['train']]
    assert ages != sorted(ages)


def test_raising_k_keeps_what_was_chosen(root, sample):
    before = set()
    for per_folder in (1, 2, 5, None):
        _, splits, _ = sample(root, per_folder=per_folder)
        now = {example['path'] for example in everything(splits)}
        assert before < now
        before = now
    assert len(before) == len(list(root.rglob('*.jpg')))


def test_other_folders_do_not_change_the_choice(root, make_tree, sample, tmp_path):
    _, splits, _ = sample(root, per_folder=2)
    shutil.copytree(root, tmp_path / 'more')
    make_tree(tmp_path / 'more', {'33_M': 5})
    make_tree(tmp_path / 'more', {'25_F': 5}, 'valid')
    _, more, _ = sample(tmp_path / 'more', per_folder=2, directories=('aligned', 'valid'))
    assert {e['path'] for e in everything(splits)} <= {e['path'] for e in everything(more)}
    assert len(everything(more)) == len(everything(splits)) + 4


def test_the_plain_shuffle(root, sample):
    account, splits, folder = sample(root, split='shuffled')
    assert_adds_up(account, splits, folder)
    total = account['sampled']
    assert [len(splits[s]) for s in names.SPLITS] == [
        round(0.6 * total), round(0.8 * total) - round(0.6 * total), total - round(0.8 * total)
    ]  # fmt: skip


class TestDuplicates:
    @pytest.fixture
    def tree(self, make_tree, picture, tmp_path):
        """30_M twice holds an image of 25_F and one of its own under other names; aligned and valid share one."""
        own = {f'{i}.jpg': picture(('30_M', i)) for i in range(5)}
        root = make_tree(tmp_path / 'root', {'25_F': 6, '30_M': own | {'again.jpg': own['0.jpg']}})
        folder = root / 'combined/aligned'
        shutil.copy(folder / '25_F/0.jpg', folder / '30_M/stolen.jpg')
        make_tree(root, {'25_F': {'copy.jpg': (folder / '25_F/1.jpg').read_bytes(), 'z.jpg': picture('z')}}, 'valid')
        return root

    def test_each_content_once_and_conflicts_nowhere(self, tree, sample):
        account, splits, folder = sample(tree, directories=('aligned', 'valid'), per_folder=None)
        assert_adds_up(account, splits, folder)
        assert (account['duplicates'], account['conflicting']) == (2, 2)
        contents = [example['image'] for example in everything(splits)]
        assert len(set(contents)) == len(contents) == 11
        assert (tree / 'combined/aligned/25_F/0.jpg').read_bytes() not in contents
        with open(folder / 'rejected.csv', encoding='utf-8') as stream:
            rows = {row['path']: row for row in csv.DictReader(stream)}
        assert rows['combined/aligned/30_M/stolen.jpg']['reason'] == 'conflict'
        assert 'aligned/25_F/0.jpg' in rows['combined/aligned/30_M/stolen.jpg']['detail']
        assert sorted(row['reason'] for row in rows.values()) == ['conflict', 'conflict', 'duplicate', 'duplicate']

    def test_the_reserve_fills_in(self, tree, sample):
        account, splits, _ = sample(tree, directories=('aligned', 'valid'), per_folder=4)
        folders = [str(Path(e['path'].decode()).parent) for e in everything(splits)]
        assert {f: folders.count(f) for f in set(folders)} == {
            'combined/aligned/25_F': 4, 'combined/aligned/30_M': 4,
            'combined/valid/25_F': folders.count('combined/valid/25_F'),
        }  # fmt: skip
        assert account['folders_below_per_folder'] == 1


def test_rejected_images_are_replaced_from_the_reserve(make_tree, picture, sample, tmp_path):
    content = {f'{i}.jpg': picture(i) for i in range(8)} | {f'bad{i}.jpg': picture(i)[:200] for i in range(4)}
    root = make_tree(tmp_path / 'root', {'25_F': content, '30_M': 8})
    for seed in range(3):
        account, splits, folder = sample(root, per_folder=8, seed=seed, max_bad_fraction=0.5)
        assert_adds_up(account, splits, folder)
        assert account['rejected'] == {'truncated': 4}
        assert account['sampled'] == 16


def test_kinds_of_files_are_converted_and_counted(make_tree, encode, picture, sample, tmp_path):
    plain = Image.open(io.BytesIO(picture(0, kind='PNG')))
    tags = Image.Exif()
    tags[0x0112] = 6
    turned = encode(plain.transpose(Image.Transpose.ROTATE_90), 'PNG', exif=tags)
    content = {
        'turned.png': turned,
        'b.bmp': encode(plain.rotate(90), 'BMP'),
        'p.png': encode(plain.rotate(180), 'PNG'),
    }
    root = make_tree(tmp_path / 'root', {'25_F': content | {'a.jpg': picture(1)}, '30_M': 4})
    account, splits, folder = sample(root, per_folder=None)
    assert_adds_up(account, splits, folder)
    assert account['converted'] == 2
    seen = {Path(e['path'].decode()).name: e['image'] for e in everything(splits)}
    assert seen['p.png'] == content['p.png']
    pixels = tf.io.decode_jpeg(seen['turned.png'], channels=3, dct_method='INTEGER_ACCURATE').numpy()
    np.testing.assert_array_equal(pixels, np.asarray(plain))


def test_near_duplicates_share_a_split(make_tree, encode, sample, tmp_path):
    chance = random.Random(0)
    folders: dict[str, dict[str, bytes]] = {}
    for age in range(1, 21):
        for i in range(4):
            # Twelve colours across: with fewer, most of the frequencies that are hashed would be empty.
            image = Image.frombytes('RGB', (12, 12), chance.randbytes(432)).resize((96, 96), Image.Resampling.BICUBIC)
            # The same picture with other bytes, in the next folder.
            folders.setdefault(f'{age:02d}_F', {})[f'{i}.jpg'] = encode(image, quality=95)
            folders.setdefault(f'{age + 1:02d}_F', {})[f'{i}-again.jpg'] = encode(image.resize((64, 64)), quality=60)
    root = make_tree(tmp_path / 'root', folders)

    def torn(splits):
        where = {e['path'].decode(): split for split, examples in splits.items() for e in examples}
        pairs = [
            (f'combined/aligned/{a:02d}_F/{i}.jpg', f'combined/aligned/{a + 1:02d}_F/{i}-again.jpg')
            for a in range(1, 21)
            for i in range(4)
        ]
        return sum(where[one] != where[other] for one, other in pairs)

    _, apart, _ = sample(root, per_folder=None)
    assert torn(apart) > 20
    account, together, folder = sample(root, per_folder=None, near_duplicate_distance=4)
    assert_adds_up(account, together, folder)
    assert torn(together) == 0
    assert abs(len(together['train']) / account['sampled'] - 0.6) < 0.05


@pytest.mark.parametrize('split', names.SPLIT_METHODS)
def test_near_duplicates_fall_alike_in_whatever_order_a_runner_brings_them(split):
    from components.stratified_example_gen.records import Photo
    from components.stratified_example_gen.settings import Settings
    from components.stratified_example_gen.transforms.choosing import _deal_all

    options = Settings('root', ('aligned',), split=split, near_duplicate_distance=0)
    folders = [
        [
            Photo(b'%02d_F/%d' % (age, i), b'%02d_F' % age, 1, age, (), bytes([age, i]), look=i % 3 * age)
            for i in range(9)
        ]
        for age in range(1, 9)
    ]
    mixed = [random.Random(0).sample(folder, 9) for folder in reversed(folders)]
    assert sorted(_deal_all((0, mixed), options)) == sorted(_deal_all((0, folders), options))


def test_flat_utkface(picture, sample, tmp_path):
    faces = tmp_path / 'faces'
    faces.mkdir()
    for age in range(20, 24):
        for gender in (0, 1):
            for i in range(6):
                (faces / f'{age}_{gender}_2_2017011617452512{i}.jpg').write_bytes(picture((age, gender, i)))
    (faces / 'photo.jpg').write_bytes(picture('malformed'))
    account, splits, folder = sample(faces, layout=layout.UTKFACE, directories=('.',), per_folder=5)
    assert_adds_up(account, splits, folder)
    assert account['sampled'] == 40
    assert account['folders'] == 8
    assert account['malformed'] == ['photo.jpg']
    for example in everything(splits):
        assert example['path'].startswith(b'%d_%d_' % (example['age'], example['gender']))


# Leakage and stratification over random trees, through the real pipelines. Contents repeat within and across folders.
contents = st.integers(0, 40)
random_trees = st.dictionaries(
    st.builds(lambda age, sex: f'{age:02d}_{sex}', st.integers(1, 70), st.sampled_from('MF')),
    st.lists(contents, min_size=1, max_size=12),
    min_size=3,
    max_size=8,
)


@given(random_trees, st.integers(1, 8) | st.none(), st.integers(0, 99))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_content_is_twice_in_a_sample_and_splits_are_stratified(make_tree, picture, sample, tree, per_folder, seed):
    with tempfile.TemporaryDirectory() as place:
        files = {name: {f'{i}.jpg': picture(c) for i, c in enumerate(numbers)} for name, numbers in tree.items()}
        root = make_tree(Path(place), files)
        owners: dict[int, set[str]] = {}
        for name, numbers in tree.items():
            for number in numbers:
                owners.setdefault(number, set()).add(name)
        usable = {name: {c for c in numbers if owners[c] == {name}} for name, numbers in tree.items()}
        expected = sum(min(len(distinct), per_folder or 99) for distinct in usable.values())
        try:
            account, splits, folder = sample(root, per_folder=per_folder, seed=seed)
        except InputError as error:
            assert expected < 5, error  # too few to give every split one
            return
        assert_adds_up(account, splits, folder)
        assert account['sampled'] == expected
        assert account['conflicting'] == sum(owners[c] != {name} for name, numbers in tree.items() for c in numbers)
        drawn = [example['image'] for example in everything(splits)]
        assert len(set(drawn)) == len(drawn)
        for share, split in zip((0.6, 0.2, 0.2), names.SPLITS, strict=True):
            here = [os.path.dirname(e['path']).decode() for e in splits[split]]
            for name, distinct in usable.items():
                size = min(len(distinct), per_folder or 99)
                assert abs(here.count(f'combined/aligned/{name}') - share * size) < 1
            assert abs(len(here) - share * expected) <= 2


def test_real_faces(shared, sample):
    root = shared / 'data/agegender'
    account, splits, folder = sample(root, per_folder=20, manifest_columns=('race',))
    assert_adds_up(account, splits, folder)
    assert account['found'] == 2793
    assert account['rejected'] == {}
    assert account['manifest'] == {}
    assert account['sampled'] + account['duplicates'] + account['conflicting'] == 2793
    for share, split in zip((0.6, 0.2, 0.2), names.SPLITS, strict=True):
        assert abs(len(splits[split]) / account['sampled'] - share) <= 0.005
        assert abs(account['splits'][split]['male'] - account['splits'][split]['female']) <= 5
    assert {e['race'] for e in everything(splits)} == {b'0', b'1', b'2', b'3', b'4'}
    text = accounts.describe(account)
    assert text.startswith('2,793 files found')
    assert '\n' not in text
