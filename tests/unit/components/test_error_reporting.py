# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Errors of components as one line, and errors saved by Beam workers."""

import errno

import pytest

from components import error_reporting
from components.errors import InputError, RunError, TemporaryError

_TRACEBACK = """Traceback (most recent call last):
  File "common.py", line 1, in process
components.errors.{kind}: shard 7: not finite [while running 'Write-ptransform-3']
"""


@pytest.mark.parametrize('error', [InputError('a.jpg: not an image'), RunError('stopped'), TemporaryError('no answer')])
def test_errors_of_the_project_stay_as_they_are(error):
    assert error_reporting.one_line(error, 'the.log') is error


@pytest.mark.parametrize(
    ('kind', 'expected'), [('InputError', InputError), ('RunError', RunError), ('TemporaryError', RunError)]
)
def test_errors_of_the_project_are_found_in_a_workers_traceback(kind, expected):
    told = error_reporting.one_line(RuntimeError(_TRACEBACK.format(kind=kind)), 'the.log')
    assert (type(told), str(told)) == (expected, 'shard 7: not finite')


@pytest.mark.parametrize(
    ('text', 'line'),
    [
        ('first\nsecond', 'RuntimeError: first (full trace in the.log)'),
        ('Traceback (most recent call last):\n  x\nKeyError: 1', 'RuntimeError: KeyError: 1 (full trace in the.log)'),
        ('Pipeline x failed in state FAILED: no slot', 'RuntimeError: the job failed: no slot (full trace in the.log)'),
        ('', 'RuntimeError:  (full trace in the.log)'),
        ('x' * 400, f'RuntimeError: {"x" * 300} (full trace in the.log)'),
    ],
)  # fmt: skip
def test_other_errors_become_one_line_that_names_the_log(text, line):
    told = error_reporting.one_line(RuntimeError(text), 'the.log')
    assert (type(told), str(told)) == (RunError, line)


def test_saved_errors_are_raised_in_alphabetical_order(tmp_path):
    error_reporting.raise_saved(tmp_path)
    for error in (RunError('b'), InputError('c'), OSError(errno.ENOSPC, 'No space left', 'a.gz'), InputError('a')):
        with error_reporting.saved_errors(tmp_path):
            raise error
    with pytest.raises(InputError, match=r'^a$'):
        error_reporting.raise_saved(tmp_path)


def test_an_os_error_is_saved_with_its_path_and_a_remedy(tmp_path):
    with error_reporting.saved_errors(tmp_path):
        raise OSError(errno.ENOSPC, 'No space left', 'a.gz')
    with pytest.raises(RunError, match=r'^a\.gz: No space left; free space or choose another output folder$'):
        error_reporting.raise_saved(tmp_path)


def test_bugs_and_temporary_errors_are_raised_at_once(tmp_path):
    for error in (ZeroDivisionError(), TemporaryError('no answer'), OSError(errno.EIO, 'no answer', 'gs://bucket/x')):
        with (
            pytest.raises(ZeroDivisionError if isinstance(error, ZeroDivisionError) else TemporaryError),
            error_reporting.saved_errors(tmp_path),
        ):
            raise error
    error_reporting.raise_saved(tmp_path)


def _caused(error, cause):
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ('error', 'path'),
    [
        (OSError(errno.ENOSPC, 'No space left on device', '/disk/a.gz'), '/disk/a.gz'),
        (_caused(ValueError('x'), OSError(errno.EDQUOT, 'Disk quota exceeded', b'/disk/b')), '/disk/b'),
        (RuntimeError('INTERNAL: sqlite error 13: database or disk is full'), None),
        (RuntimeError('/disk/c; No space left on device [Op:SaveV2]'), None),
        (RuntimeError("errno = 27, error message = 'File too large'"), None),
    ],
)
def test_a_full_disk_is_named_whatever_library_noticed(error, path, tmp_path):
    told = error_reporting.exhausted(error, tmp_path)
    assert type(told) is RunError
    assert str(told) == (
        f'{path or tmp_path}: no space left on the disk of {tmp_path}; free space and run the same command again'
    )


@pytest.mark.parametrize(
    'error', [MemoryError(), _caused(RuntimeError('x'), MemoryError()), RuntimeError('std::bad_alloc')], ids=str
)
def test_missing_memory_is_named(error, tmp_path):
    assert str(error_reporting.exhausted(error, tmp_path)).startswith('not enough memory; close other programs')


def test_other_errors_are_not_explained_by_disk_or_memory(tmp_path):
    assert error_reporting.exhausted(ValueError('shape (3, 4)'), tmp_path) is None
    assert error_reporting.exhausted(ValueError('shape (3, 4)'), tmp_path / 'gone') is None
