# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The parts of the page that need no browser: words, plots, graph, statistics, escaping."""

import base64
import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.errors import InputError
from components.evaluator import metrics
from components.evaluator.metrics import Metric
from pipeline.report import card, charts, dataset, faces, page, stage_graph, words
from pipeline.runs import history, metadata, run_facts


def test_the_graph_keeps_the_order_and_omits_implied_edges():
    edges = [('a', 'b'), ('b', 'c'), ('a', 'c'), ('d', 'c')]
    assert stage_graph.reduced(edges) == [('a', 'b'), ('b', 'c'), ('d', 'c')]
    assert stage_graph.layers(['d', 'a', 'b', 'c'], edges) == [['a'], ['d', 'b'], ['c']]


def test_a_name_in_a_plot_is_escaped_and_the_plot_is_xml():
    evil = '"><script>alert(1)</script>'
    drawn = charts.gaps([(evil, Metric(0.1, -0.1, 0.3)), ('b', None)])
    texts = [element.text for element in ElementTree.fromstring(drawn).iter('text')]  # noqa: S314 - our own
    assert evil in texts
    stages = [metadata.Stage(evil, 'COMPLETE', 0.0, 1.0)]
    assert '<script>' not in stage_graph.dag(stages, [])


@pytest.mark.parametrize(('low', 'high'), [(0.0, 1.0), (0.4311, 0.4312), (0.97, 0.97), (3.2, 57.0), (0.0, 0.0)])
def test_an_axis_holds_its_values_and_has_few_round_ticks(low, high):
    first, last, ticks = charts._scale(low, high)
    assert first <= low + 1e-9
    assert last >= high - 1e-9
    assert 2 <= len(ticks) <= 8
    assert all(float(text) == pytest.approx(value, abs=1e-9) for value, text in ticks)


def test_curves_are_drawn_only_of_finite_measures():
    good = {'loss': [1.0, 0.5], 'val_loss': [1.1, 0.6]}
    assert page.plottable(good | {'accuracy': [0.5, 0.6]}) == ['loss']
    assert page.plottable(good | {'val_loss': [1.1, float('nan')]}) == []


def test_data_in_the_page_cannot_end_its_element():
    written = page._json({'name': '</script><!--&'})
    assert not set('<>&') & set(written)


def test_text_in_the_card_cannot_become_markup():
    found = card.markdown([card.Section('A', ('a <b> | `c` [d](e)\nf',), table=(('h', 'i'), ('<x>', '1|2')))])
    assert 'a \\<b\\> \\| \\`c\\` \\[d\\](e) f' in found
    assert '| \\<x\\> | 1\\|2 |' in found


def test_durations_and_slices_read_well():
    assert [words.seconds(value).replace('\u00a0', ' ') for value in (38.2, 725, 3780)] == [
        '38 s', '12 min 5 s', '1 h 3 min',
    ]  # fmt: skip
    assert metrics.slice_name({'gender': 'male', 'age_band': '01-10'}) == 'ages 01-10, male'
    assert metrics.slice_name({'gender': 'male', 'age_band': 'unknown'}) == 'age unknown, male'
    assert metrics.slice_name({'race': '2'}) == 'race 2'


def test_an_unknown_age_has_no_bar_and_no_number():
    rows = [dataset.FolderCount(0, 'female', 99, 1, 1), dataset.FolderCount(25, 'female', 3, 1, 1)]
    assert str(charts.folders(rows)) == str(charts.folders(rows[1:]))
    assert [words.age(years) for years in (0, 25)] == ['age unknown', 'age 25']


def test_statistics_of_tfdv_become_plain_values(tmp_path):
    message = statistics_pb2.DatasetFeatureStatisticsList()
    number = message.datasets.add().features.add()
    number.path.step.append('age')
    number.num_stats.mean, number.num_stats.max = 35.5, float('inf')
    number.num_stats.common_stats.num_non_missing = 10
    histogram = number.num_stats.histograms.add(type=statistics_pb2.Histogram.STANDARD)
    histogram.buckets.add(low_value=1, high_value=2, sample_count=4)
    histogram.buckets.add(low_value=2, high_value=float('nan'), sample_count=4)
    text = message.datasets[0].features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
    text.path.step.append('race')
    text.string_stats.unique = 2
    for value, frequency in (('<b>', 3), ('a', 7)):
        text.string_stats.top_values.add(value=value, frequency=frequency)
    (tmp_path / 'Split-test').mkdir()
    (tmp_path / 'Split-test' / 'FeatureStats.pb').write_bytes(message.SerializeToString())
    age, race = dataset.statistics(str(tmp_path))
    assert (age.feature, age.kind, age.splits[0].mean, age.splits[0].max) == ('age', 'number', 35.5, None)
    assert age.splits[0].histogram == [[1, 2, 4]]
    assert (race.splits[0].distinct, race.splits[0].values) == (2, [('a', 7), ('<b>', 3)])


def test_a_thumbnail_is_small_and_has_no_metadata():
    stream = io.BytesIO()
    picture = Image.new('RGB', (600, 300), (10, 200, 30))
    exif = picture.getexif()
    exif[0x010E] = 'where it was taken'
    picture.save(stream, 'JPEG', exif=exif)
    head, _, encoded = faces.thumbnail(stream.getvalue()).partition(',')
    assert head == 'data:image/jpeg;base64'
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as small:
        assert small.size == (112, 56)
        assert not small.getexif()


@pytest.fixture(scope='module')
def run(finished) -> metadata.Run:
    """The newest completed run of the shared run directory."""
    return [run for run in metadata.runs(finished.output) if run_facts.read(finished.output, run.id)][-1]


def test_the_mean_image_is_the_mean_of_the_training_images_in_rgb(run):
    folder = run.output('StratifiedExampleGen', 'examples').uri
    total, count = np.zeros((64, 64, 3)), 0
    files = tf.io.gfile.glob(f'{folder}/Split-train/*.gz')
    for record in tf.data.TFRecordDataset(files, compression_type='GZIP').as_numpy_iterator():
        encoded = tf.train.Example.FromString(record).features.feature['image'].bytes_list.value[0]
        with Image.open(io.BytesIO(encoded)) as image:
            rgb = np.asarray(image.convert('RGB'), np.float32)
        total += tf.image.resize(rgb, (64, 64)).numpy()
        count += 1
    uri = faces.mean_image(run.output('Transform', 'transform_graph').uri, {})
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(',')[2]))) as shown:
        difference = np.abs(np.asarray(shown, np.float64) - total / count)
    # JPEG halves the resolution of colour; swapped channels would be off by tens.
    assert difference.mean() < 3


def test_counts_by_folder_add_up_to_the_ingestion_summary(finished, run):
    rows = dataset.counts(run.output('EmbeddingGen', 'embeddings').uri, ['train', 'validation', 'test'])
    for split, genders in finished.metrics['data']['splits'].items():
        for gender, expected in genders.items():
            assert sum(getattr(row, split) for row in rows if row.gender == gender) == expected


def test_every_stage_has_an_edge(run):
    assert {('DataGate', 'Transform'), ('EmbeddingGen', 'Trainer')} <= set(run.edges)
    assert {name for edge in run.edges for name in edge} == {stage.name for stage in run.stages}


def test_the_listing_has_a_line_for_each_run_with_the_numbers_of_the_report(finished):
    lines = history.listing(finished.output).splitlines()
    assert len(lines) == 1 + len(metadata.runs(finished.output))
    ended = [line for line in lines if re.search(r' blessed| not blessed', line)]
    measured = finished.first_metrics['overall']
    assert f'{measured["accuracy"]["value"]:.3f}' in ended[0]


def test_a_folder_without_metadata_is_refused(tmp_path):
    with pytest.raises(InputError, match='not a run directory'):
        history.listing(tmp_path)


@pytest.mark.parametrize('arguments', [['runs'], ['report', '--table']], ids=' '.join)
def test_listing_loads_neither_tensorflow_nor_tfx(finished, arguments):
    code = (
        'import sys; from pipeline.__main__ import main; assert main(sys.argv[1:]) == 0;'
        'print(*{"tensorflow", "tfx", "apache_beam", "keras", "scipy"} & set(sys.modules))'
    )
    line = [sys.executable, '-c', code, *arguments, '--output', str(finished.output)]
    listing = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    assert 'male' in listing
    assert listing.endswith('\n\n')
