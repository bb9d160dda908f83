# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Ends the process at once on Ctrl-C (SIGINT) and SIGTERM, whatever it is doing."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# How long the last output may take if nobody reads it, and each function of `before_end`.
_FLUSH_S = 0.5
_before_end: list[Callable[[], None]] = []


class Message:
    """The line that an interrupted command prints; `text` may change while the command runs."""

    text = 'interrupted'


@contextlib.contextmanager
def at_once(program: str) -> Iterator[Message]:
    """Handles both signals inside a block: prints one line and exits with 128 + the signal's number, as shells do.

    Python's KeyboardInterrupt waits for long C calls, and Beam and import hooks swallow or wrap it. Here, a thread ends
    the process. Nothing is unwound: files are written under temporary names, and a killed run resumes. Only what was
    given to `before_end` is called. A signal that the parent made this process ignore (`nohup`, `&` in a script) stays
    ignored.

    Args:
      program: starts the line.
    """
    message = Message()
    if threading.current_thread() is not threading.main_thread():
        yield message
        return
    heard, woken = os.pipe()
    os.set_blocking(woken, False)
    before_fd = signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    before = {
        number: signal.signal(number, _leave_to_thread)
        for number in _SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    threading.Thread(target=_wait, args=(heard, program, message), name='interrupts', daemon=True).start()
    try:
        yield message
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before_fd)
        os.close(woken)  # ends the thread


@contextlib.contextmanager
def as_exception() -> Iterator[None]:
    """Raises KeyboardInterrupt(signal number) for both signals inside a block that has to clean up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, _: Any) -> None:
        raise KeyboardInterrupt(number)

    before_fd = signal.set_wakeup_fd(-1)
    before = {
        number: signal.signal(number, interrupt)
        for number in _SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before_fd)


def before_end(function: Callable[[], None]) -> None:
    """Has `end` call a function, which gets half a second. In a process that ends by itself, atexit does."""
    _before_end.append(function)


def end(number: int, program: str, message: Message) -> NoReturn:
    """Prints the line and ends the process."""
    # The lock of a stream may belong to a thread that waits for a reader.
    _briefly(_flush)
    with contextlib.suppress(OSError, ValueError, AttributeError):
        stream = sys.stderr.fileno()
        line = f'{program}: {message.text}\n'
        if os.isatty(stream):
            line = f'\n{line}'  # leaves the bar, and the terminal's ^C
        if select.select([], [stream], [], _FLUSH_S)[1]:
            os.write(stream, line.encode())
    for function in _before_end:
        _briefly(function)
    os._exit(128 + number)


def _wait(heard: int, program: str, message: Message) -> None:
    while number := os.read(heard, 1):  # Python writes the number of each signal
        if number[0] in _SIGNALS:
            end(number[0], program, message)
    os.close(heard)


def _briefly(function: Callable[[], None]) -> None:
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(_FLUSH_S)


def _leave_to_thread(*_: Any) -> None:
    """Only signals with a handler wake the thread."""


def _flush() -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
