# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Versions of a model: whole or not there, never lost, always ascending."""

import time
from pathlib import Path

import pytest
from tfx.utils import io_utils

from components.atomic_pusher import versions


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / 'model'
    (folder / 'variables').mkdir(parents=True)
    (folder / 'saved_model.pb').write_bytes(b'graph')
    (folder / 'variables' / 'variables.index').write_bytes(b'index')
    return str(folder)


def test_a_push_copies_everything_and_keeps_older_versions(tmp_path, model):
    base = str(tmp_path / 'serving' / 'gender')
    first, second = versions.push(model, base), versions.push(model, base)
    assert int(second[1]) > int(first[1]) >= time.time() - 60
    assert versions.existing(base) == [int(first[1]), int(second[1])]
    for folder, _ in (first, second):
        assert (Path(folder) / 'variables' / 'variables.index').read_bytes() == b'index'


def test_a_clock_that_was_set_back_does_not_hide_the_new_version(tmp_path, model):
    base = tmp_path / 'serving'
    (base / '99999999999').mkdir(parents=True)
    assert versions.push(model, str(base))[1] == '100000000000'


def test_a_push_that_dies_leaves_no_version_and_the_next_one_clears_up(tmp_path, model, monkeypatch):
    base = tmp_path / 'serving'
    copy = io_utils.copy_dir

    def dies_halfway(source, target, *rest):
        copy(source + '/variables', target + '/variables')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(io_utils, 'copy_dir', dies_halfway)
    with pytest.raises(OSError, match='No space left'):
        versions.push(model, str(base))
    assert versions.existing(str(base)) == []
    monkeypatch.undo()
    _, version = versions.push(model, str(base))
    assert [item.name for item in base.iterdir()] == [version]
