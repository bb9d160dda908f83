# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Library output in the log, ours on the terminal."""

import logging
import os
import sys
import threading

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
