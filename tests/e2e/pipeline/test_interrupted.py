# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Stops a run in every stage: it ends at once with one line, and the same command continues to the same numbers."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.e2e.pipeline.runners import same_run

_INTERRUPTED = 'gender-pipeline: interrupted; the same command continues from here\n'


def _stopped(process, stderr, stage: str | None, wait: float, number: int) -> None:
    """Sends a signal `wait` seconds after the line of `stage`, or after the start, and checks the end."""
    for text in stderr if stage else ():
        if f'] {stage} ' in text:
            break
    time.sleep(wait)
    os.kill(process.pid, number)
    sent = time.monotonic()
    status = process.wait(60)
    assert time.monotonic() - sent < 2
    # A stage may just have ended, also the last one.
    said = [text for text in stderr if not re.match(r'\[ ?\d+/|\d+ components in ', text)]
    assert (status, said) == ((-number, []) if number == signal.SIGKILL else (128 + number, [_INTERRUPTED]))


def test_a_run_stopped_in_its_imports(inputs, low_bounds, tmp_path):
    line = [sys.executable, '-m', 'pipeline', *inputs.arguments(tmp_path / 'out'), *low_bounds]
    moments = random.Random(7)
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
            _stopped(process, process.stderr, None, moments.uniform(0.5, 4), number)
        assert not (tmp_path / 'out' / 'report').exists()


def test_a_run_stopped_in_every_stage_continues_to_the_same_numbers(
    finished, warm_python, command, inputs, low_bounds, tmp_path
):
    output = tmp_path / 'out'
    line = ['-m', 'pipeline', *inputs.arguments(output), *low_bounds]
    stages = re.findall(r'^\[ ?\d+/\d+\] (\w+)', finished.process.stderr, re.MULTILINE)
    assert len(stages) == len(set(stages)) == len(finished.metrics['stages'])
    draw = random.Random(7)
    signals = [signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGKILL]
    # A stage begins when the line of the one before it is there.
    for index, stage in enumerate([None, *stages[:-1]]):
        reader, writer = os.pipe()
        with open(reader) as stderr, open(os.devnull, 'w') as null:
            with open(writer, 'w') as ours:
                process = warm_python.child(line, tmp_path, dict(os.environ), null, ours)
            _stopped(process, stderr, stage, draw.uniform(0, 0.5), signals[index % 4])
        assert not (output / 'report').exists()
    process = command(*inputs.arguments(output), *low_bounds)
    assert process.returncode == 0, process.stderr
    assert 'StratifiedExampleGen   from cache' in process.stderr
    result = json.loads((output / 'report' / 'metrics.json').read_text())
    expected = finished.first_metrics
    assert [item['slice'] for item in result['slices']] == [item['slice'] for item in expected['slices']]
    measured, wanted = (
        same_run.numbers([of['overall'], *(item['metrics'] for item in of['slices'])]) for of in (result, expected)
    )
    assert measured == pytest.approx(wanted, rel=1e-6)
