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
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import InputError, RunError, TemporaryError
from components.io.files import any_path, in_bucket, write_text

_CLASSES = {error.__name__: error for error in (InputError, RunError, TemporaryError)}
_IN_TRACEBACK = re.compile(rf'components\.errors\.({"|".join(_CLASSES)}): (.+?)(?: \[while running .*)?$', re.MULTILINE)
_MAX_LENGTH = 300


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


def _save(folder: str | Path, error: InputError | RunError) -> None:
    write_text(any_path(folder) / f'error-{uuid.uuid4().hex}.json', json.dumps((type(error).__name__, str(error))))
