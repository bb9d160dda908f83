# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A run directory's lock, its links and its log."""

import logging
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from components.errors import InputError
from pipeline.runs import run_directory


def test_a_second_run_is_refused_while_the_first_is_alive_and_not_after_it_was_killed(tmp_path):
    code = (
        'import sys, time; from pathlib import Path; from pipeline.runs import run_directory\n'
        'with run_directory.exclusive(Path(sys.argv[1])): print("held", flush=True); time.sleep(60)'
    )
    first = subprocess.Popen([sys.executable, '-c', code, str(tmp_path / 'out')], stdout=subprocess.PIPE, text=True)
    try:
        assert first.stdout.readline() == 'held\n'
        with (
            pytest.raises(InputError, match=rf'another run \(process {first.pid}\) is at work there'),
            run_directory.exclusive(tmp_path / 'out'),
        ):
            pass
    finally:
        first.kill()
        first.communicate()
    with run_directory.exclusive(tmp_path / 'out'):
        pass


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    with (
        pytest.raises(InputError, match=r'file/out: cannot be written \(Not a directory\)'),
        run_directory.exclusive(tmp_path / 'file' / 'out'),
    ):
        pass


def test_an_input_is_the_same_path_wherever_it_lies(tmp_path):
    one, two = tmp_path / 'a.prototxt', tmp_path / 'b.prototxt'
    one.write_text('one')
    two.write_text('one')
    link = run_directory.by_content(tmp_path, one, 'abc')
    assert Path(link).read_text() == 'one'
    assert run_directory.by_content(tmp_path, two, 'abc') == link
    assert os.path.realpath(link) == str(two.resolve())


def test_a_run_directory_keeps_a_name_of_its_own(tmp_path):
    (tmp_path / 'other').mkdir()
    name = run_directory.identity(tmp_path)
    assert re.fullmatch('[0-9a-f]{16}', name)
    assert run_directory.identity(tmp_path) == name != run_directory.identity(tmp_path / 'other')


def test_a_folder_of_a_bucket_is_where_it_is(tmp_path):
    assert run_directory.by_content(tmp_path, 'gs://faces/drawn/', 'abc') == 'gs://faces/drawn'
    assert not list(tmp_path.iterdir())


def test_what_libraries_say_goes_to_the_log_and_what_we_print_to_the_terminal(tmp_path, capfd):
    with run_directory.logged(tmp_path / 'logs' / 'run.log'):
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


def test_what_ends_a_thread_is_in_the_log_and_not_on_the_terminal(tmp_path, capfd):
    def end() -> None:
        raise ConnectionError('the worker was told to stop')

    with run_directory.logged(tmp_path / 'log'):
        thread = threading.Thread(target=end, name='reader')
        thread.start()
        thread.join()
    assert 'the worker was told to stop' in (tmp_path / 'log').read_text()
    assert 'reader' in (tmp_path / 'log').read_text()
    assert capfd.readouterr().err == ''
