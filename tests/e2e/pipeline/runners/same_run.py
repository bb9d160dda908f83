# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Compares the results of a run on another runner with those of a local run."""

import json
from pathlib import Path

import numpy as np
import pytest

# Workers may sum in another order. When measured, the mean image (0-255) and the embeddings were equal.
_TOLERANCE = 1e-4

#: The components that run on Beam's workers.
BEAM_STAGES = ('StratifiedExampleGen', 'StatisticsGen', 'Transform', 'EmbeddingGen', 'Evaluator')


def check(output: Path, finished, artifacts: Path | None = None) -> None:
    """Checks that the run in `output`, with its artifacts in `artifacts` if given, equals the session's local run."""
    folder = artifacts or output
    here, local = _values(folder), _values(finished.output, first=True)
    assert here['images'] == local['images']
    np.testing.assert_allclose(here['minus_mean'], local['minus_mean'], atol=_TOLERANCE)
    assert here['embeddings'].keys() == local['embeddings'].keys()
    for split, vectors in here['embeddings'].items():
        np.testing.assert_allclose(vectors, local['embeddings'][split], rtol=_TOLERANCE, atol=_TOLERANCE)
    statistics, expected = _statistics(folder), _statistics(finished.output, first=True)
    assert statistics.keys() == expected.keys()
    for key, value in statistics.items():
        assert value == (pytest.approx(expected[key], rel=1e-6) if isinstance(value, list) else expected[key]), key
    metrics = {key: item['value'] for key, item in _metrics(output)['overall'].items() if isinstance(item, dict)}
    expected_metrics = {
        key: item['value'] for key, item in finished.first_metrics['overall'].items() if isinstance(item, dict)
    }
    assert metrics == pytest.approx(expected_metrics, abs=0.01)


def numbers(tree) -> list[float]:
    """Every number of nested dictionaries and lists in one list, by sorted keys; -1 for None."""
    if isinstance(tree, dict):
        return [number for key in sorted(tree) for number in numbers(tree[key])]
    if isinstance(tree, list):
        return [number for item in tree for number in numbers(item)]
    return [-1.0 if tree is None else float(tree)]


def _newest(output: Path, component: str, artifact: str, first: bool = False) -> Path:
    folders = sorted((output / component / artifact).iterdir(), key=lambda path: int(path.name))
    return folders[0 if first else -1]


def _records(folder: Path) -> dict[str, list]:
    """The features of each split's examples, in order."""
    import tensorflow as tf

    found = {}
    for split in sorted(folder.glob('Split-*')):
        files = sorted(str(path) for path in split.iterdir())
        dataset = tf.data.TFRecordDataset(files, compression_type='GZIP')
        found[split.name] = [
            tf.train.Example.FromString(record).features.feature for record in dataset.as_numpy_iterator()
        ]
    assert found
    return found


def _values(output: Path, first: bool = False) -> dict:
    """The results of the Beam stages except the statistics."""
    import tensorflow as tf
    import tensorflow_transform as tft

    examples = _records(_newest(output, 'StratifiedExampleGen', 'examples', first))
    images = {
        split: [(one['path'].bytes_list.value[0], one['image'].bytes_list.value[0], one['gender'].int64_list.value[0])
                for one in records]
        for split, records in examples.items()
    }  # fmt: skip
    embeddings = {
        split: np.array([one['embedding'].float_list.value for one in records])
        for split, records in _records(_newest(output, 'EmbeddingGen', 'embeddings', first)).items()
    }
    graph = tft.TFTransformOutput(str(_newest(output, 'Transform', 'transform_graph', first)))
    some = tf.constant([images['Split-test'][0][1]])
    minus_mean = graph.transform_features_layer()({'image': some})['image'].numpy()
    return {'images': images, 'embeddings': embeddings, 'minus_mean': minus_mean}


def _statistics(output: Path, first: bool = False) -> dict:
    """The exact statistics by split and feature, without approximate sketches."""
    import tensorflow_data_validation as tfdv

    found = {}
    for split in sorted(_newest(output, 'StatisticsGen', 'statistics', first).glob('Split-*')):
        datasets = tfdv.load_stats_binary(str(split / 'FeatureStats.pb')).datasets
        (dataset,) = (one for one in datasets if one.name == 'All Examples')
        found[split.name, 'examples'] = dataset.num_examples
        for feature in dataset.features:
            name, numbers, text = feature.path.step[0], feature.num_stats, feature.string_stats
            found[split.name, name, 'present'] = (
                numbers.common_stats.num_non_missing or text.common_stats.num_non_missing
            )
            if feature.HasField('num_stats'):
                found[split.name, name] = [numbers.mean, numbers.std_dev, numbers.min, numbers.max]
            elif name == 'age_band':
                found[split.name, name] = {item.label: item.sample_count for item in text.rank_histogram.buckets}
    return found


def _metrics(output: Path) -> dict:
    return json.loads((output / 'report' / 'metrics.json').read_text())
