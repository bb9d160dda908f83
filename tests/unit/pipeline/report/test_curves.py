# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Curves, counts and the choice of faces from seeded scores, against numpy and cases worked by hand."""

import dataclasses
import json

import numpy as np
import pytest

from components.errors import RunError
from components.evaluator.metrics import Evaluation, Slice, SliceMetrics
from pipeline.report import curves, faces
from pipeline.report.scores import Scores, check, predicted_female

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


def _mann_whitney(labels, probability) -> float:
    """The area under the ROC curve: the share of pairs of a woman and a man that the scores order correctly."""
    apart = probability[labels == 1][:, None] - probability[labels == 0][None, :]
    return float(((apart > 0) + (apart == 0) / 2).mean())


def test_the_area_under_the_roc_points_is_the_share_of_ordered_pairs(scores):
    points = np.array(curves.roc(scores.gender, scores.probability))
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    area = np.trapezoid(points[:, 1], points[:, 0])
    assert area == pytest.approx(_mann_whitney(scores.gender, scores.probability), abs=1e-4)


def test_the_curves_of_a_case_worked_by_hand():
    # By descending score: man 0.9, woman 0.8, woman and man 0.6, woman 0.4, man 0.1.
    labels, probability = np.array([0, 1, 1, 0, 1, 0]), np.array([0.9, 0.8, 0.6, 0.6, 0.4, 0.1])
    third = 0.33333
    assert curves.roc(labels, probability) == [
        [0, 0], [third, 0], [third, third], [0.66667, 0.66667], [0.66667, 1], [1, 1],
    ]  # fmt: skip
    assert curves.precision_recall(labels, probability) == [[third, 0.5], [0.66667, 0.5], [1, 0.6]]


def test_each_precision_recall_point_is_the_count_at_a_score(scores):
    expected = set()
    for score in np.unique(scores.probability):
        female = scores.probability >= score
        hits = (female & (scores.gender == 1)).sum()
        expected.add((round(float(hits / scores.gender.sum()), 5), round(float(hits / female.sum()), 5)))
    points = curves.precision_recall(scores.gender, scores.probability)
    assert points[-1][0] == 1
    assert {tuple(point) for point in points} <= expected


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    rng = np.random.default_rng(0)
    labels, probability = rng.integers(0, 2, 8000), rng.random(8000)
    points = curves.roc(labels, probability)
    assert len(points) <= 240
    assert (points[0], points[-1]) == ([0, 0], [1, 1])
    area = np.trapezoid([y for _, y in points], [x for x, _ in points])
    assert area == pytest.approx(_mann_whitney(labels, probability), abs=2e-3)


def test_the_counts_of_slices_are_numpys_at_every_position(scores):
    wheres = ({}, {'gender': 'male'}, {'age_band': _BANDS[1]}, {'gender': 'female', 'age_band': _BANDS[2]})
    found = curves.of(scores, wheres[1:]).slices
    for where, counts in zip(wheres, found, strict=True):
        inside = np.ones(len(scores.gender), bool)
        if 'gender' in where:
            inside &= scores.gender == ('male', 'female').index(where['gender'])
        if 'age_band' in where:
            inside &= scores.band == where['age_band']
        for step in (0, 1, 33, 50, 77, 99, 100):
            # In float64, where a float32 score of 0.77 is not exactly 0.77.
            female = inside & (scores.probability.astype(np.float64) > step / 100)
            assert counts.women_female[step] == (female & (scores.gender == 1)).sum()
            assert counts.men_female[step] == (female & (scores.gender == 0)).sum()
        assert (counts.women, counts.men) == (
            (inside & (scores.gender == 1)).sum(),
            (inside & (scores.gender == 0)).sum(),
        )


def test_the_suggested_thresholds_of_a_hand_worked_case():
    gender = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    probability = np.array([0.35, 0.6, 0.7, 0.8, 0.1, 0.2, 0.25, 0.45], np.float32)
    split = Scores(np.array([b'x'] * 8), gender, gender + 20, np.array([_BANDS[0]] * 8), probability)
    # Between 0.45 and 0.6 one woman and no man are wrong, between 0.25 and 0.35 one man and no woman: 7 of 8 each.
    # Between 0.35 and 0.45 one of each is wrong.
    found = curves.suggested(split)
    assert 0.35 <= found.equal < 0.45
    assert found.best == 0.5
    men = gender == 0
    only = Scores(split.path[men], gender[men], split.age[men], split.band[men], probability[men])
    assert curves.suggested(only) is None


def test_calibration_and_histogram_count_every_face(scores):
    rows = curves.calibration(scores.gender, scores.probability)
    assert sum(row.faces for row in rows) == len(scores.gender)
    assert sum(row.faces * row.women for row in rows) == pytest.approx(scores.gender.sum())
    assert all(row.low <= row.women <= row.high for row in rows)
    histogram = curves.histogram(scores.gender, scores.probability)
    assert sum(histogram['female']) == scores.gender.sum()
    assert sum(histogram['male']) == (scores.gender == 0).sum()


def test_the_calibration_error_of_a_hand_worked_case():
    # 0.25 twice: no woman, off by 0.25; 0.9 twice: one of two is a woman, off by 0.4.
    labels, probability = np.array([0, 0, 1, 0]), np.array([0.25, 0.25, 0.9, 0.9])
    assert curves.calibration_error(curves.calibration(labels, probability)) == pytest.approx((2 * 0.25 + 2 * 0.4) / 4)


def test_one_class_has_no_curves_and_the_rest_is_json(scores):
    men = scores.gender == 0
    only = Scores(scores.path[men], scores.gender[men], scores.age[men], scores.band[men], scores.probability[men])
    found = curves.of(only)
    assert found.roc is None
    assert found.precision_recall is None
    assert json.loads(json.dumps(dataclasses.asdict(found), allow_nan=False))['histogram']['female'] == [0] * 20


def _measured(scores, inside) -> SliceMetrics:
    female, women = predicted_female(scores.probability[inside]), scores.gender[inside] == 1
    counts = {'tp': female & women, 'tn': ~female & ~women, 'fp': female & ~women, 'fn': ~female & women}
    return SliceMetrics.from_counts(**{name: int(hits.sum()) for name, hits in counts.items()})


def test_scores_with_other_counts_than_the_evaluation_are_refused(scores):
    everything = _measured(scores, np.ones(len(scores.gender), bool))
    men = _measured(scores, (scores.gender == 0) & (scores.band == '01-10'))
    other = Slice({'race': '2'}, SliceMetrics.from_counts())
    assert check(scores, Evaluation(everything, (Slice({'gender': 'male', 'age_band': '01-10'}, men), other))) == 2
    wrong = dataclasses.replace(men, false_positives=men.false_positives + 1)
    with pytest.raises(RunError, match=r'gender male, age_band 01-10: the model gives .* false positives'):
        check(scores, Evaluation(everything, (Slice({'gender': 'male', 'age_band': '01-10'}, wrong), other)))


def test_the_most_wrong_and_the_least_certain_faces(scores):
    wrong = faces.most_wrong(scores, 5)
    apart = np.abs(scores.probability - scores.gender)
    assert np.sort(apart)[-5:].tolist() == sorted(apart[wrong].tolist())
    near = faces.least_certain(scores, 7)
    distance = np.abs(scores.probability - 0.5)
    assert sorted(distance[near].tolist()) == np.sort(distance)[:7].tolist()
