# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Versions of a model: complete or absent, never lost, always ascending."""

import time
from pathlib import Path

import pytest

from components.atomic_pusher import versions
from components.errors import InputError


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / 'model'
    (folder / 'variables').mkdir(parents=True)
    (folder / 'saved_model.pb').write_bytes(b'graph')
    (folder / 'variables' / 'variables.index').write_bytes(b'index')
    return str(folder)


def test_a_push_copies_everything_and_keeps_older_versions(tmp_path, model):
    base = str(tmp_path / 'serving' / 'gender')
    first = versions.push(model, base)
    Path(model, 'saved_model.pb').write_bytes(b'another graph')
    second = versions.push(model, base)
    assert int(second[1]) > int(first[1]) >= time.time() - 60
    assert versions.existing(base) == [int(first[1]), int(second[1])]
    for folder, _ in (first, second):
        assert (Path(folder) / 'variables' / 'variables.index').read_bytes() == b'index'


def test_the_newest_version_is_not_pushed_twice_unless_it_is_damaged(tmp_path, model):
    base = str(tmp_path / 'serving')
    first = versions.push(model, base)
    assert versions.push(model, base) == first
    Path(first[0], 'variables', 'variables.index').write_bytes(b'inde')
    again = versions.push(model, base)
    assert int(again[1]) > int(first[1])
    assert Path(again[0], 'variables', 'variables.index').read_bytes() == b'index'


def test_a_new_version_is_the_highest_even_after_the_clock_was_set_back(tmp_path, model):
    base = tmp_path / 'serving'
    (base / '99999999999').mkdir(parents=True)
    assert versions.push(model, str(base))[1] == '100000000000'


def test_a_killed_push_leaves_no_version_and_the_next_push_removes_its_files(tmp_path, model, monkeypatch):
    base = tmp_path / 'serving'
    copy = versions._copy

    def dies_halfway(source, target):
        copy(source + '/variables', target / 'variables')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(versions, '_copy', dies_halfway)
    with pytest.raises(OSError, match='No space left'):
        versions.push(model, str(base))
    assert versions.existing(str(base)) == []
    monkeypatch.undo()
    _, version = versions.push(model, str(base))
    assert [item.name for item in base.iterdir()] == [version]


@pytest.fixture
def three(tmp_path):
    for version in (9, 10, 11):
        (tmp_path / 'serving' / str(version)).mkdir(parents=True)
        (tmp_path / 'serving' / str(version) / 'saved_model.pb').write_text(str(version))
    (tmp_path / 'serving' / '.partial-12').mkdir()
    return tmp_path / 'serving'


def test_a_rollback_withdraws_newer_versions_and_can_be_undone(three):
    assert versions.rollback(three) == 10
    assert (versions.served(three), versions.withdrawn(three)) == ([9, 10], [11])
    assert versions.rollback(three, to=9) == 9
    assert (versions.served(three), versions.withdrawn(three)) == ([9], [10, 11])
    assert versions.rollback(three, to=11) == 11
    assert (versions.served(three), versions.withdrawn(three)) == ([9, 11], [10])
    assert versions.rollback(three, to=10) == 10
    assert (versions.served(three), versions.withdrawn(three)) == ([9, 10], [11])
    for version in (9, 10):
        assert (three / str(version) / 'saved_model.pb').read_text() == str(version)


def test_a_second_call_completes_a_killed_rollback(three, monkeypatch):
    rename, done = Path.rename, []

    def dies(self, target):
        if done:
            raise KeyboardInterrupt
        done.append(self)
        return rename(self, target)

    monkeypatch.setattr(Path, 'rename', dies)
    with pytest.raises(KeyboardInterrupt):
        versions.rollback(three, to=9)
    monkeypatch.undo()
    assert versions.served(three) == [9, 10]  # the newest went first
    assert versions.rollback(three, to=9) == 9
    assert (versions.served(three), versions.withdrawn(three)) == ([9], [10, 11])


def test_an_impossible_rollback_is_refused(tmp_path, three):
    with pytest.raises(InputError, match=r'--to 12: no such version in .*; known versions: 9, 10, 11'):
        versions.rollback(three, to=12)
    versions.rollback(three, to=9)
    with pytest.raises(InputError, match='has only version 9; there is none to go back to'):
        versions.rollback(three)
    with pytest.raises(InputError, match='no model version here; give serving/NAME'):
        versions.rollback(tmp_path / 'nothing')


def test_a_push_after_a_rollback_gets_the_highest_number(three, model):
    (three / '99999999999').mkdir()
    versions.rollback(three, to=9)
    assert versions.push(model, str(three))[1] == '100000000000'
