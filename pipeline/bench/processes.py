# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Child processes with their time and peak memory; `python -m pipeline.bench.processes` runs one part of the bench."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from components.errors import RunError
from pipeline.bench.measuring import Part, Row
from pipeline.bench.sizes import Sizes

_UNIT = 1 if sys.platform == 'darwin' else 1024  # of ru_maxrss


@dataclass(frozen=True)
class Finished:
    """A process that succeeded."""

    started: float  # seconds since 1970
    seconds: float
    peak_bytes: int  # of resident memory


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
