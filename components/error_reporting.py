# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Errors that happen on a worker, brought to the process that started the work.

A runner wraps whatever a step raises, logs its stack trace once or more, and may try again: no way to hand a person one
line. So a step that runs into an error of ours leaves it as a small file in the work folder and ends; the starting
process raises it when the pipeline is through. What may pass by itself is raised, so that the runner does try again.
"""

from __future__ import annotations

import errno
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import InputError, PassingError, RunError
from components.io.files import any_path, in_bucket, write_text

_CLASSES = {error.__name__: error for error in (InputError, RunError)}


@contextmanager
def left_in(folder: str | Path) -> Iterator[None]:
    """Leaves an InputError, RunError or OSError (as RunError) of the block in `folder` instead of raising it.

    Raises:
      PassingError: a bucket did not answer.
    """
    try:
        yield
    except PassingError:
        raise
    except (InputError, RunError) as error:
        _leave(any_path(folder), type(error).__name__, str(error))
    except OSError as error:
        where = error.filename or folder
        if error.errno == errno.EIO and in_bucket(where):
            raise PassingError(f'{where}: {error.strerror}; check the network and run again') from None
        _leave(
            any_path(folder),
            RunError.__name__,
            f'{where}: {error.strerror}; free space or choose another output folder',
        )


def raise_first(folder: str | Path) -> None:
    """Raises the first error, by its text, that any worker left in `folder`; returns when there is none."""
    left = sorted(json.loads(path.read_text('utf-8')) for path in any_path(folder).glob('fault-*.json'))
    if left:
        name, message = left[0]
        raise _CLASSES[name](message)


def _leave(folder: Path, name: str, message: str) -> None:
    write_text(folder / f'fault-{uuid.uuid4().hex}.json', json.dumps((name, message)))
