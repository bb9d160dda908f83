# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Metrics from counts and their intervals against scikit-learn and against published values."""

import math

import numpy as np
import pytest
from sklearn import metrics as sk

from components.evaluator import intervals, metrics


@pytest.fixture(scope='module')
def predictions():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 500)
    return labels, 1 / (1 + np.exp(-rng.normal(2 * labels - 1, 1.5)))


def _counts(labels, scores):
    called = scores > 0.5
    return {
        'tp': float((called & (labels == 1)).sum()),
        'tn': float((~called & (labels == 0)).sum()),
        'fp': float((called & (labels == 0)).sum()),
        'fn': float((~called & (labels == 1)).sum()),
        'auc': 0.0,
        'auc_pr': 0.0,
        'log_loss': 0.0,
    }


def test_metrics_equal_scikit_learns(predictions):
    labels, scores = predictions
    called = scores > 0.5
    got = metrics.of_slice(_counts(labels, scores))
    assert got['examples'] == 500
    for name, expected in {
        'accuracy': sk.accuracy_score(labels, called),
        'precision': sk.precision_score(labels, called),
        'recall': sk.recall_score(labels, called),
        'specificity': sk.recall_score(labels, called, pos_label=0),
    }.items():
        assert got[name]['value'] == pytest.approx(expected, abs=1e-12)
        assert got[name]['low'] < expected < got[name]['high']


@pytest.mark.parametrize(
    ('label', 'defined', 'undefined'), [(0, 'specificity', 'recall'), (1, 'recall', 'specificity')]
)
def test_what_one_class_does_not_define_is_none(predictions, label, defined, undefined):
    labels, scores = predictions
    got = metrics.of_slice(_counts(labels[labels == label], scores[labels == label]))
    assert got[defined]['value'] == got['accuracy']['value']
    assert [got[name] for name in (undefined, 'precision', 'auc', 'auc_pr')] == [None] * 4


def test_precision_of_a_model_that_calls_nobody_female_is_none():
    got = metrics.of_slice({'tp': 0, 'tn': 5, 'fp': 0, 'fn': 5, 'auc': 0.5, 'auc_pr': 0.5, 'log_loss': 0.7})
    assert got['precision'] is None
    assert got['recall']['value'] == 0


@pytest.mark.parametrize('value', [1.0, 1 - 1e-9, 1 - 2e-7, 1 - 2e-6, 1e-9])
def test_a_curve_that_ends_beside_1_or_0_has_an_interval(value):
    low, high = intervals.auc_pr(value, 5)
    assert 0 <= low <= value + 1e-8
    assert value - 1e-8 <= high <= 1


def test_the_binomial_interval_is_exact():
    # Clopper and Pearson's defining property: each tail beyond the bound has 2.5 %.
    low, high = intervals.proportion(7, 20)
    below = sum(math.comb(20, k) * high**k * (1 - high) ** (20 - k) for k in range(8))
    above = sum(math.comb(20, k) * low**k * (1 - low) ** (20 - k) for k in range(7, 21))
    assert (below, above) == pytest.approx((0.025, 0.025), abs=1e-9)
    assert intervals.proportion(0, 10)[0] == 0
    assert intervals.proportion(10, 10)[1] == 1


def test_the_auc_interval_covers_what_it_should(predictions):
    """Over repeated samples of a known distribution, about 95 % of the intervals hold the true area."""
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
