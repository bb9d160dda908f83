# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""How an error in a component becomes one line for the user.

Runners wrap an exception of a Beam step in text, log its stack trace and may retry the step. A step that writes to a
folder therefore saves its error there (`saved_errors`), and the process that started the pipeline raises it
(`raise_saved`). Errors that reach that process in any other way go through `one_line`.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import InputError, RunError, TemporaryError
from components.io.files import any_path, in_bucket, write_text

_CLASSES = {error.__name__: error for error in (InputError, RunError, TemporaryError)}
_IN_TRACEBACK = re.compile(rf'components\.errors\.({"|".join(_CLASSES)}): (.+?)(?: \[while running .*)?$', re.MULTILINE)
_MAX_LENGTH = 300

# EFBIG is a limit of the process (ulimit -f) or of the file system.
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SAYS_NO_SPACE = re.compile('no space left|dis[ck] (is )?full|quota exceeded|file too large', re.IGNORECASE)
_SAYS_NO_MEMORY = re.compile(
    "bad_alloc|cannot allocate memory|out of memory|failed to map segment|can't start new thread", re.IGNORECASE
)
_FULL = 64 * 1024  # bytes; a disk with less counts as full
_NO_MEMORY = 'not enough memory; close other programs, raise the limit (ulimit -v), or lower embedding.batch_size'


@contextmanager
def saved_errors(folder: str | Path) -> Iterator[None]:
    """Saves an InputError, RunError or OSError (as RunError) of the block in `folder` instead of raising it.

    Raises:
      TemporaryError: a bucket did not answer, so the runner should retry.
    """
    try:
        yield
    except TemporaryError:
        raise
    except (InputError, RunError) as error:
        _save(folder, error)
    except OSError as error:
        path = error.filename or folder
        if error.errno == errno.EIO and in_bucket(path):
            raise TemporaryError(f'{path}: {error.strerror}; check the network and run again') from None
        _save(folder, RunError(f'{path}: {error.strerror}; free space or choose another output folder'))


def raise_saved(folder: str | Path) -> None:
    """Raises the alphabetically first error saved in `folder`, if any."""
    saved = sorted(json.loads(path.read_text('utf-8')) for path in any_path(folder).glob('error-*.json'))
    if saved:
        name, message = saved[0]
        raise _CLASSES[name](message)


def one_line(error: Exception, log: str) -> InputError | RunError:
    """Any exception of a component as an error with a one-line message.

    Args:
      error: the exception. Beam returns a worker's exception as text inside another one; this function finds the
        project's errors there by name.
      log: where the user finds the stack trace.
    """
    if isinstance(error, InputError | RunError):
        return error
    found = _IN_TRACEBACK.findall(str(error))
    if found:
        name, message = found[-1]
        return (InputError if name == 'InputError' else RunError)(message)
    # Drop the generated name in a job server's message.
    text = re.sub(r'^Pipeline \S+ failed in state \w+: ', 'the job failed: ', str(error).strip())
    # Dataflow adds the state before the cause, and the services involved after the traceback.
    text = re.sub(r'^Dataflow pipeline failed\. State: (\w+), Error:\s*', r'the job ended as \1: ', text)
    text = text.partition('\n\npassed through:\n')[0]
    # The last line of a traceback is the exception.
    line = text.splitlines()[-1 if 'Traceback' in text else 0] if text else ''
    return RunError(f'{type(error).__name__}: {line[:_MAX_LENGTH]} (full trace in {log})')


def exhausted(error: BaseException, folder: str | Path) -> RunError | None:
    """An error for the user if a full disk or too little memory is the cause of any exception; else None.

    Libraries wrap the operating system's error, or keep only its text: SQLite, TensorFlow and HDF5 have their own.

    Args:
      error: the exception.
      folder: where files are written.
    """
    path, texts = str(folder), []
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _NO_SPACE and cause.filename:
            path = os.fsdecode(cause.filename)
        if isinstance(cause, MemoryError):
            return RunError(_NO_MEMORY)
        texts.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    text = ' '.join(texts)
    if _SAYS_NO_SPACE.search(text) or _is_full(folder):
        return RunError(f'{path}: no space left on the disk of {folder}; free space and run the same command again')
    return RunError(_NO_MEMORY) if _SAYS_NO_MEMORY.search(text) else None


def _is_full(folder: str | Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _FULL
    except OSError:
        return False


def _save(folder: str | Path, error: InputError | RunError) -> None:
    write_text(any_path(folder) / f'error-{uuid.uuid4().hex}.json', json.dumps((type(error).__name__, str(error))))
