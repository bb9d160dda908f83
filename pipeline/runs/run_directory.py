# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A run directory on this machine: its lock, its inputs by content, its log."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

from absl import logging as absl_logging

from components.errors import InputError
from components.io.files import write_text


@contextlib.contextmanager
def exclusive(output: Path) -> Iterator[None]:
    """Holds a run directory for one run; makes it if it is not there.

    The lock is the kernel's, so that a killed process leaves none behind.

    Raises:
      InputError: the directory cannot be written, or another run holds it.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        handle = os.open(output / '.lock', os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise InputError(
            f'--output {output}: cannot be written ({error.strerror}); give a directory that can'
        ) from None
    with open(handle, 'r+') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = lock.read().strip() or 'unknown'
            raise InputError(
                f'--output {output}: another run (process {owner}) is at work there; wait for it, or give another one'
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(f'{os.getpid()}\n')
        lock.flush()
        yield


def identity(output: Path) -> str:
    """A name for a run directory that no other one has, 16 hexadecimal digits; made once and kept in it."""
    file = output / '.id'
    if not file.is_file():
        write_text(file, uuid.uuid4().hex[:16])
    return file.read_text('utf-8')


def by_content(output: Path, source: Path | str, sha256: str) -> str:
    """A path to `source` that follows from its content: a moved or renamed input is the same input for the cache.

    Args:
      output: the run directory.
      source: a file or folder; or, as text, the URI of a folder of a bucket.
      sha256: of its content.

    Returns:
      The absolute path of a symbolic link `inputs/<sha256><suffix>` in the run directory; a URI, to which no link can
      point, as it is.
    """
    if isinstance(source, str):
        return source.rstrip('/')
    folder = output.resolve() / 'inputs'
    folder.mkdir(exist_ok=True)
    link = folder / f'{sha256}{source.suffix if source.is_file() else ""}'
    temporary = link.with_name(f'.{link.name}.{os.getpid()}')
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(source.resolve())
    temporary.replace(link)
    return str(link)


@contextlib.contextmanager
def stderr_to(file: str | os.PathLike[str]) -> Iterator[None]:
    """Sends what libraries write to standard error to `file`; what Python prints to `sys.stderr` still gets there.

    TensorFlow's C++ parts talk of the machine's drivers and instruction sets before any logging can be configured.
    """
    sys.stderr.flush()
    ours = sys.stderr
    terminal = os.dup(2)
    target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    with open(terminal, 'w', buffering=1, encoding='utf-8', errors='backslashreplace') as stream:
        os.dup2(target, 2)
        sys.stderr = stream
        try:
            yield
        finally:
            sys.stderr = ours
            os.dup2(terminal, 2)
            os.close(target)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Lets nothing of what libraries log or write to stderr reach the terminal, for commands without a log."""
    root = logging.getLogger()
    nowhere = logging.NullHandler()  # TensorFlow logs to the terminal by itself only where nobody handles logs
    root.addHandler(nowhere)
    try:
        with stderr_to(os.devnull):
            yield
    finally:
        root.removeHandler(nowhere)


@contextlib.contextmanager
def logged(file: Path) -> Iterator[None]:
    """Sends what libraries log, warn and write to stderr to `file`; the terminal is for progress and results."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(file, encoding='utf-8')
    handler.setFormatter(logging.Formatter('%(asctime)s %(levelname).1s %(name)s %(message)s'))
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers[:] = [handler]
    # TFX logs through absl, which goes back to warnings only when something parses flags, unless it was told this.
    absl_logging.set_verbosity(absl_logging.INFO)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    hook = threading.excepthook
    threading.excepthook = _log_thread
    try:
        with stderr_to(file):
            yield
    finally:
        threading.excepthook = hook
        logging.captureWarnings(False)
        root.handlers[:] = before
        root.setLevel(level)
        handler.close()


def _log_thread(failed: threading.ExceptHookArgs) -> None:
    """Logs what ended a thread of a library's; Beam's threads end with an exception when a worker is told to stop."""
    error = failed.exc_value
    logging.error(
        'A thread ended: %s', failed.thread, exc_info=(failed.exc_type, error, failed.exc_traceback) if error else None
    )
