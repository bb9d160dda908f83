# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The comparisons of an evaluation: with the model's own test split, and with another model face by face."""

import math

import numpy as np
import pytest

from components.evaluator.metrics import Evaluation, Slice, SliceMetrics
from pipeline.report import evaluated
from pipeline.report.scores import Scores


def _scores(probability: np.ndarray, gender: np.ndarray, band: np.ndarray) -> Scores:
    count = len(gender)
    paths = np.array([b'%d' % number for number in range(count)])
    return Scores(path=paths, gender=gender, age=np.full(count, 5), band=band, probability=probability)


def test_two_models_are_compared_face_by_face_in_each_slice():
    rng = np.random.default_rng(0)
    gender, band = rng.integers(0, 2, 300), np.array(['01-10', '11-20'])[rng.integers(0, 2, 300)]
    good, bad = (np.clip(gender + rng.normal(0, spread, 300), 0, 1) for spread in (0.45, 0.9))
    models = [_scores(probability, gender, band) for probability in (good, bad)]
    wheres = ({'gender': 'female'}, {'gender': 'male', 'age_band': '11-20'})
    slices = [Slice(where, SliceMetrics.from_counts()) for where in wheres]
    rows = {row.slice: row for row in evaluated.paired_slices(*models, slices)}
    for name, inside in {
        'overall': np.ones(300, bool), 'female': gender == 1, 'ages 11-20, male': (band == '11-20') & (gender == 0)
    }.items():  # fmt: skip
        ours, theirs = ((p > 0.5) == (gender == 1) for p in (good, bad))
        row = rows[name]
        only = [int((a & ~b & inside).sum()) for a, b in ((ours, theirs), (theirs, ours))]
        assert [row.model_only, row.baseline_only] == only
        tail = sum(math.comb(sum(only), k) for k in range(min(only) + 1)) / 2 ** sum(only)
        assert row.p == pytest.approx(min(1, 2 * tail))
        assert (row.faces, row.accuracy) == (inside.sum(), pytest.approx(ours[inside].mean()))
    assert rows['overall'].p < 0.01


def test_differences_are_those_of_the_slices_that_both_have():
    here = Evaluation(
        SliceMetrics.from_counts(tp=45, tn=40, fp=10, fn=5),
        (Slice({'gender': 'female'}, SliceMetrics.from_counts(tp=45, fn=5)),),
    )
    there = Evaluation(
        SliceMetrics.from_counts(tp=56, tn=10, fp=2, fn=2),
        (Slice({'race': '1'}, SliceMetrics.from_counts(tp=5)),),
    )
    (row,) = evaluated.differences(here, there)
    assert (row.slice, row.here, row.there) == ('overall', here.overall, there.overall)
    assert row.change.value == pytest.approx(0.85 - 66 / 70)
    assert row.change.low < row.change.value < row.change.high < 0.05
