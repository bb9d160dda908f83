# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""One temporary folder for everything that a command and its libraries write there; it goes when the process ends.

Beam, TFX and TensorFlow leave temporary files behind, some twenty folders a run.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from components import interrupts

_PREFIX = 'gender-pipeline-'
_LOCK = '.lock'


@contextlib.contextmanager
def temporary() -> Iterator[None]:
    """Makes a new folder in TMPDIR the TMPDIR of this process and its children inside a block.

    The folder stays until the process ends, also by an interruption: TensorFlow removes files of its own at exit. The
    folders of killed processes are removed here. Does nothing where no folder can be written.
    """
    before = os.environ.get('TMPDIR'), tempfile.tempdir
    try:
        folder = _folder(tempfile.gettempdir(), os.getpid())
    except OSError:
        yield
        return
    os.environ['TMPDIR'] = tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before[1]
        os.environ.pop('TMPDIR')
        if before[0] is not None:
            os.environ['TMPDIR'] = before[0]


@functools.cache
def _folder(place: str, _: int) -> Path:
    """Makes and locks this process's folder in `place`. The kernel releases the lock when the process dies."""
    _remove_abandoned(Path(place))
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    new = folder / f'{_LOCK}.new'
    handle = os.open(new, os.O_RDWR | os.O_CREAT, 0o600)  # open until the process ends
    os.set_inheritable(handle, True)  # by Jupyter, which replaces this process
    fcntl.flock(handle, fcntl.LOCK_EX)
    new.rename(folder / _LOCK)

    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # a fork inherits this function
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)  # runs after TensorFlow's functions, which are registered later
    interrupts.before_end(remove)
    return folder


def _remove_abandoned(place: Path) -> None:
    for lock in place.glob(f'{_PREFIX}*/{_LOCK}'):
        with contextlib.suppress(OSError):  # of another user, or in use
            if lock.parent.is_symlink():
                continue
            handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
            finally:
                os.close(handle)
