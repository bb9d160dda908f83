# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Compares two models slice by slice: on the same faces pair by pair, else by their accuracies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from components import names
from components.evaluator import intervals
from components.evaluator.metrics import OVERALL, Evaluation, Metric, Slice, SliceMetrics
from pipeline.report.scores import Scores
from pipeline.runs import history
from pipeline.runs.history import Finished


@dataclass(frozen=True)
class Difference:
    """The accuracy of one slice in two evaluations of different faces, with the interval of the difference."""

    slice: str
    here: SliceMetrics
    there: SliceMetrics
    change: Metric  # here minus there, with Newcombe's interval


@dataclass(frozen=True)
class PairedSlice:
    """One slice's accuracy by two models, and how many faces only one of them classifies correctly."""

    slice: str
    faces: int
    accuracy: float
    baseline_accuracy: float
    change: Metric  # accuracy minus baseline_accuracy, with Newcombe's interval for pairs
    model_only: int
    baseline_only: int
    p: float  # of McNemar's exact test
    corrected: float  # the same, corrected by Benjamini and Hochberg's method for the slices looked at


@dataclass(frozen=True)
class ChangedFace:
    """A test face that only one of two runs classifies correctly, with its two scores."""

    path: str
    gender: str
    age: int
    before: float
    after: float


@dataclass(frozen=True)
class Comparison:
    """Two finished runs. Either `paired`, `lost` and `won` are there, or `unpaired` and the reason `why`."""

    before: Finished
    after: Finished
    changes: Sequence[tuple[str, str, str]]  # see `history.changes`
    why: str | None = None
    unpaired: Sequence[Difference] = ()
    paired: Sequence[PairedSlice] = ()  # all faces first
    lost: Sequence[ChangedFace] = ()  # right before and wrong after, the largest change of the score first
    won: Sequence[ChangedFace] = ()  # wrong before and right after


def compare(before: Finished, after: Finished, predictions: Mapping[str, Scores | None]) -> Comparison:
    """Compares two runs; `predictions` has the scores of their test faces by id, None if they were not saved."""
    changes = history.changes(before, after)
    first, second = predictions.get(before.id), predictions.get(after.id)
    why = unpairable(before, after, first, second)
    if why or not first or not second:
        return Comparison(before, after, changes, why, unpaired=differences(after.evaluation, before.evaluation))
    return Comparison(
        before,
        after,
        changes,
        paired=paired_slices(second, first, after.evaluation.slices),
        lost=_changed(first, second, first.correct & ~second.correct),
        won=_changed(first, second, second.correct & ~first.correct),
    )


def unpairable(before: Finished, after: Finished, first: Scores | None, second: Scores | None) -> str | None:
    """Why two runs cannot be compared face by face; None if they can."""
    if not first or not second:
        missing = after if first else before
        return f'the scores of run {missing.id} were not saved; "report --run {missing.id}" saves them'
    if before.facts.data_fingerprint != after.facts.data_fingerprint:
        return 'the two runs have different data'
    same = np.array_equal(first.path, second.path) and np.array_equal(first.gender, second.gender)
    return None if same else 'the two runs have different test faces'


def _changed(first: Scores, second: Scores, which: np.ndarray) -> list[ChangedFace]:
    indices = np.flatnonzero(which)
    order = np.argsort(-np.abs(second.probability - first.probability)[indices], kind='stable')
    return [
        ChangedFace(
            path=first.path[index].decode(errors='backslashreplace'),
            gender=names.GENDERS[first.gender[index]],
            age=int(first.age[index]),
            before=float(first.probability[index]),
            after=float(second.probability[index]),
        )
        for index in indices[order]
    ]


def differences(here: Evaluation, there: Evaluation) -> list[Difference]:
    """The accuracy of each slice that both evaluations have, here minus there."""
    ours, theirs = here.by_name(), there.by_name()
    return [
        Difference(name, measured, theirs[name], _change(measured, theirs[name]))
        for name, measured in ours.items()
        if name in theirs and measured.examples and theirs[name].examples
    ]


def _change(here: SliceMetrics, there: SliceMetrics) -> Metric:
    counts = [(one.true_positives + one.true_negatives, one.examples) for one in (here, there)]
    return Metric(here.accuracy.value - there.accuracy.value, *intervals.difference(*counts[0], *counts[1]))


def paired_slices(model: Scores, baseline: Scores, slices: Iterable[Slice]) -> list[PairedSlice]:
    """Compares two models on the same faces, over all and in each slice that has some."""
    ours, theirs = model.correct, baseline.correct
    rows: list[dict[str, Any]] = []
    for name, where in [(OVERALL, {}), *((item.name, item.slice) for item in slices)]:
        inside = model.inside(where)
        if not inside.any():
            continue
        one, other = ours[inside], theirs[inside]
        counts = [int(part.sum()) for part in (one & other, one & ~other, ~one & other, ~one & ~other)]
        accuracy, baseline_accuracy = float(one.mean()), float(other.mean())
        rows.append(
            {
                'slice': name,
                'faces': len(one),
                'accuracy': accuracy,
                'baseline_accuracy': baseline_accuracy,
                'change': Metric(accuracy - baseline_accuracy, *intervals.paired_difference(*counts)),
                'model_only': counts[1],
                'baseline_only': counts[2],
                'p': mcnemar(counts[1], counts[2]),
            }
        )
    corrected = stats.false_discovery_control([row['p'] for row in rows], method='bh')
    return [PairedSlice(**row, corrected=float(after)) for row, after in zip(rows, corrected, strict=True)]


def mcnemar(first_only: int, second_only: int) -> float:
    """The two-sided p-value of McNemar's exact test: a binomial test of 1/2 on the faces where two models differ."""
    differing = first_only + second_only
    return float(stats.binomtest(first_only, differing).pvalue) if differing else 1.0
