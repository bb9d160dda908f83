# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The file of checked thresholds."""

import dataclasses
import json

import pytest
from scipy import stats

from components.errors import InputError, RunError
from components.evaluator import thresholds
from components.evaluator.metrics import Evaluation, Slice, SliceMetrics
from components.evaluator.settings import Settings, SliceBound


def test_the_file_has_the_documented_rows_and_is_read_back(tmp_path):
    women, men = SliceMetrics.from_counts(tp=9, fn=1), SliceMetrics.from_counts(tn=6, fp=4)
    overall = SliceMetrics.from_counts(tp=9, fn=1, tn=6, fp=4, auc=0.8, auc_pr=0.8)
    evaluation = Evaluation(overall, (Slice({'gender': 'female'}, women), Slice({'gender': 'male'}, men)))
    settings = dataclasses.replace(Settings(), min_accuracy=0.7, max_gender_gap=0.2)
    checked = thresholds.check(thresholds.of(settings, baseline_accuracy=0.9), evaluation)
    thresholds.write(tmp_path, checked)
    assert thresholds.read(tmp_path) == checked
    rows = {(row['key'], row['slice']): row for row in json.loads((tmp_path / 'thresholds.json').read_text())}
    assert [*rows.items()][3:4] == [
        (
            ('min_accuracy', 'overall'),
            {
                'key': 'min_accuracy', 'slice': 'overall', 'metric': 'accuracy', 'low': 0.7, 'value': 0.75,
                'met': True, 'reason': None,
            },
        )
    ]  # fmt: skip
    gap = rows['max_gender_gap', 'women and men']
    assert [*gap] == ['key', 'slice', 'metric', 'high', 'value', 'met', 'reason']
    assert gap['reason'] == 'women and men: accuracy gap 0.3000 is above 0.2 (evaluation.max_gender_gap)'
    regression = rows['max_regression', 'overall']
    assert [*regression] == ['key', 'slice', 'metric', 'low', 'baseline', 'value', 'met', 'reason']
    assert regression['low'] == 0.85
    assert rows['min_examples', 'overall']['value'] == 20


def test_an_evaluation_without_the_file_is_refused(tmp_path):
    with pytest.raises(RunError, match=r'no thresholds\.json'):
        thresholds.read(tmp_path)


_BANDS = Evaluation(
    SliceMetrics.from_counts(tp=80, tn=60, fp=30, fn=30),
    (
        Slice({'age_band': '01-10'}, SliceMetrics.from_counts(tp=20, tn=10, fp=10, fn=20)),
        Slice({'age_band': '11-20'}, SliceMetrics.from_counts(tp=60, tn=50, fp=20, fn=10)),
        Slice({'age_band': '21-30'}, SliceMetrics.from_counts(tp=1, fp=2)),
        Slice({'gender': 'male', 'age_band': '11-20'}, SliceMetrics.from_counts(tn=50, fp=20)),
    ),
)


def _outcomes(**bound):
    rows = thresholds.check_slices([SliceBound(**bound)], _BANDS)
    return {row.slice: row.met for row in rows}, thresholds.reasons(rows)


def test_a_bound_by_slice_judges_every_slice_that_is_large_enough():
    met, reasons = _outcomes(slice=['age_band'], metric='accuracy', lower_bound=0.6)
    assert met == {'ages 01-10': False, 'ages 11-20': True}
    assert reasons == ['ages 01-10: accuracy 0.5000 is below 0.6 (evaluation.slice_bounds[0])']
    met, _ = _outcomes(slice=['age_band'], metric='accuracy', lower_bound=0.6, min_examples=3)
    assert met == {'ages 01-10': False, 'ages 11-20': True, 'ages 21-30': False}
    met, _ = _outcomes(slice=['age_band', 'gender'], metric='accuracy', lower_bound=0.8)
    assert met == {'ages 11-20, male': False}
    met, reasons = _outcomes(slice=['age_band'], metric='gap', upper_bound=0.1)
    assert reasons == ['ages 11-20: accuracy gap 0.1429 is above 0.1 (evaluation.slice_bounds[0])']


def test_a_bound_on_the_interval_needs_its_whole():
    assert _outcomes(slice=['age_band'], lower_bound=0.72, min_examples=100) == ({'ages 11-20': True}, [])
    met, (reason,) = _outcomes(slice=['age_band'], lower_bound=0.72, min_examples=100, interval=True)
    assert met == {'ages 11-20': False}
    low = stats.binomtest(110, 140).proportion_ci().low  # 0.709
    assert f'accuracy 0.7857, with a 95 % interval from {low:.4f}, is below 0.72' in reason
    # Women 6/7 and men 5/7: the gap's interval touches 0, so no gap is proven, but a large one is not excluded.
    bound = SliceBound(slice=['age_band'], metric='gap', upper_bound=0.2, interval=True)
    rows = thresholds.check_slices([bound], _BANDS)
    assert [row.met for row in rows] == [False, False]
    assert rows[1].end > 0.25


def test_bounds_that_cannot_be_judged_are_refused_or_not_met():
    rows = thresholds.check_slices([SliceBound(slice=['race'], lower_bound=0.1)], _BANDS)
    assert thresholds.reasons(rows) == ['race: no such slice (evaluation.slice_bounds[0])']
    for values in ({'slice': ['age_band']}, {'slice': ['age_band'], 'lower_bound': 0.1, 'upper_bound': 0.2}):
        with pytest.raises(InputError, match='lower_bound: expected a number here or in upper_bound, not in both'):
            SliceBound(**values)
    with pytest.raises(InputError, match=r'slice: expected at least one feature'):
        SliceBound(lower_bound=0.5)
