# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The bench on a tiny network: what it writes is well formed. No number that depends on the machine is judged."""

import json
import math
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from components import caffe_converter
from pipeline.bench import measuring, plot, results, scaling
from pipeline.bench.sizes import MODES, Sizes


@pytest.fixture(scope='module')
def bench(tmp_path_factory):
    """Two parts of a run in smoke mode: (what it printed, its output folder)."""
    output = tmp_path_factory.mktemp('bench') / 'out'
    line = [sys.executable, '-m', 'pipeline.bench', '--mode', 'smoke', '--output', str(output)]
    done = subprocess.run(
        [*line, '--only', 'latency', '--only', 'embedding'], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, output


def test_every_row_has_a_finite_number_and_is_printed(bench):
    printed, output = bench
    found = json.loads((output / 'bench.json').read_text())
    assert set(found['parts']) == {'latency', 'embedding'}
    rows = [row for part in found['parts'].values() for row in part['rows']]
    assert {'serving_default / bare base, one image', 'EmbeddingGen / bare base, images per second'} <= {
        row['name'] for row in rows
    }
    for row in rows:
        assert math.isfinite(row['value']) and row['value'] > 0
        assert row['name'] in (output / 'bench.txt').read_text()
        assert row['name'] in printed
    assert found['machine']['cores'] >= 1 and found['machine']['versions']['tensorflow']


@pytest.mark.parametrize('sizes', MODES.values(), ids=MODES.keys())
def test_every_modes_networks_exist(sizes: Sizes):
    for width, pixels in ((sizes.width, sizes.input_size), (sizes.scaled_width, sizes.scaled_input_size)):
        assert f'input_dim: {pixels}' in caffe_converter.vgg_face_prototxt(width, input_size=pixels)
    assert sizes.embedded % sizes.batch_size == 0


def test_throughput_is_images_by_seconds_of_the_same_run(bench):
    raw = json.loads((bench[1] / 'bench.json').read_text())['parts']['embedding']
    seconds = raw['raw']['seconds']
    ratios = [base / ours for base, ours in zip(seconds['base'], seconds['float32'], strict=True)]
    assert raw['rows'][0]['value'] == pytest.approx(sum(ratios) / 2)  # the median of two rounds
    assert raw['raw']['images_per_second']['base'] == pytest.approx(2 * 8 / sum(seconds['base']))


def test_the_picture_is_xml(bench):
    assert ElementTree.parse(bench[1] / 'bench.svg').getroot().tag.endswith('svg')  # noqa: S314 - our own file


def test_the_picture_shows_what_is_there():
    runs = [{'images': n, 'seconds': 10.0 + n, 'peak_bytes': 1e9} for n in (100, 200, 400)]
    parts = {
        'scaling': {'raw': {'runs': runs, 'line': {'start_s': 10.0, 'seconds_per_image': 1.0}}},
        'whole': {'raw': {'notebook_s': 3000.0, 'run': {'seconds': 250.0}}},
        'embedding': {'error': 'it failed'},
    }
    root = ElementTree.fromstring(plot.draw(parts))  # noqa: S314 - our own text
    text = ' '.join(root.itertext())
    assert '3,000' in text and '250' in text and '1.00 GB' in text
    assert 'Images per second' not in text


def test_an_unknown_part_is_one_line(tmp_path):
    line = [sys.executable, '-m', 'pipeline.bench', '--only', 'speed', '--output', str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count('\n') == 1 and '--only speed' in done.stderr


@pytest.mark.parametrize(
    ('value', 'target', 'expected'),
    [(0.95, '>= 0.95', True), (0.94, '>= 0.95', False), (90.0, '<= 90', True), (91.0, '<= 90', False), (1, '', None)],
)
def test_targets(value, target, expected):
    assert results.met(results.row('x', value, target=target)) is expected


def test_ratios_come_first_and_a_missed_target_is_said():
    rows = [results.row('seconds', 12.0, 's', '<= 10'), results.row('ratio', 0.5)]
    first, second = results.lines(rows, judged=True)
    assert 'ratio' in first and 'seconds' in second
    assert ' NO ' in second
    assert ' NO ' not in results.lines(rows, judged=False)[1]


def test_the_line_is_least_squares():
    assert scaling._line([1, 2, 4], [3.0, 5.0, 9.0]) == (pytest.approx(2.0), pytest.approx(1.0))


def test_functions_take_turns():
    calls = []
    seconds = measuring.rounds({'a': lambda: calls.append('a'), 'b': lambda: calls.append('b')}, 3)
    assert calls == ['a', 'b'] * 3
    assert {name: len(found) for name, found in seconds.items()} == {'a': 3, 'b': 3}


def test_a_ratio_is_taken_within_each_round():
    # The machine was ten times slower in the second round.
    seconds = {'a': [1.0, 20.0, 3.0], 'b': [2.0, 40.0, 4.0]}
    assert measuring.ratio(seconds, 'a', 'b') == 0.5
    assert measuring.medians(seconds) == {'a': 3.0, 'b': 4.0}


def test_a_process_has_its_own_peak(tmp_path):
    big = measuring.call([sys.executable, '-c', 'x = b"1" * 300_000_000; print(len(x))'], tmp_path / 'log')
    small = measuring.call([sys.executable, '-c', 'pass'], tmp_path / 'log')
    assert big.stdout == '300000000\n'
    assert big.peak > 300_000_000
    # A process starts with the peak of the one that starts it, here the tests'; the bench starts small.
    assert small.peak <= big.peak


def test_a_failed_process_says_what_it_said_last(tmp_path):
    with pytest.raises(measuring.RunError, match='exit status 3: no such thing'):
        measuring.call([sys.executable, '-c', 'import sys; print("no such thing", file=sys.stderr); sys.exit(3)'],
                       tmp_path / 'log')  # fmt: skip
