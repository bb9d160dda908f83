# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Slices beyond chance: young and old may cancel out, and many slices must not give false alarms."""

import math

import numpy as np
import pytest

from components.evaluator.metrics import Evaluation, Slice, SliceMetrics
from pipeline.report import findings, words


def _fisher(a, b, c, d):
    """The two-sided p-value from the hypergeometric probabilities of all tables with the same margins."""
    row, column, total = a + b, a + c, a + b + c + d

    def chance(k):
        return math.comb(column, k) * math.comb(total - column, row - k) / math.comb(total, row)

    inside = range(max(0, row - (total - column)), min(row, column) + 1)
    return sum(chance(k) for k in inside if chance(k) <= chance(a) * (1 + 1e-9))


def _band(name, women, men, women_right, men_right):
    counts = {'tp': women_right, 'fn': women - women_right, 'tn': men_right, 'fp': men - men_right}
    return Slice({'age_band': name}, SliceMetrics.from_counts(**counts))


def test_genders_that_cancel_out_over_all_ages_are_found_in_each():
    bands = (_band('11-20', 100, 100, 95, 70), _band('61-70', 100, 100, 70, 95))
    evaluation = Evaluation(SliceMetrics.from_counts(tp=165, fn=35, tn=165, fp=35), bands)
    assert 'chance alone can explain' in words.genders(evaluation.overall)
    found = findings.of(evaluation)
    assert found.looked_at == 4  # two bands against the rest, and the genders in both
    assert [(row.slice, row.kind, round(row.difference.value, 9)) for row in found.beyond_chance] == [
        ('ages 11-20', 'gap', 0.25), ('ages 61-70', 'gap', -0.25),
    ]  # fmt: skip
    first = found.beyond_chance[0]
    assert first.p == pytest.approx(_fisher(95, 5, 70, 30))
    assert first.corrected == pytest.approx(first.p * 4 / 2)  # Benjamini and Hochberg: both share the second rank
    sentence = words.findings(found)
    assert 'ages 11-20, 25.0 points more accurate for women than for men (' in sentence
    assert 'ages 61-70, 25.0 points more accurate for men than for women (' in sentence


def test_a_weak_slice_is_found_and_a_strong_one_is_not_a_deficit():
    bands = (_band('01-10', 40, 40, 20, 20), _band('21-30', 200, 200, 190, 190))
    found = findings.of(Evaluation(SliceMetrics.from_counts(tp=210, fn=30, tn=210, fp=30), bands))
    assert [(row.slice, row.kind) for row in found.beyond_chance] == [('ages 01-10', 'deficit')]
    assert found.beyond_chance[0].difference.value == pytest.approx(0.5 - 0.95)


def test_equal_slices_raise_few_false_alarms():
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(20):
        right = rng.binomial(40, 0.85, (10, 2))
        bands = tuple(_band(f'{n:02d}', 40, 40, *map(int, pair)) for n, pair in enumerate(right))
        total = SliceMetrics.from_counts(
            tp=int(right[:, 0].sum()), fn=400 - int(right[:, 0].sum()), tn=int(right[:, 1].sum()),
            fp=400 - int(right[:, 1].sum()),
        )  # fmt: skip
        alarms += bool(findings.of(Evaluation(total, bands)).beyond_chance)
    assert alarms <= 2  # one in twenty is expected


def test_without_slices_nothing_is_said():
    assert words.findings(findings.of(Evaluation(SliceMetrics.from_counts(tp=1), ()))) == ''
