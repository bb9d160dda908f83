# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Image files found by name, folder, pattern and list."""

import io
import os

import pytest

from pipeline.serving.image_files import Source, find


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in ('b/2.PNG', 'b/1.jpg', 'a/3.bmp', 'a/notes.txt', 'empty/x.txt', '0.jpeg'):
        (tmp_path / 'root' / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / 'root' / name).write_bytes(b'x')
    (tmp_path / 'secret.jpg').write_bytes(b'x')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _found(*named, stdin=''):
    return list(find(named, io.StringIO(stdin)))


def test_a_folder_gives_all_images_below_it_sorted(tree):
    found = _found('root')
    assert [source.path for source in found] == ['root/0.jpeg', 'root/a/3.bmp', 'root/b/1.jpg', 'root/b/2.PNG']
    assert not any(source.problem for source in found)


def test_links_out_of_a_folder_are_problems(tree):
    os.symlink(tree / 'secret.jpg', tree / 'root/a/out.jpg')
    os.symlink(tree / 'root/0.jpeg', tree / 'root/a/within.jpg')
    os.symlink(tree, tree / 'root/a/round')
    found = dict(_found('root/a'))
    assert set(found) == {'root/a/3.bmp', 'root/a/out.jpg', 'root/a/within.jpg'}
    assert 'a link out of the folder' in found['root/a/out.jpg']
    assert 'a link out of the folder' in found['root/a/within.jpg']
    assert dict(_found('root'))['root/a/within.jpg'] is None
    assert _found('root/a/out.jpg') == [Source('root/a/out.jpg')]  # given directly


def test_patterns_lists_and_files_come_in_the_given_order(tree):
    assert [s.path for s in _found('root/**/*.jpg', '-', 'gone.jpg', stdin='root/a/3.bmp\r\n\nroot/b\n')] == [
        'root/b/1.jpg', 'root/a/3.bmp', 'root/b/1.jpg', 'root/b/2.PNG', 'gone.jpg',
    ]  # fmt: skip


def test_an_existing_file_is_not_a_pattern(tree):
    (tree / 'a[1].jpg').write_bytes(b'x')
    assert _found('a[1].jpg') == [Source('a[1].jpg')]


def test_a_pattern_or_folder_without_images_is_a_problem(tree):
    assert _found('root/*.gif') == [Source('root/*.gif', 'no file matches this pattern')]
    os.symlink(tree / 'root/a', tree / 'root/empty/link')
    (source,) = _found('root/empty')
    assert source.problem.endswith('found 1 .txt; links to folders, which are not followed: 1')
    assert source.problem.startswith('no image below this folder')


def test_a_list_is_read_line_by_line(tree):
    def lines():
        yield 'one.jpg\n'
        raise AssertionError('read ahead')

    assert next(find(['-'], lines())) == Source('one.jpg')
