# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Keeps library output off the terminal: redirects logs, warnings and stderr to a file or discards them."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from components.errors import RunError


@contextlib.contextmanager
def stderr_to(file: str | os.PathLike[str]) -> Iterator[None]:
    """Redirects file descriptor 2 to `file`; Python's `sys.stderr` still writes to the terminal.

    TensorFlow's C++ code writes to the descriptor before any logging can be configured.
    """
    sys.stderr.flush()
    original = sys.stderr
    terminal = os.dup(2)
    target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    with open(terminal, 'w', buffering=1, encoding='utf-8', errors='backslashreplace') as stream:
        os.dup2(target, 2)
        sys.stderr = stream
        try:
            yield
        finally:
            sys.stderr = original
            os.dup2(terminal, 2)
            os.close(target)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Discards library logs and stderr, for commands without a log file."""
    root = logging.getLogger()
    nowhere = logging.NullHandler()  # without any handler, TensorFlow adds one that writes to the terminal
    root.addHandler(nowhere)
    try:
        with stderr_to(os.devnull):
            yield
    finally:
        root.removeHandler(nowhere)


class _LogFile(logging.FileHandler):
    """Drops what the file system does not take: on a full disk, the run's own error is what the user has to see."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Does nothing, where logging would print a stack trace to the terminal."""

    def close(self) -> None:
        """Closes the file, also if it takes no more."""
        with contextlib.suppress(OSError):
            super().close()


@contextlib.contextmanager
def logged(file: Path) -> Iterator[None]:
    """Redirects library logs, warnings and stderr to `file`.

    Raises:
      RunError: the file cannot be written.
    """
    from absl import logging as absl_logging

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(file, encoding='utf-8')
    except OSError as error:
        raise RunError(f'{file}: cannot be written ({error.strerror}); free space or choose another folder') from None
    handler.setFormatter(logging.Formatter('%(asctime)s %(levelname).1s %(name)s %(message)s'))
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = [handler]
    # TFX logs through absl, which falls back to warnings when flags are parsed unless a verbosity is set.
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
        root.handlers[:] = handlers
        root.setLevel(level)
        handler.close()


def _log_thread(failed: threading.ExceptHookArgs) -> None:
    """Logs an exception that ended a thread; Beam's threads end with one when a worker is stopped."""
    error = failed.exc_value
    logging.error(
        'A thread ended: %s', failed.thread, exc_info=(failed.exc_type, error, failed.exc_traceback) if error else None
    )
