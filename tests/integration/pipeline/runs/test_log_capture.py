# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Library output in the log, ours on the terminal."""

import logging
import os
import sys
import threading
from pathlib import Path

import pytest

from components.errors import RunError
from pipeline.runs import log_capture


def test_library_output_goes_to_the_log_and_ours_to_the_terminal(tmp_path, capfd):
    with log_capture.logged(tmp_path / 'logs' / 'run.log'):
        os.write(2, b'from C++\n')
        logging.getLogger('absl').info('from TFX')
        print('progress', file=sys.stderr)
    print('after', file=sys.stderr)
    log = (tmp_path / 'logs' / 'run.log').read_text()
    assert 'from C++' in log
    assert 'from TFX' in log
    terminal = capfd.readouterr().err
    assert 'progress' in terminal
    assert 'from' not in terminal


def test_a_threads_exception_goes_to_the_log(tmp_path, capfd):
    def end() -> None:
        raise ConnectionError('the worker was stopped')

    with log_capture.logged(tmp_path / 'log'):
        thread = threading.Thread(target=end, name='reader')
        thread.start()
        thread.join()
    assert 'the worker was stopped' in (tmp_path / 'log').read_text()
    assert 'reader' in (tmp_path / 'log').read_text()
    assert capfd.readouterr().err == ''


def test_a_log_on_a_full_disk_is_dropped_without_a_word(capfd):
    """Logging would print a stack trace for every line."""
    with log_capture.logged(Path('/dev/full')):
        logging.getLogger('library').warning('lost')
        os.write(1, b'of the run\n')
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ('of the run\n', '')


def test_a_log_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / 'file').write_text('')
    with (
        pytest.raises(RunError, match=r'file/run\.log: cannot be written \(.*\); free space or choose'),
        log_capture.logged(tmp_path / 'file' / 'run.log'),
    ):
        pass
