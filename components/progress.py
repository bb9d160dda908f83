# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Progress of long work on stderr: a bar on a terminal, occasional lines elsewhere, or what a `Display` makes of it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 10.0


class Display(Protocol):
    """Shows the work and the notes of this process in its own way."""

    def work(self, progress: Progress) -> None:
        """Called after each update, from any thread."""

    def note(self, text: str) -> None:
        """Shows one line."""


_display: Display | None = None


@contextlib.contextmanager
def shown_by(display: Display) -> Iterator[None]:
    """Gives all work and notes inside a block to `display`."""
    global _display
    before, _display = _display, display
    try:
        yield
    finally:
        _display = before


def note(text: str) -> None:
    """Prints one line on stderr beside the progress; above the bar, if there is one."""
    if _display:
        _display.note(text)
    else:
        tqdm.write(text, file=sys.stderr)
        sys.stderr.flush()


def in_place() -> bool:
    """Whether stderr is a terminal that can replace a line."""
    return sys.stderr.isatty() and os.environ.get('TERM') != 'dumb'


def columns() -> int:
    """The width of the terminal at stderr; less if COLUMNS is less, 80 if unknown."""
    text = os.environ.get('COLUMNS', '')
    known = [int(text)] if text.isdecimal() else []
    with contextlib.suppress(OSError, ValueError):
        known.append(os.get_terminal_size(sys.stderr.fileno()).columns)
    return min(filter(None, known), default=80)


class Progress:
    """A context manager that shows units done, total, rate and time left.

    On a terminal this is a tqdm bar. Elsewhere it prints at most one line every ten seconds, and a last one if any.
    Inside `shown_by`, a display shows it.

    Args:
      description: the work, e.g. "Embedding".
      total: the number of units, or None if unknown.
      unit: the unit in the plural, e.g. "images".
      quiet: show nothing.
    """

    def __init__(self, description: str, total: int | None = None, unit: str = 'items', quiet: bool = False):
        self.description = description
        self.total = total
        self.unit = unit
        self.done = 0
        self._quiet = quiet
        self._bar: tqdm | None = None
        self._printed = 0  # `done` in the last line; 0 if there was none

    def __enter__(self) -> Progress:
        self._started = self._last_line = time.monotonic()
        if not self._quiet and not _display and in_place():
            self._bar = tqdm(
                total=self.total, desc=self.description, unit=f' {self.unit}', file=sys.stderr, ncols=columns() - 1
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif 0 < self._printed < self.done and kind is None:
            self._print_line()

    def update(self, n: int = 1) -> None:
        """Adds `n` finished units."""
        self.done += n
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.ncols = columns() - 1  # tqdm's own dynamic_ncols does not know COLUMNS
            self._bar.update(n)
        elif _display:
            _display.work(self)
        elif time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._print_line()

    def text(self) -> str:
        """The state in words, for example `Embedding: 1,240 of 2,793 images, 310.0/s, 5 s left`."""
        seconds = time.monotonic() - self._started
        rate = self.done / seconds if seconds else 0.0
        of_total = f' of {self.total:,}' if self.total is not None else ''
        left = ''
        if self.total is not None and rate and self.done < self.total:
            left = f', {(self.total - self.done) / rate:.0f} s left'
        return f'{self.description}: {self.done:,}{of_total} {self.unit}, {rate:.1f}/s{left}'

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        self._printed = self.done
        print(self.text(), file=sys.stderr, flush=True)
