# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a user names, and the files that come of it."""

import io
import os

import pytest

from pipeline.serving.image_files import Source, expand


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in ('b/2.PNG', 'b/1.jpg', 'a/3.bmp', 'a/notes.txt', 'empty/x.txt', '0.jpeg'):
        (tmp_path / 'root' / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / 'root' / name).write_bytes(b'x')
    (tmp_path / 'secret.jpg').write_bytes(b'x')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _expanded(*named, stdin=''):
    return list(expand(named, io.StringIO(stdin)))


def test_a_folder_gives_all_images_below_it_sorted(tree):
    found = _expanded('root')
    assert [source.path for source in found] == ['root/0.jpeg', 'root/a/3.bmp', 'root/b/1.jpg', 'root/b/2.PNG']
    assert not any(source.problem for source in found)


def test_links_do_not_lead_out_of_a_folder(tree):
    os.symlink(tree / 'secret.jpg', tree / 'root/a/out.jpg')
    os.symlink(tree / 'root/0.jpeg', tree / 'root/a/within.jpg')
    os.symlink(tree, tree / 'root/a/round')
    found = dict(_expanded('root/a'))
    assert set(found) == {'root/a/3.bmp', 'root/a/out.jpg', 'root/a/within.jpg'}
    assert 'a link out of the folder' in found['root/a/out.jpg']
    assert 'a link out of the folder' in found['root/a/within.jpg']
    assert dict(_expanded('root'))['root/a/within.jpg'] is None
    assert _expanded('root/a/out.jpg') == [Source('root/a/out.jpg')]  # named itself, it is what the user wants


def test_patterns_lists_and_files_in_the_order_in_which_they_are_named(tree):
    assert [s.path for s in _expanded('root/**/*.jpg', '-', 'gone.jpg', stdin='root/a/3.bmp\r\n\nroot/b\n')] == [
        'root/b/1.jpg', 'root/a/3.bmp', 'root/b/1.jpg', 'root/b/2.PNG', 'gone.jpg',
    ]  # fmt: skip


def test_a_file_with_the_signs_of_a_pattern_in_its_name_is_a_file(tree):
    (tree / 'a[1].jpg').write_bytes(b'x')
    assert _expanded('a[1].jpg') == [Source('a[1].jpg')]


def test_what_gives_nothing_says_so(tree):
    assert _expanded('root/*.gif') == [Source('root/*.gif', 'no file matches this pattern')]
    (source,) = _expanded('root/empty')
    assert source.problem.startswith('no image below this folder')


def test_a_list_is_read_as_it_comes(tree):
    def lines():
        yield 'one.jpg\n'
        raise AssertionError('read ahead')

    assert next(expand(['-'], lines())) == Source('one.jpg')
