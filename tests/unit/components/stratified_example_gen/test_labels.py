# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Labels from tables in the shapes of FairFace and CelebA."""

import itertools

import pytest

from components.errors import InputError
from components.io.trees import open_tree
from components.stratified_example_gen import labels, layout
from components.stratified_example_gen.records import LabelledFile, Note
from components.stratified_example_gen.settings import MANIFEST, Settings

FAIRFACE = Settings(layout=MANIFEST, labels='fairface_label_train.csv', path_column='file', manifest_columns=['race'])
CELEBA = Settings(
    layout=MANIFEST, labels='list_attr_celeba.csv', directories='img_align_celeba', path_column='image_id',
    gender_column='Male', age_column=None, male_values=1, female_values=-1,
)  # fmt: skip


def read(root, settings):
    """The labelled files of a table, and its notes."""
    items = list(labels.read(open_tree(str(root)), settings))
    return [i[1] for i in items if not isinstance(i, Note)], [i for i in items if isinstance(i, Note)]


def write(root, name, text, *images):
    for image in images:
        (root / image).parent.mkdir(parents=True, exist_ok=True)
        (root / image).write_bytes(image.encode())
    (root / name).write_text(text)


@pytest.mark.parametrize(
    ('text', 'age'),
    [
        ('0-2', 1), ('3-9', 6), ('10-19', 14), ('20-29', 24), ('60-69', 64), ('more than 70', 0),
        ('25', 25), ('25.0', 25), (' 7 ', 7), ('0', 0), ('71', 0), ('', 0), ('(25, 32)', 28), ('70+', 0), ('80-89', 0),
        ('young', None), ('-3', None), ('25.5', None),
    ],
)  # fmt: skip
def test_ages(text, age):
    assert labels.age_of(text) == age


def test_fairface(tmp_path):
    text = (
        'file,age,gender,race,service_test\n'
        'train/1.jpg,50-59,Male,East Asian,True\n'
        'train/2.jpg,more than 70,Female,Indian,False\n'
    )
    write(tmp_path, 'fairface_label_train.csv', text, 'train/1.jpg')
    layout.check_root(str(tmp_path), FAIRFACE)
    assert read(tmp_path, FAIRFACE) == (
        [
            LabelledFile(b'train/1.jpg', b'54_M', 0, 54, ('East Asian',)),
            LabelledFile(b'train/2.jpg', b'00_F', 1, 0, ('Indian',)),
        ],
        [],
    )


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('list_attr_celeba.csv', 'image_id,Eyeglasses,Male\n000001.jpg,-1,-1\n000002.jpg,1,1\n'),
        ('list_attr_celeba.txt', '2\nEyeglasses Male \n000001.jpg -1 -1\n000002.jpg  1  1\n'),
    ],
)
def test_celeba(tmp_path, name, text):
    write(tmp_path, name, text, 'img_align_celeba/000001.jpg')
    settings = Settings.from_dict(CELEBA.as_dict() | {'labels': name, 'manifest_columns': ['Eyeglasses']})
    layout.check_root(str(tmp_path), settings)
    assert read(tmp_path, settings) == (
        [
            LabelledFile(b'img_align_celeba/000001.jpg', b'img_align_celeba/00_F', 1, 0, ('-1',)),
            LabelledFile(b'img_align_celeba/000002.jpg', b'img_align_celeba/00_M', 0, 0, ('1',)),
        ],
        [],
    )


def test_rows_without_a_label_have_a_reason(tmp_path):
    text = 'path,gender,age\n../x.jpg,f,1\n/etc/x.jpg,f,1\n,f,1\na/../y.jpg,?,1\nz.jpg,F,old\nb\\w.jpg,man,5\n'
    write(tmp_path, 'manifest.csv', text)
    found, notes = read(tmp_path, Settings(layout=MANIFEST))
    assert [(f.path, f.gender, f.age) for f in found] == [(b'z.jpg', 1, 0), (b'b/w.jpg', 0, 5)]
    assert [(n.kind, n.reason, n.path) for n in notes] == [
        ('rejected', 'outside_root', b'../x.jpg'), ('rejected', 'outside_root', b'/etc/x.jpg'),
        ('rejected', 'outside_root', b''), ('manifest', 'unknown_gender', b'y.jpg'),
        ('manifest', 'unclear_age', b'z.jpg'),
    ]  # fmt: skip
    assert notes[3].detail == 'line 5 of manifest.csv: gender is "?"'


def _row(line, gender=1, age=25):
    return line, LabelledFile(b'a/1.jpg', b'a/%02d_%s' % (age, b'MF'[gender:][:1]), gender, age)


@pytest.mark.parametrize(
    ('rows', 'kept', 'reasons'),
    [
        ([_row(2)], [(1, 25, b'a/25_F')], []),
        ([_row(2), _row(3)], [(1, 25, b'a/25_F')], ['second_row']),
        ([_row(2, age=0), _row(3)], [(1, 25, b'a/25_F')], ['second_row']),
        ([_row(2), _row(3, age=26)], [(1, 0, b'a/00_F')], ['second_row', 'ages_differ']),
        ([_row(2), _row(3, gender=0)], [], ['conflict']),
        ([_row(2), _row(3), _row(4, gender=0)], [], ['second_row', 'conflict']),
    ],
)
def test_rows_of_one_file(rows, kept, reasons):
    for order in itertools.permutations(rows):
        items = list(labels.settle(order))
        assert [(f.gender, f.age, f.stratum) for f in items if not isinstance(f, Note)] == kept
        assert [note.reason for note in items if isinstance(note, Note)] == reasons


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('manifest.csv', 'path,sex,age\n', 'has no column gender; found path, sex, age'),
        ('other.csv', '', r'manifest.csv does not exist; name the table of labels with data.labels'),
        (
            'manifest.csv',
            'path,gender,age\nx.jpg,f,1\n',
            'none of its first 1 images exists, such as .*x.jpg; name their',
        ),
        (
            'manifest.csv',
            'path,gender,age\na.jpg,0,1\n',
            'no row has a path and a gender; the first problem: line 2 of',
        ),
        ('manifest.csv', 'path,gender,age\n', 'it has no rows'),
        ('manifest.csv', '2\ngender\n', 'has no column age; found path, gender'),
    ],
)
def test_a_table_without_labels_is_an_error(tmp_path, name, text, message):
    write(tmp_path, name, text, 'a.jpg')
    with pytest.raises(InputError, match=message):
        layout.check_root(str(tmp_path), Settings(layout=MANIFEST))


def test_the_fingerprint_depends_on_labels_and_images(tmp_path):
    text, settings = 'path,gender,age\na/1.jpg,f,1\na/2.jpg,m,1\nnone/3.jpg,m,1\n', Settings(layout=MANIFEST)
    write(tmp_path, 'manifest.csv', text, 'a/1.jpg', 'a/2.jpg', 'a/unlisted.jpg')
    seen = [layout.fingerprint(str(tmp_path), settings)]
    (tmp_path / 'a/unlisted.jpg').write_bytes(b'other')
    assert layout.fingerprint(str(tmp_path), settings) == seen[0]
    (tmp_path / 'a/2.jpg').write_bytes(b'other')
    seen.append(layout.fingerprint(str(tmp_path), settings))
    (tmp_path / 'manifest.csv').write_text(text.replace('2.jpg,m', '2.jpg,f'))
    seen.append(layout.fingerprint(str(tmp_path), settings))
    assert len(set(seen)) == 3
