# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`make bench`, `python -m pipeline.bench`: measures the pipeline beside what it cannot do without, on this machine."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.errors import InputError, RunError
from components.io.files import write_text
from pipeline.bench import bench_inputs, machine, measuring, plot, results
from pipeline.bench.sizes import MODES

#: In the order in which they run.
PARTS = ('converter', 'latency', 'embedding', 'scaling', 'whole', 'fixed', 'precision')
_SHARED = Path(__file__).resolve().parents[3] / 'shared' / 'data' / 'agegender'


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes.

    Returns:
      0; 1 if a part failed; 2 on a usage or input error.
    """
    options = _parser().parse_args(arguments)
    mode = 'quick' if options.quick else options.mode
    unknown = sorted(set(options.only) - set(PARTS))
    try:
        if unknown:
            raise InputError(f'--only {unknown[0]}: no such part; there are {", ".join(PARTS)}')
        faces = _faces(options.data, mode)
        options.output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix='bench-') as work:
            found = measure(Path(work), mode, options.only or PARTS, faces, options.output)
    except (InputError, RunError, OSError) as error:
        print(f'bench: {" ".join(str(error).split())}', file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    return 1 if any('error' in part for part in found['parts'].values()) else 0


def measure(work: Path, mode: str, wanted: Sequence[str], faces: Path | None, output: Path) -> dict[str, Any]:
    """Runs the parts, prints each one's rows when it has ended and writes `bench.json` and `bench.svg` each time.

    Args:
      work: an empty folder; a few gigabytes in full mode.
      mode: one of `sizes.MODES`.
      wanted: names of parts.
      faces: the folder that has `combined/`, or None to draw faces.
      output: gets the files.

    Returns:
      What `bench.json` holds: 'mode', 'started', 'machine', 'faces', 'network', 'seconds' and 'parts': by name
      'seconds' and either 'rows' (see `results.row`) with 'raw', or 'error'; 'skipped' says why there are no rows.
    """
    sizes, started = MODES[mode], time.monotonic()
    found: dict[str, Any] = {
        'mode': mode,
        'started': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
        'machine': machine.describe(),
        'faces': f'{faces.name}, real' if faces else 'drawn by code',
        'network': f'VGG-16, width {sizes.width}, {sizes.input_size} pixels, random weights',
        'parts': {},
    }
    print('\n'.join(_heading(found, sizes.judged)), flush=True)
    if faces:
        bench_inputs.give_faces(work, faces)
    print('Making the inputs ...', file=sys.stderr, flush=True)
    measuring.part('inputs', work, mode)
    for name in [part for part in PARTS if part in wanted]:
        print(f'\n{name}', flush=True)
        began = time.monotonic()
        try:
            result = measuring.part(name, work, mode)
        except RunError as error:  # the other parts are worth having without this one
            result = {'error': _kept(work, output, name, str(error))}
        result['seconds'] = round(time.monotonic() - began, 1)
        found['parts'][name] = result
        found['seconds'] = round(time.monotonic() - started, 1)
        for line in results.lines(result.get('rows', []), sizes.judged):
            print(line)
        for key in ('skipped', 'error'):
            if key in result:
                print(f'  {key}: {result[key]}')
        sys.stdout.flush()
        write_text(output / 'bench.json', json.dumps(found, indent=1) + '\n')
        write_text(output / 'bench.svg', plot.draw(found['parts']) + '\n')
    _print_table(found, sizes.judged, output)
    return found


def _print_table(found: dict[str, Any], judged: bool, output: Path) -> None:
    """All rows once more, ratios first, as text and into a file."""
    rows = [row for part in found['parts'].values() for row in part.get('rows', [])]
    table = '\n'.join([*_heading(found, judged), '', *results.lines(rows, judged)]) + '\n'
    write_text(output / 'bench.txt', table)
    print(f'\n{"-" * 100}\n{table}\n{found["seconds"]:.0f} s. {output}/bench.json, bench.svg, bench.txt')


def _heading(found: dict[str, Any], judged: bool) -> list[str]:
    on = found['machine']
    memory = f'{on["memory_bytes"] / 2**30:.0f} GiB'
    lines = [
        f'{on["processor"]}, {on["cores"]} cores ({", ".join(on["flags"])}), {memory}; TensorFlow '
        f'{on["versions"]["tensorflow"]}; {found["network"]}; faces: {found["faces"]}; {found["mode"]} mode',
    ]
    if on['load_before'] > 0.5:
        lines.append(f'This machine was busy before (load {on["load_before"]}): the numbers are worth less.')
    if not judged:
        lines.append('A narrow network and few images: the targets are for the full run and are not judged here.')
    return lines


def _kept(work: Path, output: Path, name: str, message: str) -> str:
    """The message with the log copied to where it stays."""
    kept = output / f'{name}.log'
    logs = sorted((work / 'logs').glob('*.log'), key=lambda file: file.stat().st_mtime)
    write_text(kept, '\n'.join(f'== {log.name}\n{log.read_text(errors="replace")}' for log in logs[-3:]))
    return f'{message.split(" (all of it:")[0]} (all of it: {kept})'


def _faces(given: Path | None, mode: str) -> Path | None:
    root = given or (_SHARED if mode != 'smoke' else None)
    if root is None or (given is None and not root.is_dir()):
        return None
    if not (root / 'combined' / 'aligned').is_dir():
        raise InputError(f'--data {root}: has no combined/aligned; give the folder that has it, or leave --data out')
    return root


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='python -m pipeline.bench', description=__doc__)
    parser.add_argument('--quick', action='store_true', help='minutes: a narrow network; the same as --mode quick')
    parser.add_argument(
        '--mode', choices=tuple(MODES), default='full', help='smoke is for the test of the bench itself'
    )
    parser.add_argument(
        '--only', action='append', default=[], metavar='PART', help=f'one part: {", ".join(PARTS)}; may be repeated'
    )
    parser.add_argument(
        '--data', type=Path, metavar='DIR',
        help='faces, the folder that has combined/ (default: ../shared/data/agegender, or faces drawn by code)',
    )  # fmt: skip
    parser.add_argument('--output', type=Path, default=Path('bench'), metavar='DIR', help='gets bench.json, .svg, .txt')
    return parser


if __name__ == '__main__':
    sys.exit(main())
