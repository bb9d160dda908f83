# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Taking turns, medians, and processes of their own whose memory is known."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import RunError

_UNIT = 1 if sys.platform == 'darwin' else 1024  # of ru_maxrss


@dataclass(frozen=True)
class Finished:
    """A process that ended well.

    Attributes:
      seconds: from its start to its end.
      started: when it was started, seconds since 1970.
      peak: bytes, the most resident memory that it had at once.
      stdout: what it printed.
    """

    seconds: float
    started: float
    peak: int
    stdout: str


def rounds(functions: Mapping[str, Callable[[], object]], number: int) -> dict[str, list[float]]:
    """Calls every function once a round, so that a slower minute of the machine meets all of them.

    Returns:
      Each one's seconds, a round after the other. What only a first call does (tracing) is the caller's to have done.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(number):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def medians(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of each one's seconds."""
    return {name: statistics.median(found) for name, found in seconds.items()}


def ratio(seconds: Mapping[str, Sequence[float]], one: str, other: str) -> float:
    """The median over the rounds of one's seconds divided by the other's in the same round."""
    return statistics.median(a / b for a, b in zip(seconds[one], seconds[other], strict=True))


def peak() -> int:
    """Bytes, the most resident memory that this process has had at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


def call(command: Sequence[str], log: Path) -> Finished:
    """Runs a program to its end.

    A process starts with the peak of the one that started it: call this from small ones only.

    Args:
      command: the program and its arguments.
      log: gets what it says on stderr.

    Raises:
      RunError: it failed.
    """
    with open(log, 'ab') as errors, open(f'{log}.stdout', 'wb+') as output:
        clock, started = time.perf_counter(), time.time()
        process = subprocess.Popen(command, stdout=output, stderr=errors, stdin=subprocess.DEVNULL)  # noqa: S603
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - clock
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read().decode(errors='replace')
    if process.returncode:
        said = Path(log).read_text(errors='replace').strip().splitlines()
        raise RunError(f'exit status {process.returncode}: {said[-1] if said else "(no message)"} (all of it: {log})')
    return Finished(seconds, started, usage.ru_maxrss * _UNIT, printed)


def part(name: str, work: Path, mode: str) -> Any:
    """Runs a part of the bench in a process of its own.

    Returns:
      What its `measure` returned.
    """
    log = work / 'logs' / f'{name}.log'
    log.parent.mkdir(parents=True, exist_ok=True)
    done = call([sys.executable, '-m', 'pipeline.bench.part', name, str(work), mode], log)
    return json.loads(done.stdout.splitlines()[-1])
