# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The bench with a tiny network. No number that depends on the machine is judged."""

import dataclasses
import json
import math
import os
import sys
from types import SimpleNamespace

import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma

from components import caffe_converter, names
from components.embedding_gen import precision
from components.errors import RunError
from pipeline.bench import __main__ as command_line, measuring, programs
from pipeline.bench.measuring import Row
from pipeline.bench.sizes import FULL, QUICK, Sizes
from pipeline.runs import metadata

_TINY = Sizes(
    'tiny', width=2, input_size=32, per_folder=2, batch_size=4, embedded=8, repetitions=2, calls=3, fitted=40,
    scaled_width=2, scaled_input_size=32, scaled_per_folder=1, converted_width=2, judged=False,
)  # fmt: skip


@pytest.fixture(scope='module')
def bench(tmp_path_factory):
    """The bench of three parts: the results, bench.json and bench.txt."""
    work, output = tmp_path_factory.mktemp('work'), tmp_path_factory.mktemp('output')
    results = command_line.measure(work, _TINY, ['inference', 'embedding', 'latency', 'small_base'], None, output)
    return results, json.loads((output / 'bench.json').read_text()), (output / 'bench.txt').read_text()


def test_every_row_has_a_finite_number_and_is_in_the_table(bench):
    results, written, table = bench
    assert list(written['parts']) == ['inference', 'latency', 'embedding', 'small_base']
    assert not any(part.error for part in results.parts.values())
    rows = [row for part in written['parts'].values() for row in part['rows']]
    names = {row['name'] for row in rows}
    assert 'VGG-16, converted / OpenCV, seconds' in names
    assert {'serving_default / bare base, one image', 'EmbeddingGen / bare base, images per second'} <= names
    for row in rows:
        assert math.isfinite(row['value']) and row['value'] > 0
        assert row['name'] in table
    assert ' cores (' in written['machine'] and 'tensorflow 2.' in written['machine']
    assert written['machine'] in table


@pytest.mark.parametrize('sizes', [FULL, QUICK, _TINY], ids=lambda sizes: sizes.mode)
def test_the_networks_of_every_mode_exist(sizes: Sizes):
    for width, pixels in ((sizes.width, sizes.input_size), (sizes.scaled_width, sizes.scaled_input_size)):
        assert f'input_dim: {pixels}' in caffe_converter.vgg_face_prototxt(width, input_size=pixels)
    assert sizes.embedded % sizes.batch_size == 0


def test_throughput_is_images_by_seconds_of_the_same_round(bench):
    part = bench[1]['parts']['embedding']
    seconds = part['raw']['seconds']
    ratios = [base / ours for base, ours in zip(seconds['base'], seconds['float32'], strict=True)]
    assert part['rows'][0]['value'] == pytest.approx(sum(ratios) / 2)  # the median of two rounds
    assert part['raw']['images_per_second']['base'] == pytest.approx(2 * 8 / sum(seconds['base']))


def test_converted_networks_beside_opencv(bench, shared):
    part = bench[0].parts['inference']
    assert not part.skipped
    assert [row.name.split(',')[0] for row in part.rows] == ['VGG-16', 'MobileFaceNet', 'ResNet-10']
    # Both computed the same network.
    assert all(float(row.detail.split()[-1]) < 1e-4 for row in part.rows)


def test_a_failed_part_is_reported_and_the_others_run(tmp_path, monkeypatch, capsys):
    (tmp_path / 'faces').mkdir()
    monkeypatch.setattr(command_line, 'PARTS', {'latency': 'network.absent', 'embedding': 'network.notebook'})
    monkeypatch.setattr(measuring, 'part', _only_parts_that_exist)
    results = command_line.measure(tmp_path, _TINY, ['latency', 'embedding'], None, tmp_path)
    assert 'no such function' in results.parts['latency'].error
    assert results.parts['embedding'].error == ''
    assert 'error: no such function' in capsys.readouterr().out


def test_the_error_of_a_part_is_the_last_line_of_its_log(tmp_path):
    with pytest.raises(RunError, match=r"exit status 1: AttributeError: .* has no attribute 'absent'"):
        measuring.part('network.absent', tmp_path, _TINY, tmp_path / 'log')


def _only_parts_that_exist(function, *_):
    if function == 'network.absent':
        raise RunError('no such function')
    return measuring.Part()


def test_whole_runs_and_the_notebook_procedure(tmp_path, monkeypatch):
    run = _run(seconds=10.0, stages={'EmbeddingGen': 4.0, 'Tuner': 2.0})
    monkeypatch.setattr(programs, '_run', lambda *_, **__: run)
    monkeypatch.setattr(measuring, 'part', lambda *_: measuring.Part(raw={'seconds_per_image': 0.5}))
    monkeypatch.setattr(precision, 'supported', lambda: False)
    rows = {row.name: row.value for row in programs.runs(tmp_path, _TINY).rows}
    # 10 epochs over 80 images and a test of 20.
    assert rows['notebook, projected / whole pipeline, seconds'] == pytest.approx(820 * 0.5 / 10)
    assert rows['the command less EmbeddingGen'] == 6.0
    assert rows['Tuner, 30 trials'] == 2.0


def test_a_run_of_few_faces_beside_plain_tfx(tmp_path, monkeypatch):
    runs, plain = iter([_run(seconds=30.0), _run(seconds=60.0), _run(seconds=33.0)]), iter([20.0, 50.0, 30.0])
    monkeypatch.setattr(programs, '_run', lambda *_, **__: next(runs))
    monkeypatch.setattr(metadata, 'runs', lambda _: [SimpleNamespace(output=lambda *_: None)])
    monkeypatch.setattr(measuring, 'call', lambda _: measuring.Finished(0.0, next(plain), 0))
    (row,) = programs.fixed(tmp_path, dataclasses.replace(_TINY, fixed_rounds=3)).rows
    assert row.value == pytest.approx(1.2)  # of 1.5, 1.2 and 1.1
    assert row.detail.startswith('33.0 / 30.0 s, 100 images')


def test_plain_tfx_trains_evaluates_and_pushes(finished, warm_python, tmp_path):
    (examples,) = (finished.output / 'StratifiedExampleGen' / 'examples').iterdir()
    output = tmp_path / 'plain'
    program = ['-m', 'pipeline.bench.plain_tfx', str(examples), str(output)]
    process = warm_python.run(program, tmp_path, dict(os.environ), 600)
    assert process.returncode == 0, process.stderr
    (model,) = (output / 'serving').iterdir()
    assert names.SERVING in tf.saved_model.load(str(model)).signatures
    (evaluation,) = (output / 'Evaluator' / 'evaluation').iterdir()
    slices = tfma.load_eval_result(str(evaluation)).get_slice_names()
    assert {dict(key).get(names.GENDER) for key in slices} == {None, names.MALE, names.FEMALE}


def test_the_time_of_more_images_is_a_straight_line(tmp_path, monkeypatch):
    runs = iter([_run(images=100 * times, seconds=10.0 + 2 * times, peak_bytes=10**9) for times in (1, 2, 4)])
    monkeypatch.setattr(programs, '_run', lambda *_, **__: next(runs))
    part = programs.scaling(tmp_path, _TINY)
    assert [row.value for row in part.rows] == pytest.approx([1.0, 0.0, 20.0], abs=1e-9)
    assert part.raw['line'] == pytest.approx({'start_s': 10.0, 'seconds_per_image': 0.02})


def _run(**changed):
    values = {
        'seconds': 1.0, 'peak_bytes': 1, 'first_component_s': 1.0, 'stages': {}, 'images': 100, 'training_images': 60,
        'accuracy': 0.5, 'disk_bytes': {}, 'flops': 1, 'parameters': 1,
    }  # fmt: skip
    return programs.Run(**values | changed)


def test_an_unknown_part_is_one_line(tmp_path, capsys):
    assert command_line.main(['--only', 'speed', '--output', str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert '--only speed' in line


def test_a_folder_without_faces_is_one_line(tmp_path, capsys):
    assert command_line.main(['--data', str(tmp_path), '--output', str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert 'no combined/aligned' in line


@pytest.mark.parametrize(
    ('value', 'target', 'expected'),
    [(0.95, '>= 0.95', True), (0.94, '>= 0.95', False), (90.0, '<= 90', True), (91.0, '<= 90', False), (1, '', None)],
)
def test_targets(value, target, expected):
    assert Row('x', value, target=target).met is expected


def test_ratios_come_first_and_a_missed_target_is_marked():
    rows = [Row('seconds', 12.0, 's', '<= 10'), Row('ratio', 0.5)]
    first, second = measuring.table(rows, judged=True)
    assert 'ratio' in first and 'seconds' in second
    assert ' NO ' in second
    assert ' NO ' not in measuring.table(rows, judged=False)[1]


def test_functions_take_turns():
    calls = []
    seconds = measuring.rounds({'a': lambda: calls.append('a'), 'b': lambda: calls.append('b')}, 3)
    assert calls == ['a', 'b'] * 3
    assert {name: len(found) for name, found in seconds.items()} == {'a': 3, 'b': 3}


def test_a_ratio_is_taken_within_each_round():
    # The machine was ten times slower in the second round.
    assert measuring.ratio({'a': [1.0, 20.0, 3.0], 'b': [2.0, 40.0, 4.0]}, 'a', 'b') == 0.5


def test_a_process_has_its_own_peak(tmp_path):
    big = measuring.call([sys.executable, '-c', 'x = b"1" * 300_000_000'], tmp_path / 'log')
    small = measuring.call([sys.executable, '-c', 'pass'], tmp_path / 'log')
    assert big.peak_bytes > 300_000_000
    # A child starts with its parent's peak, here that of the tests; the bench's processes start small.
    assert small.peak_bytes <= big.peak_bytes


def test_the_error_of_a_failed_process_quotes_its_last_line(tmp_path):
    with pytest.raises(RunError, match='exit status 3: no such thing'):
        measuring.call([sys.executable, '-c', 'import sys; print("no such thing", file=sys.stderr); sys.exit(3)'],
                       tmp_path / 'log')  # fmt: skip
