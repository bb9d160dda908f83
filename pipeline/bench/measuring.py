# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Measures functions in turns and child processes; `python -m pipeline.bench.measuring` runs one part of the bench."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from components.errors import RunError
from pipeline.bench.sizes import Sizes

_UNIT = 1 if sys.platform == 'darwin' else 1024  # of ru_maxrss


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


@dataclass(frozen=True)
class Finished:
    """A process that succeeded."""

    started: float  # seconds since 1970
    seconds: float
    peak_bytes: int  # of resident memory


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


def peak_bytes() -> int:
    """The peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


def call(command: Sequence[str], log: Path | None = None) -> Finished:
    """Runs a program to its end.

    A child starts with its parent's peak memory, so call this from small processes only.

    Args:
      command: the program and its arguments.
      log: gets its stderr; None leaves it on this process's stderr.

    Raises:
      RunError: it failed.
    """
    with open(log, 'wb') if log else contextlib.nullcontext() as stderr:
        started, clock = time.time(), time.perf_counter()
        process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - clock
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        lines = log.read_text(errors='replace').strip().splitlines() if log else []
        raise RunError(f'exit status {process.returncode}: {lines[-1] if lines else "no message"} (see {log})')
    return Finished(started, seconds, usage.ru_maxrss * _UNIT)


def part(function: str, work: Path, sizes: Sizes, log: Path | None = None) -> Part:
    """Calls `function`, 'module.function' of this package, in a process of its own; `log` and errors as in `call`."""
    call([sys.executable, '-m', __name__, function, str(work), json.dumps(asdict(sizes))], log)
    result = json.loads((work / f'{function}.json').read_text('utf-8'))
    return Part(**result | {'rows': [Row(**row) for row in result['rows']]})


def main() -> None:
    """Writes the part's result to WORK/FUNCTION.json."""
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    name, work, sizes = sys.argv[1:]
    module, function = name.split('.')
    measure = getattr(importlib.import_module(f'pipeline.bench.{module}'), function)
    try:
        result: Part = measure(Path(work), Sizes(**json.loads(sizes)))
    except RunError:  # of a program whose last words are on stderr already
        sys.exit(1)
    Path(work, f'{name}.json').write_text(json.dumps(asdict(result)), encoding='utf-8')
    # Unloading TensorFlow and tfx_bsl, imported in this order, can end in a segmentation fault.
    os._exit(0)


if __name__ == '__main__':
    main()
