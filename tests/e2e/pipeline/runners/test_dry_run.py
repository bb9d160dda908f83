# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What `run --dry-run` says of the session's finished run, and of a new directory; the fixture checks the files."""

import json
import os
import re
import shutil

import pytest

from pipeline import config as configuration
from pipeline.runners import dry_run, local
from pipeline.runs import metadata
from pipeline.runs.run_inputs import RunInputs

_FROM_TRAINER = ['Trainer', 'Evaluator', 'RobustnessEvaluator', 'SignatureCheck', 'AtomicPusher']


@pytest.fixture
def plan(inputs, low_bounds, tmp_path):
    """Plans a run of the session's inputs with more overrides."""

    def call(output, *overrides, data=inputs.data, bench=tmp_path / 'none.json'):
        changes = [one.removeprefix('--set=') for one in low_bounds]
        config = configuration.load('demo', [*changes, *overrides])
        return dry_run.plan(config, RunInputs(data, inputs.prototxt, inputs.caffemodel), output, bench)

    return call


def _running(planned) -> list[str]:
    return [one.name for one in planned if not one.cached]


def test_an_unchanged_run_comes_from_the_cache(plan, finished):
    planned = plan(finished.output)
    assert _running(planned) == []
    assert dry_run.text(planned).endswith(f'\n0 of {len(planned)} components would run')


def test_another_head_runs_the_trainer_and_what_follows_for_as_long_as_before(plan, finished):
    planned = plan(finished.output, 'trainer.hidden_units=16')
    assert _running(planned) == _FROM_TRAINER
    stages = {stage.name: stage.seconds for stage in metadata.runs(finished.output)[0].stages}
    assert {one.name: one.seconds for one in planned if not one.cached} == {
        name: stages[name] for name in _FROM_TRAINER
    }


def test_a_changed_gate_does_not_run_what_does_not_read_its_result(plan, finished):
    assert _running(plan(finished.output, 'gate.max_drift=0.5')) == ['DataGate']


def test_a_damaged_result_would_be_made_again(plan, own_run):
    folder = metadata.runs(own_run.output)[0].output('Trainer', 'model').uri
    shutil.copy(f'{folder}/head.keras', f'{folder}/more')
    assert 'Trainer' in _running(plan(own_run.output))


def test_a_new_directory_runs_all_and_is_not_made(plan, tmp_path, finished):
    planned = plan(tmp_path / 'new')
    assert _running(planned) == [stage.name for stage in metadata.runs(finished.output)[0].stages]
    assert 'no estimate: no earlier run here, and no bench/bench.json' in dry_run.text(planned)
    assert not (tmp_path / 'new').exists()


def test_the_bench_is_scaled_by_images_operations_and_weights(plan, tmp_path, finished):
    report = metadata.runs(finished.output)[0].output('CaffeConverter', 'model').uri
    with open(f'{report}/report.json') as file:
        network = json.load(file)
    # The bench had half the 700 images, a network of twice the operations and a quarter of the weights.
    first = {
        'images': 350, 'flops': 2 * network['flops'], 'parameters': network['parameters'] / 4,
        'stages': {'EmbeddingGen': 10.0, 'Transform': 3.0, 'Trainer': 5.0, 'CuratedSchema': 1.0},
        'disk_bytes': {'EmbeddingGen': 1000, 'Trainer': 100},
    }  # fmt: skip
    bench = tmp_path / 'bench.json'
    bench.write_text(json.dumps({'parts': {'runs': {'raw': {'first': first}}}}))
    planned = {one.name: one for one in plan(tmp_path / 'new', bench=bench)}
    assert planned['EmbeddingGen'].seconds == pytest.approx(10.0 * 2 / 2)
    assert planned['Transform'].seconds == pytest.approx(3.0 * 2)
    assert planned['Trainer'].seconds == pytest.approx(5.0 * 4)
    assert planned['CuratedSchema'].seconds == pytest.approx(1.0)
    assert (planned['EmbeddingGen'].disk, planned['Trainer'].disk) == (pytest.approx(2000), pytest.approx(400))
    assert dry_run.text(list(planned.values())).endswith('components would run, about 37 s, 0 MB on disk')


def test_the_command_prints_the_configuration_first(command, inputs, low_bounds, finished):
    process = command(*inputs.arguments(finished.output), *low_bounds, '--dry-run')
    assert process.returncode == 0, process.stderr
    text, _, stages = process.stdout.partition('\n[ 1/')
    assert text.startswith('data:\n')
    assert re.search(r'\n0 of \d+ components would run\n$', stages)


def test_what_libraries_print_is_not_shown(plan, tmp_path, monkeypatch, capfd):
    environment = local.environment

    def noisy(*arguments: object, **keywords: object) -> object:
        os.write(2, b'a note of a library')
        return environment(*arguments, **keywords)

    monkeypatch.setattr(local, 'environment', noisy)
    plan(tmp_path / 'new')
    assert capfd.readouterr().err == ''
