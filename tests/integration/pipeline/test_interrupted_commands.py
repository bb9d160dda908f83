# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in commands other than `run`: status 130, and one line that promises nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

# Each waits for ever, or for the two seconds that a locked file is given.
_COMMANDS = {
    'config': ['config', 'waits.yaml'],
    'compile': ['compile', '--image=x', '--config=waits.yaml', '--out=x.yaml'],
    'evaluate': ['evaluate', '--model=model', '--data=.', '--output=x', '--config=waits.yaml'],
    'predict': ['predict', '--model=model', '-'],
    'report': ['report', '--output=.'],
    'runs': ['runs', '--output=.'],
    'notebook': ['notebook', '--output=.'],
    'submit': ['submit', '--host=http://127.0.0.1:1', 'waits.yaml'],
    'demo-data': ['demo-data', 'demo'],
}


@pytest.mark.parametrize('command', _COMMANDS)
def test_an_interrupted_command(command, tmp_path):
    (tmp_path / 'scratch').mkdir()
    (tmp_path / 'model').mkdir()
    (tmp_path / 'model' / 'saved_model.pb').touch()
    os.mkfifo(tmp_path / 'waits.yaml')
    locked = sqlite3.connect(tmp_path / 'metadata.sqlite')
    locked.execute('BEGIN EXCLUSIVE')
    process = subprocess.Popen(
        [sys.executable, '-m', 'pipeline', *_COMMANDS[command]],
        cwd=tmp_path, env={**os.environ, 'TMPDIR': str(tmp_path / 'scratch')},
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not any((tmp_path / 'scratch').glob('*/.lock')):  # it has read its arguments
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    more = '; a run that has started goes on in Kubeflow' if command == 'submit' else ''
    assert (process.returncode, said) == (130, f'gender-pipeline: interrupted{more}\n')
    assert list((tmp_path / 'scratch').iterdir()) == []
    locked.close()
