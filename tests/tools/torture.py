# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Injects faults and prints how many the pipeline survived: `make torture KILLS=100 DISKS=20 DAMAGES=20 DATASETS=10`.

- Kills: SIGKILL at a random moment of a run, and of the run that continues it, until one ends by itself before.
- Full disks: a file system of a random size, given somewhat more space each time that the run fails in one line.
  Mounting one needs root; without, RLIMIT_FSIZE limits the size of each file instead.
- Damaged files: a random file of a finished run is cut, has one bit changed, is filled with zeros, or is deleted.
- Hostile data: a random selection of broken, crafted and misnamed files among the faces.
- Hostile answers: `predict --server` with a server that gives each of the wrong answers of the tests.

A fault of a run is survived if the run that completes serves the weights of an undisturbed run, and nothing was silent
on the way; a hostile file or answer is survived if it is named in a line.

Runs are children forked from this process, which has imported what a run needs: all their time is work of a run.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from pathlib import Path

from tests.tools.torture_rounds import Lost, Torture, hostile_answers


def main() -> int:
    """Runs the rounds and prints a Markdown table; returns 1 if a fault was not survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (('kills', 100), ('disks', 20), ('damages', 20), ('datasets', 10), ('seed', 0)):
        parser.add_argument(f'--{name}', type=int, default=number, metavar='N', help=f'by default {number}')
    parser.add_argument('--answers', action=argparse.BooleanOptionalAction, default=True, help='of hostile servers')
    options = parser.parse_args()
    rows, lost = [], 0
    with tempfile.TemporaryDirectory(prefix='torture-') as work:
        torture = Torture(Path(work), random.Random(options.seed))
        kinds = [
            ('kills of a run', torture.kill, options.kills),
            ('full disks', torture.full_disk, options.disks),
            ('damaged files', torture.damage, options.damages),
            ('hostile data sets', torture.hostile_data, options.datasets),
        ]
        for name, inject, wanted in kinds:
            injected = survived = 0
            while injected < wanted:
                try:
                    count, how = inject()
                    survived += count
                except Lost as error:
                    count, how = error.faults, f'LOST: {error}'
                injected += count
                print(f'{name} {injected}/{wanted}: {how}', file=sys.stderr, flush=True)
            if wanted:
                rows.append(f'| {name} | {injected} | {survived} |')
                lost += injected - survived
        where = ', '.join(f'{stage} {count}' for stage, count in torture.killed_in.most_common())
        print(f'killed in: {where}', file=sys.stderr)
    if options.answers:
        outcomes = []
        for name, said, survived_it in hostile_answers():
            outcomes.append(survived_it)
            print(f'hostile answers {name}: {"" if survived_it else "LOST: "}{said}', file=sys.stderr, flush=True)
        rows.append(f'| hostile answers | {len(outcomes)} | {sum(outcomes)} |')
        lost += outcomes.count(False)
    print('| fault | injected | survived |', '| --- | --- | --- |', *rows, sep='\n')
    return 1 if lost else 0


if __name__ == '__main__':
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    sys.exit(main())
