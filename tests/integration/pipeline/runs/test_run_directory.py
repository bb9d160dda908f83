# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A run directory's lock, identity and links."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import InputError
from pipeline.runs import run_directory


def test_the_lock_is_exclusive_until_its_process_dies(tmp_path):
    code = (
        'import sys, time; from pathlib import Path; from pipeline.runs import run_directory\n'
        'with run_directory.exclusive(Path(sys.argv[1])): print("held", flush=True); time.sleep(60)'
    )
    first = subprocess.Popen([sys.executable, '-c', code, str(tmp_path / 'out')], stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout.readline() == 'held\n'
        with (
            pytest.raises(InputError, match=rf'another run \(process {first.pid}\) is using it'),
            run_directory.exclusive(tmp_path / 'out'),
        ):
            pass
    finally:
        first.kill()
        first.communicate()
    with run_directory.exclusive(tmp_path / 'out'):
        pass


def test_an_unwritable_directory_is_reported(tmp_path):
    (tmp_path / 'file').write_text('')
    with (
        pytest.raises(InputError, match=r'file/out: not writable \(Not a directory\)'),
        run_directory.exclusive(tmp_path / 'file' / 'out'),
    ):
        pass


def test_inputs_of_the_same_content_have_the_same_path(tmp_path):
    one, two = tmp_path / 'a.prototxt', tmp_path / 'b.prototxt'
    one.write_text('one')
    two.write_text('one')
    link = run_directory.by_content(tmp_path, one, 'abc')
    assert Path(link).read_text() == 'one'
    assert run_directory.by_content(tmp_path, two, 'abc') == link
    assert os.path.realpath(link) == str(two.resolve())


def test_the_identity_is_unique_and_permanent(tmp_path):
    (tmp_path / 'other').mkdir()
    name = run_directory.identity(tmp_path)
    assert re.fullmatch('[0-9a-f]{16}', name)
    assert run_directory.identity(tmp_path) == name != run_directory.identity(tmp_path / 'other')


def test_a_uri_is_returned_unchanged(tmp_path):
    assert run_directory.by_content(tmp_path, 'gs://faces/drawn/', 'abc') == 'gs://faces/drawn'
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('inside', ['faces', 'faces/combined/out', '.', 'link/out'])
def test_a_run_directory_in_the_data_or_around_it_is_refused(tmp_path, inside):
    data = tmp_path / 'faces'
    data.mkdir()
    (tmp_path / 'link').symlink_to(data)
    with pytest.raises(InputError, match='are inside one another; give a directory outside the data'):
        run_directory.check_apart(tmp_path / inside, data)
    run_directory.check_apart(tmp_path / 'faces2', data)
    assert list(data.iterdir()) == []
