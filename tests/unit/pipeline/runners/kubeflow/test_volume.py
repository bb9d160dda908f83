# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The first task's look at the volume, as a user to whom it does not belong."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from components.errors import InputError
from pipeline.runners.kubeflow import volume


@pytest.fixture
def foreign():
    """A volume with faces, of which this process's user may read and write nothing."""
    folder = Path(tempfile.mkdtemp())  # every user may enter its parent, unlike tmp_path's
    faces = folder / 'faces' / 'combined' / '01_M'
    faces.mkdir(parents=True)
    (faces / 'a.jpg').write_bytes(b'x')
    root = os.geteuid() == 0
    folder.chmod(0o755 if root else 0o555)
    faces.chmod(0o700 if root else 0)
    if root:
        os.seteuid(10001)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    faces.chmod(0o700)
    shutil.rmtree(folder)


def test_unreadable_faces_are_one_line_with_the_owner(foreign):
    status, user = foreign.stat(), os.geteuid()
    with pytest.raises(InputError) as error:
        volume.check_readable(foreign / 'faces')
    below = foreign / 'faces' / 'combined' / '01_M'
    assert str(error.value) == (
        f'{foreign}/faces: user {user} may not read {below} (owner {status.st_uid}:{status.st_gid}, mode '
        f'{below.stat().st_mode & 0o7777:o}); run "chown -R {user}:{os.getegid()} {below}" where the volume is'
    )


def test_an_unwritable_output_names_the_folder_that_exists(foreign):
    with pytest.raises(InputError, match=rf'^{foreign}/serving/m: user \d+ may not write to {foreign} \(owner'):
        volume.check_writable(foreign / 'serving' / 'm')


def test_another_failure_gives_its_reason():
    with pytest.raises(InputError, match=r'^/proc/serving: cannot write to /proc \(.+\)$'):
        volume.check_writable(Path('/proc/serving'))


def test_an_output_without_a_volume_is_not_made_in_the_container():
    with pytest.raises(InputError, match=r'^/no-volume/serving: no parent of it exists; mount a volume there'):
        volume.check_writable(Path('/no-volume/serving'))


def test_a_usable_volume_stays_as_it_is(tmp_path):
    (tmp_path / 'faces').mkdir()
    volume.check_readable(tmp_path / 'faces')
    volume.check_readable(tmp_path / 'missing')  # the checks of the inputs report that
    volume.check_writable(tmp_path / 'serving' / 'm')
    assert [path.name for path in tmp_path.iterdir()] == ['faces']
