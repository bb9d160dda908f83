# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Whatever a command's libraries leave in the temporary folder goes when its process ends, however it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_LEAVE = """
import sys, tempfile, time, subprocess
from components import interrupts
from pipeline import scratch
with interrupts.at_once('program'), scratch.temporary():
    tempfile.mkdtemp(prefix='beam-temp')
    child = 'import tempfile; tempfile.mkstemp()'
    subprocess.run([sys.executable, '-c', child], check=True)
    print(tempfile.gettempdir(), flush=True)
    if sys.argv[1:]: time.sleep(60)
print(tempfile.gettempdir())
"""


def _start(folder: Path, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, '-c', _LEAVE, *arguments], env={**os.environ, 'TMPDIR': str(folder)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_the_end_of_a_process_leaves_nothing_and_restores_the_setting(tmp_path):
    said, errors = (process := _start(tmp_path)).communicate()
    assert (process.returncode, errors) == (0, '')
    inside, after = said.split()
    assert Path(inside).parent == tmp_path and after == str(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing(tmp_path, number):
    process = _start(tmp_path, 'wait')
    folder = Path(process.stdout.readline().strip())
    assert len(list(folder.iterdir())) == 3  # of this process, of its child, the lock
    process.send_signal(number)
    assert process.communicate() == ('', 'program: interrupted\n')
    assert process.returncode == 128 + number
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_is_cleared_by_the_next_one_and_a_living_one_is_not(tmp_path):
    killed, living = _start(tmp_path, 'wait'), _start(tmp_path, 'wait')
    left, used = (Path(process.stdout.readline().strip()) for process in (killed, living))
    foreign = tmp_path / 'gender-pipeline-notes'
    foreign.mkdir()
    killed.kill()
    killed.communicate()
    assert left.is_dir()
    _start(tmp_path).communicate()
    assert sorted(tmp_path.iterdir()) == sorted([used, foreign])
    living.kill()
    living.communicate()


def test_a_command_runs_where_nothing_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path / 'missing'))
    from pipeline import scratch

    with scratch.temporary():
        assert os.environ.get('TMPDIR') != str(tmp_path / 'missing')
