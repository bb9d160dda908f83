# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Progress of long work on stderr: a bar on a terminal, occasional lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """A context manager that shows units done, total, rate and time left.

    On a terminal this is a tqdm bar. Elsewhere it prints at most one line every ten seconds, and a last one if any.

    Args:
      description: the work, e.g. "Embedding".
      total: the number of units, or None if unknown.
      unit: the unit in the plural, e.g. "images".
      quiet: show nothing.
    """

    def __init__(self, description: str, total: int | None = None, unit: str = 'items', quiet: bool = False):
        self._description = description
        self._total = total
        self._unit = unit
        self._quiet = quiet
        self._done = 0
        self._bar: tqdm | None = None
        self._lines = 0

    def __enter__(self) -> Progress:
        self._started = self._last_line = time.monotonic()
        if not self._quiet and sys.stderr.isatty():
            self._bar = tqdm(total=self._total, desc=self._description, unit=f' {self._unit}', file=sys.stderr)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._lines and kind is None:
            self._print_line()

    def update(self, n: int = 1) -> None:
        """Adds `n` finished units."""
        self._done += n
        if self._bar is not None:
            self._bar.update(n)
        elif not self._quiet and time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._print_line()

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        self._lines += 1
        seconds = self._last_line - self._started
        rate = self._done / seconds if seconds else 0.0
        of_total = f' of {self._total}' if self._total is not None else ''
        left = ''
        if self._total is not None and rate and self._done < self._total:
            left = f', {(self._total - self._done) / rate:.0f} s left'
        print(
            f'{self._description}: {self._done}{of_total} {self._unit}, {rate:.1f}/s{left}',
            file=sys.stderr,
            flush=True,
        )
