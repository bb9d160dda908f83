# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Injects faults into `run` and prints how many it survived: `make torture KILLS=100 DISKS=20 DAMAGES=20`.

A round starts from nothing, or from a finished run, injects a fault, and repeats the command without it. It is
survived if the repeated run serves the weights of an undisturbed run and nothing was silent on the way.

- Killed runs: SIGKILL at one to three random moments.
- Full disks: RLIMIT_FSIZE of a random size, which needs no root. Writes beyond it fail with EFBIG instead of ENOSPC.
- Damaged files: a random file of the finished run is cut, has one bit changed, is filled with zeros, or is deleted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from components import caffe_converter
from pipeline.demo.dataset import draw_dataset

_BOUNDS = ('min_accuracy=0', 'min_auc=0', 'min_gender_accuracy=0', 'max_gender_gap=1', 'min_examples=1')
_MORE_BOUNDS = ('min_gender_examples=1', 'max_regression=null')
_TIMEOUT_S = 1800

# Written by every run, and no result of one.
_NOT_DAMAGED = ('logs', 'report', 'inputs', 'metadata.sqlite', '.lock', '.id', '.system', 'runs')


class Torture:
    """A work folder with inputs, and one undisturbed run in `out`, which every round starts from.

    Runs always use the path `out`: the metadata contain absolute paths.
    """

    def __init__(self, work: Path, rng: random.Random):
        self._rng, self._out, self._kept = rng, work / 'out', work / 'kept'
        draw_dataset(work / 'faces', per_folder=3, size=32, seed=0)
        prototxt, caffemodel = work / 'small.prototxt', work / 'small.caffemodel'
        prototxt.write_text(caffe_converter.vgg_face_prototxt(width=2, fully_connected=False, input_size=32))
        caffe_converter.write_random_caffemodel(prototxt, caffemodel, seed=0)
        bounds = [f'--set=evaluation.{bound}' for bound in (*_BOUNDS, *_MORE_BOUNDS)]
        self._line = [
            sys.executable, '-m', 'pipeline', 'run', '--config', 'demo', '--data', str(work / 'faces'),
            '--prototxt', str(prototxt), '--caffemodel', str(caffemodel), '--output', str(self._out), *bounds,
            '--set=trainer.epochs=2', '--set=gate.mode=warn',
        ]  # fmt: skip
        started = time.monotonic()
        self._must_succeed()
        self._seconds = time.monotonic() - started
        self._weights = self._served()
        shutil.copytree(self._out, self._kept, symlinks=True)

    def kill(self) -> str:
        """Kills a run from nothing at a random moment, up to three times, and repeats it."""
        shutil.rmtree(self._out)
        for _ in range(self._rng.randint(1, 3)):
            with subprocess.Popen(self._line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                try:
                    process.wait(self._rng.uniform(1, self._seconds))
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
        self._must_succeed()
        return self._compared()

    def full_disk(self) -> str:
        """Limits the size of every file of a run from nothing, and repeats it without the limit."""
        shutil.rmtree(self._out)
        most = int(2 ** self._rng.uniform(8, 20))
        process = self._run(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
        if process.returncode == 0:
            return 'no fault'
        if process.returncode < 0:
            return f'died of signal {-process.returncode} at {most} bytes'
        if 'Traceback' in process.stderr:
            return f'traceback at {most} bytes: {process.stderr.strip().splitlines()[-1]}'
        self._must_succeed()
        return self._compared()

    def damage(self) -> str:
        """Damages a random file of a finished run and repeats the run."""
        shutil.rmtree(self._out)
        shutil.copytree(self._kept, self._out, symlinks=True)
        files = [
            file
            for file in sorted(self._out.rglob('*'))
            if file.is_file() and file.relative_to(self._out).parts[0] not in _NOT_DAMAGED and file.stat().st_size
        ]
        file = self._rng.choice(files)
        how = self._rng.choice(('cut', 'bit', 'zeros', 'deleted'))
        content = bytearray(file.read_bytes())
        if how == 'deleted':
            file.unlink()
        else:
            place = self._rng.randrange(len(content))
            if how == 'bit':
                content[place] ^= 1 << self._rng.randrange(8)
            file.write_bytes(content[:place] if how == 'cut' else bytes(len(content)) if how == 'zeros' else content)
        process = self._must_succeed()
        said = str(file.relative_to(self._out)) in process.stderr
        # Nothing reads the store when all stages come from the cache.
        if not said and file.relative_to(self._out).parts[0] != 'embedding_store':
            return f'{file.relative_to(self._out)}: {how}, and the run did not say so'
        return self._compared()

    def _run(self, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self._line, capture_output=True, text=True, timeout=_TIMEOUT_S, preexec_fn=before)

    def _must_succeed(self) -> subprocess.CompletedProcess[str]:
        process = self._run()
        if process.returncode:
            raise RuntimeError(process.stderr.strip().splitlines()[-1])
        return process

    def _served(self) -> str:
        """The SHA-256 over the weights of the served model's variables."""
        pushed = Path(json.loads((self._out / 'report' / 'metrics.json').read_text())['pushed'])
        data = next((pushed / 'variables').glob('variables.data-*'))
        return hashlib.sha256(data.read_bytes()).hexdigest()

    def _compared(self) -> str:
        return 'survived' if self._served() == self._weights else 'other weights'


def main() -> int:
    """Runs the rounds and prints a Markdown table; returns 1 if a fault was not survived."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, number in (('kills', 100), ('disks', 20), ('damages', 20), ('seed', 0)):
        parser.add_argument(f'--{name}', type=int, default=number)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='torture-') as work:
        torture = Torture(Path(work), random.Random(options.seed))
        kinds = (
            ('killed runs', torture.kill, options.kills),
            ('full disks', torture.full_disk, options.disks),
            ('damaged files', torture.damage, options.damages),
        )
        rows, lost = [], 0
        for name, inject, rounds in kinds:
            results: Counter[str] = Counter()
            while sum(results.values()) - results['no fault'] < rounds:
                try:
                    result = inject()
                except (RuntimeError, subprocess.TimeoutExpired) as error:
                    result = f'lost: {error}'
                results[result] += 1
                print(f'{name} {sum(results.values())}/{rounds}: {result}', file=sys.stderr, flush=True)
            injected = sum(results.values()) - results['no fault']
            rows.append(f'| {name} | {injected} | {results["survived"]} |')
            lost += injected - results['survived']
    print('| fault | injected | survived |', '| --- | --- | --- |', *rows, sep='\n')
    return 1 if lost else 0


if __name__ == '__main__':
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    sys.exit(main())
