# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The slices whose accuracy, or difference between the genders, is beyond chance.

Many slices are looked at, so some look bad by chance. The p-values are corrected by Benjamini and Hochberg's method
(Journal of the Royal Statistical Society B 57, 1995): of the findings, one in twenty is expected to be false at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scipy import stats

from components import names
from components.evaluator import intervals
from components.evaluator.metrics import Evaluation, Metric, SliceMetrics

_LEVEL = 0.05

DEFICIT, GAP = 'deficit', 'gap'


@dataclass(frozen=True)
class Finding:
    """One comparison within the test split, by Fisher's exact test."""

    slice: str
    kind: str  # DEFICIT: the slice's accuracy minus that of all other faces; GAP: that of women minus that of men in it
    difference: Metric  # with Newcombe's interval
    p: float
    corrected: float  # the p-value after the correction


@dataclass(frozen=True)
class Findings:
    """All comparisons that were made; `beyond_chance` has those that remain, the largest difference first."""

    looked_at: int
    beyond_chance: tuple[Finding, ...]


def of(evaluation: Evaluation) -> Findings:
    """Compares each slice but the genders with all other faces, and women with men in each slice that has both."""
    found = list(_comparisons(evaluation))
    if not found:
        return Findings(0, ())
    corrected = stats.false_discovery_control([p for *_, p in found], method='bh')
    rows = [Finding(*row, float(after)) for row, after in zip(found, corrected, strict=True)]
    beyond = [row for row in rows if row.corrected < _LEVEL and (row.kind == GAP or row.difference.value < 0)]
    return Findings(len(found), tuple(sorted(beyond, key=lambda row: -abs(row.difference.value))))


def _comparisons(evaluation: Evaluation) -> Iterator[tuple[str, str, Metric, float]]:
    total, everyone = _right(evaluation.overall), evaluation.overall.examples
    for item in evaluation.slices:
        metrics = item.metrics
        right, faces = _right(metrics), metrics.examples
        if not item.by_gender_alone and 0 < faces < everyone:
            yield item.name, DEFICIT, *_compared(right, faces, total - right, everyone - faces)
        if names.GENDER not in item.slice and metrics.women and metrics.men:
            counts = metrics.true_positives, metrics.women, metrics.true_negatives, metrics.men
            yield item.name, GAP, *_compared(*counts)


def _right(metrics: SliceMetrics) -> int:
    return metrics.true_positives + metrics.true_negatives


def _compared(right: int, faces: int, other_right: int, other_faces: int) -> tuple[Metric, float]:
    difference = right / faces - other_right / other_faces
    table = [[right, faces - right], [other_right, other_faces - other_right]]
    p = float(stats.fisher_exact(table).pvalue)
    return Metric(difference, *intervals.difference(right, faces, other_right, other_faces)), p
