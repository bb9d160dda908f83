# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Curves, counts and the choice of faces from seeded scores, against scikit-learn and numpy."""

import json

import numpy as np
import pytest
from sklearn import metrics as sk

from components.errors import RunError
from components.evaluator import metrics as report_metrics
from pipeline.report import curves, faces
from pipeline.report.scores import Scores, called_female, check

_BANDS = np.array(['01-10', '11-20', '21-30'])


@pytest.fixture
def scores() -> Scores:
    rng = np.random.default_rng(3)
    count = 400
    gender = rng.integers(0, 2, count)
    # To two decimals: many equal scores, and some exactly on the slider's positions.
    probability = np.round(1 / (1 + np.exp(-rng.normal(1.5 * gender - 0.75, 1.2))), 2).astype(np.float32)
    path = np.array([f'combined/aligned/{number}.jpg'.encode() for number in range(count)], dtype=object)
    return Scores(path, gender, rng.integers(1, 31, count), _BANDS[rng.integers(0, 3, count)], probability)


def test_the_area_under_the_roc_points_is_scikit_learns(scores):
    points = np.array(curves.roc(scores.gender, scores.probability))
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    area = np.trapezoid(points[:, 1], points[:, 0])
    assert area == pytest.approx(sk.roc_auc_score(scores.gender, scores.probability), abs=1e-4)


def test_every_precision_recall_point_is_one_of_scikit_learns(scores):
    precision, recall, _ = sk.precision_recall_curve(scores.gender, scores.probability)
    expected = {(round(float(r), 5), round(float(p), 5)) for r, p in zip(recall, precision, strict=True)}
    points = curves.precision_recall(scores.gender, scores.probability)
    assert points[-1][0] == 1
    assert {tuple(point) for point in points} <= expected


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    rng = np.random.default_rng(0)
    labels, probability = rng.integers(0, 2, 20000), rng.random(20000)
    points = curves.roc(labels, probability)
    assert len(points) <= 240
    assert (points[0], points[-1]) == ([0, 0], [1, 1])
    area = np.trapezoid([y for _, y in points], [x for x, _ in points])
    assert area == pytest.approx(sk.roc_auc_score(labels, probability), abs=2e-3)


def test_threshold_counts_add_up_to_numpys_at_every_position(scores):
    rows = curves.threshold_counts(scores)
    assert sum(row['faces'] for row in rows) == len(scores.gender)
    for step in (0, 1, 33, 50, 77, 99, 100):
        # In float64, where a float32 score of 0.77 is not exactly 0.77.
        called = scores.probability.astype(np.float64) > step / 100
        for label, gender in enumerate(('male', 'female')):
            counted = sum(row['female'][step] for row in rows if row['gender'] == gender)
            assert counted == (called & (scores.gender == label)).sum()


def test_calibration_and_histogram_hold_every_face(scores):
    rows = curves.calibration(scores.gender, scores.probability)
    assert sum(row['faces'] for row in rows) == len(scores.gender)
    assert sum(row['faces'] * row['women'] for row in rows) == pytest.approx(scores.gender.sum())
    assert all(row['low'] <= row['women'] <= row['high'] for row in rows)
    histogram = curves.histogram(scores.gender, scores.probability)
    assert sum(histogram['female']) == scores.gender.sum()
    assert sum(histogram['male']) == (scores.gender == 0).sum()


def test_the_calibration_error_of_a_hand_worked_case():
    # 0.2, 0.2: nobody a woman, off by 0.2; 0.9 twice: one of two, off by 0.4.
    labels, probability = np.array([0, 0, 1, 0]), np.array([0.25, 0.25, 0.9, 0.9])
    assert curves.calibration_error(labels, probability) == pytest.approx((2 * 0.25 + 2 * 0.4) / 4)


def test_one_class_has_no_curves_and_the_rest_is_json(scores):
    men = scores.gender == 0
    only = Scores(scores.path[men], scores.gender[men], scores.age[men], scores.band[men], scores.probability[men])
    found = curves.all_of(only)
    assert found['roc'] is None
    assert found['precision_recall'] is None
    assert json.loads(json.dumps(found, allow_nan=False))['histogram']['female'] == [0] * 20


def _counts(scores, inside):
    called, women = called_female(scores.probability[inside]), scores.gender[inside] == 1
    counts = {
        'tp': (called & women).sum(), 'tn': (~called & ~women).sum(), 'fp': (called & ~women).sum(),
        'fn': (~called & women).sum(), 'auc': 0.5, 'auc_pr': 0.5, 'log_loss': 0.5,
    }  # fmt: skip
    return report_metrics.of_slice({name: float(value) for name, value in counts.items()})


def test_scores_that_give_other_counts_than_the_evaluation_stop_the_report(scores):
    everything = np.ones(len(scores.gender), bool)
    men_of_ten = (scores.gender == 0) & (scores.band == '01-10')
    slices = [
        {'slice': {'gender': 'male', 'age_band': '01-10'}, 'metrics': _counts(scores, men_of_ten)},
        {'slice': {'race': '2'}, 'metrics': {}},
    ]
    assert check(scores, _counts(scores, everything), slices) == 2
    slices[0]['metrics']['false_positives'] += 1
    with pytest.raises(RunError, match=r'gender male, age_band 01-10: the model gives .* false positives'):
        check(scores, _counts(scores, everything), slices)


def test_the_most_wrong_and_the_least_certain_faces(scores):
    wrong = faces.most_wrong(scores, 5)
    apart = np.abs(scores.probability - scores.gender)
    assert np.sort(apart)[-5:].tolist() == sorted(apart[wrong].tolist())
    near = faces.least_certain(scores, 7)
    distance = np.abs(scores.probability - 0.5)
    assert sorted(distance[near].tolist()) == np.sort(distance)[:7].tolist()


def test_the_gap_is_recall_minus_specificity_and_needs_both_genders(scores):
    measured = _counts(scores, np.ones(len(scores.gender), bool))
    gap = report_metrics.gap(measured)
    assert gap['value'] == pytest.approx(measured['recall']['value'] - measured['specificity']['value'])
    assert -1 <= gap['low'] < gap['value'] < gap['high'] <= 1
    assert report_metrics.gap(_counts(scores, scores.gender == 1)) is None
