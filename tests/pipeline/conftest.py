# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Small inputs and one finished run of the real command line, which the end-to-end tests share."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from components import caffe_converter
from pipeline.demo.dataset import draw_dataset

Command = Callable[..., subprocess.CompletedProcess]


@dataclass(frozen=True)
class Inputs:
    """Drawn faces and a narrow VGG-Face of random weights."""

    data: Path
    prototxt: Path
    caffemodel: Path

    def arguments(self, output: Path, **changed: Path) -> list[str]:
        """Arguments of `run`, with some inputs replaced."""
        paths = {'data': self.data, 'prototxt': self.prototxt, 'caffemodel': self.caffemodel, **changed}
        flags = [text for name, path in paths.items() for text in (f'--{name}', str(path))]
        return ['run', '--config', 'demo', *flags, '--output', str(output)]


@pytest.fixture(scope='session')
def command(tmp_path_factory) -> Command:
    """Calls `python -m pipeline` in a process and a folder of its own."""
    folder = tmp_path_factory.mktemp('elsewhere')

    def call(*arguments: object, **options: object) -> subprocess.CompletedProcess:
        line = [sys.executable, '-m', 'pipeline', *map(str, arguments)]
        return subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=600, **options)

    return call


@pytest.fixture(scope='session')
def inputs(tmp_path_factory) -> Inputs:
    """140 folders of 5 drawn faces of 48 pixels; VGG-Face of width 4 for 64x64."""
    folder = tmp_path_factory.mktemp('inputs')
    draw_dataset(folder / 'faces', per_folder=5, size=48, seed=0)
    prototxt, caffemodel = folder / 'small.prototxt', folder / 'small.caffemodel'
    prototxt.write_text(caffe_converter.vgg_face_prototxt(width=4, fully_connected=False, input_size=64))
    caffe_converter.write_random_caffemodel(prototxt, caffemodel, seed=0)
    return Inputs(folder / 'faces', prototxt, caffemodel)


@dataclass(frozen=True)
class Finished:
    """A run directory, what its first run printed and measured; later tests run in it again."""

    output: Path
    process: subprocess.CompletedProcess
    first_metrics: dict

    @property
    def metrics(self) -> dict:
        """What `report/metrics.json` holds now."""
        return json.loads((self.output / 'report' / 'metrics.json').read_text())

    @property
    def versions(self) -> list[str]:
        """The pushed versions, oldest first."""
        return sorted(os.listdir(self.output / 'serving' / 'gender_classifier'), key=int)


@pytest.fixture(scope='session')
def finished(command, inputs, tmp_path_factory) -> Finished:
    """One whole run on the small inputs, with bounds that it meets."""
    output = tmp_path_factory.mktemp('finished') / 'out'
    process = command(*inputs.arguments(output), *LOW_BOUNDS)
    assert process.returncode == 0, process.stderr
    return Finished(output, process, json.loads((output / 'report' / 'metrics.json').read_text()))


LOW_BOUNDS = [
    *(f'--set=evaluation.{name}=0.2' for name in ('min_accuracy', 'min_auc', 'min_gender_accuracy')),
    *(f'--set=evaluation.{name}=1' for name in ('max_gender_gap', 'min_examples', 'min_gender_examples')),
    '--set=evaluation.max_regression=null',
]


@pytest.fixture(scope='session')
def low_bounds() -> list[str]:
    """Arguments that let a model of a tiny network be blessed."""
    return LOW_BOUNDS
