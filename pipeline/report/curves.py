# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The scores at every threshold: ROC, precision-recall, calibration, histograms and counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from sklearn import metrics as sklearn_metrics

from components import names
from components.evaluator import intervals
from pipeline.report.scores import Scores, predicted_female

#: The positions of the threshold slider: 0.00, 0.01 ... 1.00.
THRESHOLDS = tuple(step / 100 for step in range(101))

_MOST_POINTS = 240
_CALIBRATION_BINS = 10
_HISTOGRAM_BINS = 20


@dataclass(frozen=True)
class CalibrationBin:
    """The faces in a tenth of the score range: number, mean score, share of women with Clopper-Pearson interval."""

    faces: int
    score: float
    women: float
    low: float
    high: float


@dataclass(frozen=True)
class SliceCounts:
    """The women and men of one slice, and how many of each are predicted female at each of `THRESHOLDS`."""

    women: int
    men: int
    women_female: list[int]
    men_female: list[int]


@dataclass(frozen=True)
class Suggested:
    """Thresholds that the validation split suggests, of `THRESHOLDS`."""

    equal: float  # where women and men are misclassified equally often
    best: float  # with the highest accuracy


@dataclass(frozen=True)
class Curves:
    """The curves of a test split; ROC and precision-recall are None without both genders.

    `slices` keeps the size of the page independent of the number of faces.
    """

    roc: list[list[float]] | None  # [false-positive rate, true-positive rate] from (0, 0) to (1, 1)
    precision_recall: list[list[float]] | None  # [recall, precision] by descending score
    calibration: list[CalibrationBin]
    calibration_error: float
    histogram: dict[str, list[int]]
    slices: list[SliceCounts]  # all faces first, then the slices given to `of`


def of(scores: Scores, slices: Iterable[Mapping[str, str]] = ()) -> Curves:
    """Computes the curves of a test split, and the counts of some slices, given by feature values."""
    labels, probability = scores.gender, scores.probability
    both = 0 < labels.sum() < len(labels)
    bins = calibration(labels, probability)
    return Curves(
        roc=roc(labels, probability) if both else None,
        precision_recall=precision_recall(labels, probability) if both else None,
        calibration=bins,
        calibration_error=calibration_error(bins),
        histogram=histogram(labels, probability),
        slices=[slice_counts(scores, where) for where in ({}, *slices)],
    )


def _thinned(points: np.ndarray) -> list[list[float]]:
    """At most 240 of the points [P, 2], including the first and the last, rounded for the page."""
    if len(points) > _MOST_POINTS:
        points = points[np.unique(np.linspace(0, len(points) - 1, _MOST_POINTS).round().astype(int))]
    return [[round(float(x), 5), round(float(y), 5)] for x, y in points]


def roc(labels: np.ndarray, probability: np.ndarray) -> list[list[float]]:
    """The ROC curve, see `Curves`. Labels: int [N], 1 is female, both occur; probability: float [N]."""
    false_positives, true_positives, _ = sklearn_metrics.roc_curve(labels, probability)
    return _thinned(np.column_stack([false_positives, true_positives]))


def precision_recall(labels: np.ndarray, probability: np.ndarray) -> list[list[float]]:
    """The precision-recall curve up to recall 1, see `Curves`; arguments as in `roc`."""
    precision, recall, _ = sklearn_metrics.precision_recall_curve(labels, probability)
    complete = int(np.flatnonzero(recall == 1)[-1])
    points = np.column_stack([recall, precision])[complete:][::-1]
    return _thinned(points[points[:, 0] > 0])  # at recall 0 precision is 0 or undefined


def calibration(labels: np.ndarray, probability: np.ndarray) -> list[CalibrationBin]:
    """The calibration bins that have faces. Unlike scikit-learn's `calibration_curve`, they have the counts too."""
    bins = np.minimum((probability * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    rows = []
    for number in np.unique(bins):
        inside = bins == number
        faces, women = int(inside.sum()), int(labels[inside].sum())
        score = float(probability[inside].mean(dtype=np.float64))
        rows.append(CalibrationBin(faces, score, women / faces, *intervals.proportion(women, faces)))
    return rows


def calibration_error(bins: list[CalibrationBin]) -> float:
    """The expected calibration error (Naeini, Cooper and Hauskrecht, AAAI 2015) over ten bins of equal width."""
    return sum(row.faces * abs(row.score - row.women) for row in bins) / sum(row.faces for row in bins)


def histogram(labels: np.ndarray, probability: np.ndarray) -> dict[str, list[int]]:
    """The number of faces of each gender in each twentieth of the score range."""
    return {
        gender: np.histogram(probability[labels == label], bins=_HISTOGRAM_BINS, range=(0, 1))[0].tolist()
        for label, gender in enumerate(names.GENDERS)
    }


def slice_counts(scores: Scores, where: Mapping[str, str]) -> SliceCounts:
    """The counts of one slice at each of `THRESHOLDS`."""
    inside = scores.inside(where)
    women, men = (scores.probability[inside & (scores.gender == label)] for label in (1, 0))
    at_each = [[int(predicted_female(part, cut).sum()) for cut in THRESHOLDS] for part in (women, men)]
    return SliceCounts(len(women), len(men), *at_each)


def suggested(validation: Scores) -> Suggested | None:
    """The thresholds that the validation split suggests; the nearest to 0.5 of equals. None without both genders."""
    counts = slice_counts(validation, {})
    if not counts.women or not counts.men:
        return None
    women, men = np.array(counts.women_female), np.array(counts.men_female)
    difference = np.abs((counts.women - women) / counts.women - men / counts.men)
    right = women + counts.men - men
    middle = np.abs(np.array(THRESHOLDS) - 0.5)
    equal, best = (np.lexsort((middle, key))[0] for key in (difference, -right))
    return Suggested(THRESHOLDS[equal], THRESHOLDS[best])
