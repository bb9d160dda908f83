# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The rows of the bench's table, and functions measured in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One measurement."""

    name: str
    value: float
    unit: str = '×'  # of a ratio
    target: str = ''  # '>= 0.95', '<= 90' or none
    detail: str = ''  # the numbers behind the value

    @property
    def met(self) -> bool | None:
        """Whether the value meets the target; None without a target."""
        if not self.target:
            return None
        sign, bound = self.target.split()
        return self.value >= float(bound) if sign == '>=' else self.value <= float(bound)


@dataclass
class Part:
    """The result of one part of the bench."""

    rows: list[Row] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)  # every number behind the rows, ready for JSON
    skipped: str = ''  # why there are no rows
    error: str = ''  # why the part failed
    seconds: float = 0.0


def table(rows: Iterable[Row], judged: bool) -> list[str]:
    """The rows as lines of text, ratios first; `judged` adds whether each target was met."""
    lines = []
    for row in sorted(rows, key=lambda row: row.unit != '×'):
        verdict = {True: 'yes', False: 'NO', None: ''}[row.met if judged else None]
        number = (f'{row.value:.3g}' if abs(row.value) < 100 else f'{row.value:,.0f}') + f' {row.unit}'
        lines.append(f'{number:>11}  {row.target:<8} {verdict:<3}  {row.name:<52}  {row.detail}'.rstrip())
    return lines


def rounds(functions: Mapping[str, Callable[[], object]], number: int) -> dict[str, list[float]]:
    """Calls every function once a round, so that a slow minute of the machine affects all of them.

    Returns:
      Each function's seconds, one number a round. The caller has made the first, slower call (tracing).
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(number):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def ratio(seconds: Mapping[str, Sequence[float]], one: str, other: str) -> float:
    """The median over the rounds of one function's seconds divided by the other's in the same round."""
    return statistics.median(a / b for a, b in zip(seconds[one], seconds[other], strict=True))
