# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Metrics from counts and their intervals, against scikit-learn, sums by hand and published values."""

import dataclasses
import json
import math

import numpy as np
import pytest
from sklearn import metrics as sk

from components.evaluator import intervals
from components.evaluator.metrics import Evaluation, Slice, SliceMetrics


@pytest.fixture(scope='module')
def predictions():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 500)
    return labels, 1 / (1 + np.exp(-rng.normal(2 * labels - 1, 1.5)))


def _measured(labels, scores) -> SliceMetrics:
    female, women = scores > 0.5, labels == 1
    counts = {'tp': female & women, 'tn': ~female & ~women, 'fp': female & ~women, 'fn': ~female & women}
    return SliceMetrics.from_counts(**{name: int(hits.sum()) for name, hits in counts.items()})


def test_metrics_equal_those_of_scikit_learn(predictions):
    labels, scores = predictions
    female = scores > 0.5
    got = _measured(labels, scores)
    assert got.examples == 500
    for name, expected in {
        'accuracy': sk.accuracy_score(labels, female),
        'precision': sk.precision_score(labels, female),
        'recall': sk.recall_score(labels, female),
        'specificity': sk.recall_score(labels, female, pos_label=0),
    }.items():
        metric = getattr(got, name)
        assert metric.value == pytest.approx(expected, abs=1e-12)
        assert metric.low < expected < metric.high


@pytest.mark.parametrize(
    ('label', 'defined', 'undefined'), [(0, 'specificity', 'recall'), (1, 'recall', 'specificity')]
)
def test_metrics_that_need_the_other_class_are_none(predictions, label, defined, undefined):
    labels, scores = predictions
    got = _measured(labels[labels == label], scores[labels == label])
    assert getattr(got, defined).value == got.accuracy.value
    assert [getattr(got, name) for name in (undefined, 'precision', 'auc', 'auc_pr', 'gap')] == [None] * 5


def test_precision_without_positive_predictions_is_none():
    got = SliceMetrics.from_counts(tn=5, fn=5, auc=0.5, auc_pr=0.5)
    assert got.precision is None
    assert got.recall.value == 0


def test_no_examples_define_no_metric():
    got = SliceMetrics.from_counts()
    assert got.examples == 0
    assert math.isnan(got.accuracy.value)
    assert [getattr(got, name) for name in ('precision', 'recall', 'specificity', 'auc', 'auc_pr')] == [None] * 5


def test_the_gap_is_recall_minus_specificity(predictions):
    got = _measured(*predictions)
    assert got.gap.value == pytest.approx(got.recall.value - got.specificity.value)
    assert -1 <= got.gap.low < got.gap.value < got.gap.high <= 1


def test_groups_by_gender_are_overall_male_female():
    one = SliceMetrics.from_counts(tp=1)
    slices = (
        Slice({'gender': 'female'}, one),
        Slice({'gender': 'male'}, one),
        Slice({'age_band': '01-10', 'gender': 'male'}, one),
    )
    assert [*Evaluation(one, slices).by_gender()] == ['overall', 'male', 'female']
    assert [*Evaluation(one, slices[:1]).by_gender()] == ['overall', 'female']


def test_the_json_has_the_documented_keys_and_is_read_back():
    measured = SliceMetrics.from_counts(tp=3, tn=5, fp=2, fn=0, auc=0.9, auc_pr=0.8, log_loss=0.4)
    men = SliceMetrics.from_counts(tn=5, fp=2, log_loss=0.3)
    evaluation = Evaluation(measured, (Slice({'gender': 'male'}, men),))
    written = dataclasses.asdict(evaluation)
    assert [*written] == ['overall', 'slices']
    assert [*written['overall']] == [
        'examples', 'true_positives', 'true_negatives', 'false_positives', 'false_negatives', 'accuracy', 'precision',
        'recall', 'specificity', 'auc', 'auc_pr', 'log_loss',
    ]  # fmt: skip
    assert written['overall']['accuracy']['value'] == 0.8
    assert all([*written['overall'][name]] == ['value', 'low', 'high'] for name in ('accuracy', 'auc', 'auc_pr'))
    assert written['overall']['log_loss'] == {'value': 0.4}
    assert written['slices'][0]['slice'] == {'gender': 'male'}
    assert written['slices'][0]['metrics']['precision'] is None
    assert Evaluation.from_dict(json.loads(json.dumps(written))) == evaluation


@pytest.mark.parametrize('value', [1.0, 1 - 1e-9, 1 - 2e-7, 1 - 2e-6, 1e-9])
def test_the_auc_pr_interval_exists_beside_0_and_1(value):
    low, high = intervals.auc_pr(value, 5)
    assert 0 <= low <= value + 1e-8
    assert value - 1e-8 <= high <= 1


def test_the_binomial_interval_is_exact():
    # The definition of Clopper and Pearson: each tail beyond a limit has 2.5 %.
    low, high = intervals.proportion(7, 20)
    below = sum(math.comb(20, k) * high**k * (1 - high) ** (20 - k) for k in range(8))
    above = sum(math.comb(20, k) * low**k * (1 - low) ** (20 - k) for k in range(7, 21))
    assert (below, above) == pytest.approx((0.025, 0.025), abs=1e-9)
    assert intervals.proportion(0, 10)[0] == 0
    assert intervals.proportion(10, 10)[1] == 1


def test_the_score_interval_is_wilsons():
    # Wilson's limits p solve |7/20 - p| = z sqrt(p (1 - p) / 20).
    z = 1.959963984540054
    for limit in intervals.proportion(7, 20, 'wilson'):
        assert abs(7 / 20 - limit) == pytest.approx(z * math.sqrt(limit * (1 - limit) / 20), abs=1e-9)


def test_the_auc_interval_has_its_coverage(predictions):
    """In repeated samples of a known distribution, about 95 % of the intervals contain the true area."""
    rng = np.random.default_rng(1)
    distance = 1.2
    true_auc = 0.5 * (1 + math.erf(distance / 2))  # of two unit normals: Phi(distance / sqrt(2))
    covered = 0
    for _ in range(300):
        scores = np.concatenate([rng.normal(0, 1, 60), rng.normal(distance, 1, 80)])
        labels = np.repeat([0, 1], [60, 80])
        low, high = intervals.auc(sk.roc_auc_score(labels, scores), 80, 60)
        covered += low <= true_auc <= high
    assert 0.91 <= covered / 300 <= 0.99


def test_the_auc_pr_interval_is_inside_0_and_1_and_narrows_with_examples():
    few, many = intervals.auc_pr(0.9, 20), intervals.auc_pr(0.9, 2000)
    assert 0 < few[0] < many[0] < 0.9 < many[1] < few[1] < 1
    assert intervals.auc_pr(1.0, 50)[1] == 1


def test_the_interval_of_a_difference_is_newcombes():
    """Newcombe (Statistics in Medicine 17, 1998), table II, method 10: 56/70 - 48/80 gives 0.0524 to 0.3339."""
    low, high = intervals.difference(56, 70, 48, 80)
    assert (low, high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))


def test_the_interval_of_a_difference_of_pairs_is_newcombes():
    """Newcombe (Statistics in Medicine 17, 1998, pages 2635-2650), method 10: 36, 12, 2, 0 gives 0.0569 to 0.3404."""
    low, high = intervals.paired_difference(36, 12, 2, 0)
    assert (low, high) == (pytest.approx(0.0569, abs=5e-5), pytest.approx(0.3404, abs=5e-5))
    assert intervals.paired_difference(36, 2, 12, 0) == (pytest.approx(-high), pytest.approx(-low))
    low, high = intervals.paired_difference(10, 0, 0, 0)
    assert low < 0 < high
