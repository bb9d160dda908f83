# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What the scores say at every threshold: ROC, precision-recall, calibration, histograms and counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from components import names
from components.evaluator import intervals
from pipeline.report.scores import Scores, called_female

#: The threshold slider's positions: 0.00, 0.01 ... 1.00.
THRESHOLDS = tuple(step / 100 for step in range(101))

_MOST_POINTS = 240
_CALIBRATION_BINS = 10
_HISTOGRAM_BINS = 20


def all_of(scores: Scores) -> dict[str, Any]:
    """Everything of this module, ready for JSON; 'roc' and 'precision_recall' are None without both genders."""
    labels, probability = scores.gender, scores.probability
    both = 0 < labels.sum() < len(labels)
    return {
        'roc': roc(labels, probability) if both else None,
        'precision_recall': precision_recall(labels, probability) if both else None,
        'calibration': calibration(labels, probability),
        'calibration_error': calibration_error(labels, probability),
        'histogram': histogram(labels, probability),
        'thresholds': threshold_counts(scores),
    }


def _descending(labels: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """True and false positives when all scores from the highest down to each distinct one are called female."""
    order = np.argsort(-probability, kind='stable')
    ends = np.append(np.flatnonzero(np.diff(probability[order])), len(order) - 1)
    women = np.cumsum(labels[order])[ends]
    return women, ends + 1 - women


def _thinned(points: np.ndarray) -> list[list[float]]:
    """At most some hundred of the points [P, 2], first and last among them, rounded for the page."""
    if len(points) > _MOST_POINTS:
        points = points[np.unique(np.linspace(0, len(points) - 1, _MOST_POINTS).round().astype(int))]
    return [[round(float(x), 5), round(float(y), 5)] for x, y in points]


def roc(labels: np.ndarray, probability: np.ndarray) -> list[list[float]]:
    """The ROC curve from (0, 0) to (1, 1).

    Args:
      labels: int [N], 1 is female; both are there.
      probability: float [N].

    Returns:
      [false-positive rate, true-positive rate] at the corners of the curve.
    """
    women, men = _descending(labels, probability)
    points = np.column_stack([np.append(0, men) / men[-1], np.append(0, women) / women[-1]])
    steps = np.diff(points, axis=0)
    # A point between two steps in the same direction is not a corner.
    turns = steps[1:, 0] * steps[:-1, 1] != steps[:-1, 0] * steps[1:, 1]
    return _thinned(points[np.concatenate([[True], turns, [True]])])


def precision_recall(labels: np.ndarray, probability: np.ndarray) -> list[list[float]]:
    """[recall, precision] at each distinct score, from the highest to the one at which every woman is found."""
    women, men = _descending(labels, probability)
    last = int(np.searchsorted(women, women[-1])) + 1
    women, men = women[:last], men[:last]
    found = women > 0  # before the first woman precision is 0 and says nothing
    return _thinned(np.column_stack([women[found] / women[-1], women[found] / (women + men)[found]]))


def calibration(labels: np.ndarray, probability: np.ndarray) -> list[dict[str, Any]]:
    """For each tenth of the scores' range that has faces: how many, the mean score, the share of women, its interval.

    Returns:
      [{"faces", "score", "women", "low", "high"}]; the interval is Clopper and Pearson's.
    """
    bins = np.minimum((probability * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    rows = []
    for number in range(_CALIBRATION_BINS):
        inside = bins == number
        faces, women = int(inside.sum()), int(labels[inside].sum())
        if faces:
            low, high = intervals.proportion(women, faces)
            score = float(probability[inside].mean(dtype=np.float64))
            rows.append({'faces': faces, 'score': score, 'women': women / faces, 'low': low, 'high': high})
    return rows


def calibration_error(labels: np.ndarray, probability: np.ndarray) -> float:
    """The expected calibration error (Naeini, Cooper and Hauskrecht, AAAI 2015) over ten bins of equal width."""
    rows = calibration(labels, probability)
    return sum(row['faces'] * abs(row['score'] - row['women']) for row in rows) / len(labels)


def histogram(labels: np.ndarray, probability: np.ndarray) -> dict[str, list[int]]:
    """How many faces of each gender have a score in each twentieth of 0 to 1."""
    return {
        gender: np.histogram(probability[labels == label], bins=_HISTOGRAM_BINS, range=(0, 1))[0].tolist()
        for label, gender in enumerate(names.GENDERS)
    }


def threshold_counts(scores: Scores) -> list[dict[str, Any]]:
    """How many faces of each gender and age band are called female at each of `THRESHOLDS`.

    The page's slider looks its numbers up here, so that they are exact and the page does not grow with the test split.

    Returns:
      [{"gender", "band", "faces", "female": [one count a threshold]}].
    """
    rows = []
    for band in sorted(set(scores.band.tolist())):
        for label, gender in enumerate(names.GENDERS):
            inside = scores.probability[(scores.band == band) & (scores.gender == label)]
            female = [int(called_female(inside, threshold).sum()) for threshold in THRESHOLDS]
            rows.append({'gender': gender, 'band': band, 'faces': len(inside), 'female': female})
    return rows
