# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The file of checked thresholds."""

import dataclasses
import json

import pytest

from components.errors import RunError
from components.evaluator import thresholds
from components.evaluator.metrics import Evaluation, Slice, SliceMetrics
from components.evaluator.settings import Settings


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
    assert gap['reason'] == 'women and men: accuracy gap 0.3000 is above 0.2'
    regression = rows['max_regression', 'overall']
    assert [*regression] == ['key', 'slice', 'metric', 'low', 'baseline', 'value', 'met', 'reason']
    assert regression['low'] == 0.85
    assert rows['min_examples', 'overall']['value'] == 20


def test_an_evaluation_without_the_file_is_refused(tmp_path):
    with pytest.raises(RunError, match=r'no thresholds\.json'):
        thresholds.read(tmp_path)
