# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The faults of `torture`, and how it finds out whether they were survived."""

from __future__ import annotations

import csv
import functools
import hashlib
import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

# A run needs these; they are imported once, before it is forked.
import keras  # noqa: F401
import tensorflow  # noqa: F401
import tensorflow_data_validation  # noqa: F401
import tensorflow_model_analysis  # noqa: F401

from components import caffe_converter
from components.io.files import printable
from components.stratified_example_gen.ingestion_summary import REJECTED_NAME
from pipeline import __main__, definition  # noqa: F401
from pipeline.demo.dataset import draw_dataset
from pipeline.report import collect, page  # noqa: F401
from pipeline.runners import launch, local  # noqa: F401
from tests.fixtures.face_folders import picture
from tests.fixtures.hostile_files import write_hostile_files

_BOUNDS = ('min_accuracy=0', 'min_auc=0', 'min_gender_accuracy=0', 'max_gender_gap=1', 'min_examples=1')
_MORE_BOUNDS = ('min_gender_examples=1', 'max_regression=null')
_TIMEOUT_S = 1800

# Written by every run, and no result of one.
_NOT_DAMAGED = ('logs', 'report', 'inputs', 'metadata.sqlite', '.lock', '.id', '.system', 'runs')


class Lost(Exception):
    """Faults that were not survived, or were silent."""

    def __init__(self, faults: int, what: str):
        super().__init__(what)
        self.faults = faults


class _Ended(NamedTuple):
    status: int | None  # negative: the signal; None: killed by this program
    said: str


class Torture:
    """A work folder with inputs, and one undisturbed run in `out`, which every round starts from.

    Runs always use the path `out`: the metadata contain absolute paths.
    """

    def __init__(self, work: Path, rng: random.Random):
        self._work, self._rng, self._out, self._kept = work, rng, work / 'out', work / 'kept'
        self._faces = work / 'faces'
        self.killed_in: Counter[str] = Counter()
        draw_dataset(self._faces, per_folder=2, size=32, seed=0)
        prototxt, caffemodel = work / 'small.prototxt', work / 'small.caffemodel'
        prototxt.write_text(caffe_converter.vgg_face_prototxt(width=2, fully_connected=False, input_size=32))
        caffe_converter.write_random_caffemodel(prototxt, caffemodel, seed=0)
        bounds = [f'--set=evaluation.{bound}' for bound in (*_BOUNDS, *_MORE_BOUNDS)]
        self._line = [
            'run', '--config', 'demo', '--data', str(self._faces), '--prototxt', str(prototxt),
            '--caffemodel', str(caffemodel), '--output', str(self._out), *bounds,
            '--set=trainer.epochs=2', '--set=gate.mode=warn', '--set=data.max_bad_fraction=0.5',
        ]  # fmt: skip
        started = time.monotonic()
        self._must_succeed()
        self._seconds = time.monotonic() - started
        self._weights = self._served()
        shutil.copytree(self._out, self._kept, symlinks=True)

    def kill(self) -> tuple[int, str]:
        """Kills a run from nothing, and each run that continues it, until one ends before its moment; counts kills.

        Moments are within a third of a run's time, or later where two kills in a row hit the same stage: each kill
        costs little more than the stage that it hits.
        """
        shutil.rmtree(self._out)
        killed: list[str] = []
        longest = self._seconds / 3
        while True:
            ended = self._run(kill_after=self._rng.uniform(0, longest))
            if ended.status is not None:
                break
            lines = re.findall(r'^\[ *\d+/\d+\] (\w+)', ended.said, re.MULTILINE)
            killed.append(f'after {lines[-1]}' if lines else 'at the start')
            if killed[-1] in killed[-2:-1]:
                longest *= 1.3
        self.killed_in.update(killed)
        if ended.status:
            raise Lost(len(killed), ended.said.strip()[-1000:])
        self._compare(len(killed))
        return len(killed), ', '.join(killed) or 'none in time'

    def full_disk(self) -> tuple[int, str]:
        """Runs from nothing on a small disk, and gives it somewhat more space each time that it is full."""
        shutil.rmtree(self._out)
        self._out.mkdir()
        size = int(2 ** self._rng.uniform(12, 18))
        said: list[str] = []
        mounted = _mount(self._out, size)
        try:
            while True:
                ended = self._run(before=None if mounted else functools.partial(_limit_files, size))
                if ended.status == 0:
                    break
                line = ended.said.strip().splitlines()[-1]
                said.append(f'{size:,} bytes: {line}')
                if ended.status not in (1, 2) or 'Traceback' in ended.said or str(self._out) not in line:
                    raise Lost(len(said), f'{size:,} bytes, status {ended.status}: {ended.said.strip()[-1000:]}')
                size = int(size * self._rng.uniform(1.1, 2))
                if mounted:
                    _mount(self._out, size, 'remount')
            self._compare(len(said))
        finally:
            if mounted:
                subprocess.run(['umount', self._out], check=True)
        return len(said), '; '.join(said)

    def damage(self) -> tuple[int, str]:
        """Damages a random file of a finished run and repeats the run."""
        shutil.rmtree(self._out)
        shutil.copytree(self._kept, self._out, symlinks=True)
        files = [
            file
            for file in sorted(self._out.rglob('*'))
            if file.is_file() and file.relative_to(self._out).parts[0] not in _NOT_DAMAGED and file.stat().st_size
        ]
        file = self._rng.choice(files)
        name = file.relative_to(self._out)
        how = self._rng.choice(('cut', 'bit', 'zeros', 'deleted'))
        content = bytearray(file.read_bytes())
        if how == 'deleted':
            file.unlink()
        else:
            place = self._rng.randrange(len(content))
            if how == 'bit':
                content[place] ^= 1 << self._rng.randrange(8)
            file.write_bytes(content[:place] if how == 'cut' else bytes(len(content)) if how == 'zeros' else content)
        # Nothing reads the store when all stages come from the cache; damaged rows in it are computed again.
        in_store = name.parts[0] == 'embedding_store'
        if in_store:
            shutil.rmtree(self._out / 'EmbeddingGen')
        said = self._must_succeed()
        if str(name) not in said and not in_store:
            raise Lost(1, f'{name}: {how}, and the run did not say so')
        self._compare(1)
        return 1, f'{name}: {how}'

    def hostile_data(self) -> tuple[int, str]:
        """Puts hostile files among the faces; the run must list each and sample the same faces."""
        shutil.rmtree(self._out)
        shutil.copytree(self._kept, self._out, symlinks=True)
        folders = sorted((self._faces / 'combined' / 'aligned').iterdir())
        hostile = write_hostile_files(folders, self._rng.randint(1, 60), self._rng)
        try:
            self._must_succeed()
            account = max(self._out.glob(f'StratifiedExampleGen/examples/*/{REJECTED_NAME}'), key=os.path.getmtime)
            with account.open(encoding='utf-8', newline='') as rows:
                listed = {row[0] for row in csv.reader(rows)}
            for file in hostile:
                if printable(str(file.relative_to(self._faces))) not in listed:
                    raise Lost(1, f'{file!r} is not in {account}')
            self._compare(1)
        finally:
            for file in hostile:
                file.unlink()
        return 1, f'{len(hostile)} files'

    def _run(self, *, kill_after: float | None = None, before: Callable[[], None] | None = None) -> _Ended:
        said = self._work / 'said'
        child = multiprocessing.get_context('fork').Process(target=_call, args=([*self._line], said, before))
        child.start()
        child.join(kill_after or _TIMEOUT_S)
        if child.is_alive():
            child.kill()
            child.join()
            if kill_after is None:
                raise Lost(1, f'still running after {_TIMEOUT_S} s')
        status = child.exitcode
        return _Ended(None if status == -signal.SIGKILL else status, said.read_text(errors='replace'))

    def _must_succeed(self) -> str:
        ended = self._run()
        if ended.status:
            raise Lost(1, f'status {ended.status}: {ended.said.strip()[-1000:]}')
        return ended.said

    def _served(self) -> str:
        """The SHA-256 over the weights of the served model's variables."""
        pushed = Path(json.loads((self._out / 'report' / 'metrics.json').read_text())['pushed'])
        data = next((pushed / 'variables').glob('variables.data-*'))
        return hashlib.sha256(data.read_bytes()).hexdigest()

    def _compare(self, faults: int) -> None:
        if self._served() != self._weights:
            raise Lost(faults, 'the repeated run served other weights')


def hostile_answers() -> Iterator[tuple[str, str, bool]]:
    """Calls `predict --server` with each hostile answer.

    Yields:
      The answer's name, what the command said, and whether this was one line and status 1.
    """
    from tests.fakes.serving_server import answering
    from tests.fixtures.hostile_answers import HOSTILE

    respond = [b'']
    with tempfile.TemporaryDirectory() as folder, answering(lambda request, context: respond[0]) as address:
        images = [Path(folder, f'{number}.jpg') for number in range(2)]
        for image in images:
            image.write_bytes(picture(image.name))
        for name, (answer, _) in HOSTILE.items():
            respond[0] = answer.SerializeToString()
            done = subprocess.run(
                [sys.executable, '-m', 'pipeline', 'predict', '--server', address, *images],
                capture_output=True, text=True, errors='replace',
            )  # fmt: skip
            said = done.stderr.strip()
            yield name, said, done.returncode == 1 and said.isprintable() and 'Traceback' not in said


def _call(line: list[str], said: Path, before: Callable[[], None] | None) -> None:
    """The forked child: the command line, with its output in a file."""
    with said.open('w') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if before:
        before()
    sys.exit(__main__.main(line))


def _limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _mount(folder: Path, size: int, *options: str) -> bool:
    """Mounts a file system of this size in memory, if this process may."""
    line = ['mount', '-t', 'tmpfs', '-o', ','.join([f'size={size}', *options]), 'torture', str(folder)]
    return shutil.which('mount') is not None and subprocess.run(line, capture_output=True).returncode == 0
