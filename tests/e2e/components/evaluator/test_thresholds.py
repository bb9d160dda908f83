# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Each threshold at and beyond the values that TFMA measured, and with one class only."""

import dataclasses
from pathlib import Path

import pytest

from components.evaluator import metrics, tfma_results, thresholds
from components.evaluator.settings import Settings
from pipeline.runs import metadata

_OPEN = Settings(
    min_accuracy=0, min_auc=0, min_gender_accuracy=0, max_gender_gap=1, min_examples=1, min_gender_examples=1,
    max_regression=1,
)  # fmt: skip


@pytest.fixture(scope='module')
def run(finished) -> metadata.Run:
    """The first run of the shared run directory."""
    return metadata.runs(finished.output)[0]


@pytest.fixture(scope='module')
def measured(run) -> metrics.Evaluation:
    """TFMA's evaluation, which the component keeps as JSON too."""
    folder = run.output('Evaluator', 'evaluation').uri
    assert metrics.read(folder) == tfma_results.read(folder)
    return metrics.read(folder)


def _values(measured) -> dict[str, float]:
    """The decisive value of each key, from the confusion counts."""
    overall = measured.overall
    genders = [item.metrics for item in measured.slices if list(item.slice) == ['gender']]
    assert len(genders) == 2
    shares = [(one.true_positives + one.true_negatives) / one.examples for one in genders]
    total = sum(share * one.examples for share, one in zip(shares, genders, strict=True))
    return {
        'min_accuracy': total / overall.examples,
        'min_auc': overall.auc.value,
        'min_gender_accuracy': min(shares),
        'max_gender_gap': abs(shares[0] - shares[1]),
        'min_examples': overall.examples,
        'min_gender_examples': min(one.examples for one in genders),
    }


@pytest.mark.parametrize(
    'key', ['min_accuracy', 'min_auc', 'min_gender_accuracy', 'max_gender_gap', 'min_examples', 'min_gender_examples']
)
def test_a_threshold_is_met_at_its_value_and_not_beyond(measured, key):
    value = _values(measured)[key]
    at = dataclasses.replace(_OPEN, **{key: value})
    assert thresholds.reasons(thresholds.check(thresholds.of(at), measured)) == []
    step = 1 if 'examples' in key else 1e-6
    beyond = value - step if key.startswith('max') else value + step
    rows = thresholds.check(thresholds.of(dataclasses.replace(_OPEN, **{key: beyond})), measured)
    failed = [row for row in rows if not row.met]
    assert {row.key for row in failed} == {key}
    assert failed[0].value == pytest.approx(value, abs=1e-9)
    assert ('is above' if key.startswith('max') else 'is below') in failed[0].reason
    shown = str(value) if 'examples' in key else f'{value:.4f}'
    assert shown in failed[0].reason


def test_a_model_may_be_worse_than_the_last_blessed_one_by_the_margin(measured):
    accuracy = _values(measured)['min_accuracy']
    strict = dataclasses.replace(_OPEN, max_regression=0.05)
    assert thresholds.reasons(thresholds.check(thresholds.of(strict, accuracy + 0.05), measured)) == []
    (reason,) = thresholds.reasons(thresholds.check(thresholds.of(strict, accuracy + 0.06), measured))
    assert f'overall: accuracy {accuracy:.4f} is below' in reason
    assert f'the last blessed model has {accuracy + 0.06:.4f}, and a drop of 0.05 is allowed' in reason
    for settings, baseline in ((strict, None), (dataclasses.replace(strict, max_regression=None), 1.0)):
        assert all(row.key != 'max_regression' for row in thresholds.of(settings, baseline))


def test_the_run_keeps_its_thresholds(finished, run):
    kept = thresholds.read(run.output('Evaluator', 'evaluation').uri)
    assert [row.as_dict() for row in kept] == finished.first_metrics['bounds']
    assert all(row.met for row in kept)
    assert thresholds.reasons(kept) == finished.first_metrics['reasons'] == []


def test_undefined_metrics_of_one_class_meet_no_threshold(run, tmp_path):
    """The executor on the men of the test split, with thresholds of 0, which 0 for "undefined" would meet."""
    import tensorflow as tf
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import standard_artifacts

    from components.evaluator import eval_config, executor
    from pipeline.runners.beam import options as beam_options

    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = str(tmp_path / 'men'), '["test"]'
    (tmp_path / 'men' / 'Split-test').mkdir(parents=True)
    source = Path(run.output('EmbeddingGen', 'embeddings').uri) / 'Split-test'
    records = tf.data.TFRecordDataset([str(file) for file in source.glob('*.gz')], compression_type='GZIP')
    with tf.io.TFRecordWriter(
        str(tmp_path / 'men' / 'Split-test' / 'data_tfrecord-00000-of-00001.gz'), 'GZIP'
    ) as writer:
        for record in records.as_numpy_iterator():
            if tf.train.Example.FromString(record).features.feature['gender'].int64_list.value[0] == 0:
                writer.write(record)
    model = standard_artifacts.Model()
    model.uri = run.output('Trainer', 'model').uri
    result, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
    result.uri, blessing.uri = str(tmp_path / 'evaluation'), str(tmp_path / 'blessing')
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=beam_options.local_args(), tmp_dir=str(tmp_path / 'tmp'), unique_id='1'
    )
    executor.Executor(context).Do(
        {'examples': [examples], 'model': [model]},
        {'evaluation': [result], 'blessing': [blessing]},
        {
            'eval_config': eval_config.as_json(),
            'example_splits': '["test"]',
            'settings': _OPEN.to_json(),
            'baseline_accuracy': '',
        },
    )
    assert thresholds.reasons(thresholds.read(result.uri)) == [
        'gender female: examples 0 is below 1 (evaluation.min_gender_examples)',
        'overall: AUC is undefined (one class); at least 0 is required (evaluation.min_auc)',
        'gender female: accuracy is undefined (no examples); at least 0 is required (evaluation.min_gender_accuracy)',
        'women and men: accuracy gap is undefined (one class); at most 1 is required (evaluation.max_gender_gap)',
    ]
    assert blessing.get_int_custom_property('blessed') == 0
    assert [file.name for file in Path(blessing.uri).iterdir()] == ['NOT_BLESSED']
