# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""manifest.csv: columns that become features, mismatched rows and files, and invalid files."""

from pathlib import Path

import pytest

from components.errors import InputError
from tests.fixtures.face_folders import picture

pytest.importorskip('apache_beam')
pytest.importorskip('tensorflow')

ROWS = (
    'path,gender,race,source\n'
    'combined/aligned/25_F/0.jpg,F,2,"a, b"\n'
    './combined/aligned/25_F/1.jpg,F,,c\n'
    'combined/aligned/25_F/2.jpg,F,1\n'
    'combined/aligned/25_F/gone.jpg,F,1,c\n'
    'combined/valid/25_F/elsewhere.jpg,F,1,c\n'
    'combined/aligned/30_M/0.jpg,M,0,first\n'
    'combined/aligned/30_M/0.jpg,M,0,second\n'
)


def test_columns_become_features(make_tree, sample, tmp_path):
    root = make_tree(tmp_path / 'root', {'25_F': 4, '30_M': 3})
    (root / 'manifest.csv').write_text(ROWS, encoding='utf-8-sig')
    summary, splits, folder = sample(root, per_folder=None, manifest_columns=('source', 'race'))
    drawn = [example for examples in splits.values() for example in examples]
    examples = {Path(e['path'].decode()).relative_to('combined/aligned').as_posix(): e for e in drawn}
    read = {name: (e.get('source'), e.get('race')) for name, e in examples.items()}
    assert read == {
        '25_F/0.jpg': (b'a, b', b'2'),
        '25_F/1.jpg': (b'c', b''),
        '25_F/2.jpg': (b'', b'1'),
        '25_F/3.jpg': (None, None),
        '30_M/0.jpg': (b'first', b'0'),
        '30_M/1.jpg': (None, None),
        '30_M/2.jpg': (None, None),
    }
    assert summary.manifest == {'file_without_row': 3, 'row_without_file': 1, 'second_row': 1}
    assert 'Manifest: 3 file without row, 1 row without file, 1 second row.' in summary.describe()
    remarks = (folder / 'remarks.csv').read_text()
    assert 'combined/aligned/25_F/gone.jpg,row_without_file,line 5 of manifest.csv' in remarks


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (None, 'manifest.csv does not exist, but data.manifest_columns selects race'),
        (b'path,age\nx,1\n', 'has no column race; found path, age'),
        (b'path,races\nx,1\n', 'has no column race; did you mean races?'),
        (b'race\n1\n', 'has no column path; found race'),
        (b'', 'has no column path, race'),
        (b'path,race,race\nx,1,2\n', 'has the column race twice; rename or remove one'),
        (b'path,race\ncombined/aligned/25_F/x.jpg,1\n', '0 of 7 images have a row; its 1 rows'),
        (b'path,race\n\xff,1\n', 'is not UTF-8'),
        (b'path,race\n"x,1\n', 'is not valid CSV: line'),
    ],
)
def test_an_invalid_manifest(make_tree, sample, tmp_path, content, message):
    root = make_tree(tmp_path / 'root', {'25_F': 4, '30_M': 3})
    if content is not None:
        (root / 'manifest.csv').write_bytes(content)
    with pytest.raises(InputError) as error:
        sample(root, manifest_columns=('race',))
    assert message in str(error.value)
    assert '\n' not in str(error.value)


def test_spellings_that_mean_a_file(make_tree, sample, tmp_path):
    files = {name: picture(name) for name in ('a.JPG', 'b.jpg', 'c.jpg', 'd.jpg', 'e\u0301.jpg', 'f.jpg', 'f.JPG')}
    root = make_tree(tmp_path / 'root', {'25_F': files})
    folder = 'combined/aligned/25_F'
    rows = [
        f'{folder}/a.jpg', f'/{folder}/b.jpg', rf'C:\faces\{folder}\c.jpg'.replace('/', '\\'),
        f' {root}/{folder}/d.jpg ',
        f'{folder}/\u00e9.jpg', f'{folder}/f.JPG', f'{folder}/f.jpg',
    ]  # fmt: skip
    lines = [' path;race', *(f'{path};{number}' for number, path in enumerate(rows))]
    (root / 'manifest.csv').write_text('\n'.join(lines) + '\n')
    summary, splits, _ = sample(root, per_folder=None, manifest_columns=('race',))
    read = {Path(e['path'].decode()).name: e['race'] for examples in splits.values() for e in examples}
    names = ['a.JPG', 'b.jpg', 'c.jpg', 'd.jpg', 'e\u0301.jpg', 'f.JPG', 'f.jpg']
    assert read == {name: str(number).encode() for number, name in enumerate(names)}
    assert summary.manifest == {}
