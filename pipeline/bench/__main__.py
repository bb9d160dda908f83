# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Measures the pipeline beside the bare network, the notebook procedure and OpenCV, on this machine (`make bench`)."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata as packages
from pathlib import Path

from components.errors import InputError, RunError
from components.io.files import write_text
from pipeline.bench import inputs, measuring
from pipeline.bench.measuring import Part
from pipeline.bench.sizes import FULL, QUICK, Sizes
from pipeline.commands import arguments

#: Each part's function, in the order in which they run.
PARTS = {
    'converter': 'programs.converter',
    'inference': 'inference.opencv',
    'latency': 'network.latency',
    'embedding': 'network.embedding',
    'small_base': 'network.small_base',
    'fixed': 'programs.fixed',
    'scaling': 'programs.scaling',
    'runs': 'programs.runs',
}
_SHARED = Path(__file__).resolve().parents[3] / 'shared' / 'data' / 'agegender'
_FLAGS = {'avx2', 'avx512f', 'avx512_bf16', 'avx512_vnni', 'amx_bf16', 'amx_tile'}
_PACKAGES = {'tensorflow', 'keras', 'tfx', 'apache-beam', 'tensorflow-transform', 'numpy', 'opencv-python-headless'}


@dataclass
class Results:
    """The contents of `bench.json`."""

    started: str  # ISO 8601, UTC
    machine: str
    faces: str
    sizes: Sizes
    seconds: float = 0.0
    parts: dict[str, Part] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes.

    Returns:
      0; 1 if a part failed; 2 on a usage or input error.
    """
    options = _parser().parse_args(arguments)
    try:
        if unknown := sorted(set(options.only) - set(PARTS)):
            raise InputError(f'--only {unknown[0]}: no such part; choose from {", ".join(PARTS)}')
        faces = options.data or (_SHARED if _SHARED.is_dir() else None)
        if faces and not (faces / 'combined' / 'aligned').is_dir():
            raise InputError(f'--data {faces}: no combined/aligned in it; give the folder that has it, or omit --data')
        options.output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix='bench-') as work:
            sizes = QUICK if options.quick else FULL
            results = measure(Path(work), sizes, options.only or list(PARTS), faces, options.output)
    except (InputError, RunError, OSError) as error:
        print(f'bench: {" ".join(str(error).split())}', file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    return 1 if any(part.error for part in results.parts.values()) else 0


def measure(work: Path, sizes: Sizes, wanted: Sequence[str], faces: Path | None, output: Path) -> Results:
    """Runs the parts and prints each one's rows; writes `bench.json` after each and `bench.txt` at the end.

    Args:
      work: an empty folder; the full mode fills it with a few gigabytes.
      sizes: how much to measure.
      wanted: names of parts.
      faces: the folder that has `combined/`, or None to draw faces.
      output: gets the files and each part's log.
    """
    clock = time.monotonic()
    started = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
    results = Results(started, _machine(), f'{faces.name}, real' if faces else 'drawn by code', sizes)
    heading = (
        f'{results.machine}\nVGG-16, width {sizes.width}, {sizes.input_size} pixels, random weights; faces: '
        f'{results.faces}; {sizes.mode} mode{"" if sizes.judged else ": the targets do not apply"}'
    )
    print(heading, flush=True)
    if faces:
        (work / inputs.FACES).symlink_to(faces.resolve())
    print('Making the inputs ...', file=sys.stderr, flush=True)
    measuring.part('inputs.make', work, sizes, output / 'inputs.log')
    for name in (name for name in PARTS if name in wanted):
        print(f'\n{name}', flush=True)
        began = time.monotonic()
        try:
            part = measuring.part(PARTS[name], work, sizes, output / f'{name}.log')
        except RunError as error:  # the other parts are useful without this one
            part = Part(error=str(error))
        part.seconds = round(time.monotonic() - began, 1)
        results.parts[name], results.seconds = part, round(time.monotonic() - clock, 1)
        notes = [f'  {key}: {text}' for key, text in (('skipped', part.skipped), ('error', part.error)) if text]
        print('\n'.join([*measuring.table(part.rows, sizes.judged), *notes]), flush=True)
        write_text(output / 'bench.json', json.dumps(asdict(results), indent=1) + '\n')
    rows = [row for part in results.parts.values() for row in part.rows]
    text = '\n'.join([heading, '', *measuring.table(rows, sizes.judged)]) + '\n'
    write_text(output / 'bench.txt', text)
    print(f'\n{"-" * 100}\n{text}\n{results.seconds:.0f} s. {output}/bench.json, {output}/bench.txt')
    return results


def _machine() -> str:
    """Describes the processor, its load and the versions of the libraries that compute."""
    file = Path('/proc/cpuinfo')
    cpuinfo = file.read_text() if file.is_file() else ''
    model = re.search(r'model name\s*: (.*)', cpuinfo)
    flags = ', '.join(sorted(_FLAGS.intersection(cpuinfo.split())))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    versions = sorted(f'{one.name} {one.version}' for one in packages.distributions() if one.name in _PACKAGES)
    return (
        f'{model[1] if model else platform.machine()}, {cores} cores ({flags}), {memory:.0f} GiB, load before '
        f'{os.getloadavg()[0]:.2f}; {platform.platform()}; Python {platform.python_version()}, {", ".join(versions)}'
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m pipeline.bench', description=__doc__)
    parser.add_argument('--quick', action='store_true', help='a narrow network: 5 minutes, not 20')
    parser.add_argument(
        '--only', action='append', default=[], metavar='PART', help=f'one part: {", ".join(PARTS)}; may be repeated'
    )
    parser.add_argument(
        '--data', type=arguments.path, metavar='DIR',
        help='faces, the folder that has combined/ (default: ../shared/data/agegender, or faces drawn by code)',
    )  # fmt: skip
    parser.add_argument(
        '--output', type=arguments.path, default=Path('bench'), metavar='DIR', help='gets bench.json, bench.txt'
    )
    return parser


if __name__ == '__main__':
    sys.exit(main())
