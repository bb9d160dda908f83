# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The runs as data for the page's script, which compares any two of them slice by slice and face by face."""

from __future__ import annotations

import base64
import dataclasses
from typing import Any

import numpy as np

from components import names
from components.evaluator.metrics import OVERALL, SliceMetrics
from pipeline.report import comparison
from pipeline.report.comparison import Comparison
from pipeline.report.content import RunRecord
from pipeline.report.scores import Scores
from pipeline.runs import history
from pipeline.runs.history import Finished


def pair(run: RunRecord) -> tuple[int, int] | None:
    """The places, among the finished runs, of the two that are compared first: the one before, and the report's own."""
    places = {entry.id: place for place, entry in enumerate(run.finished)}
    if len(places) < 2:
        return None
    own = places.get(run.id, len(places) - 1)
    before = own - 1 if own else 1
    return places.get(run.against or '', before), own


def first(run: RunRecord) -> Comparison | None:
    """The comparison of `pair`."""
    places = pair(run)
    if places is None:
        return None
    before, after = (run.finished[place] for place in places)
    return comparison.compare(before, after, run.predictions)


def of(run: RunRecord) -> dict[str, Any]:
    """The data.

    'runs': of each finished run the metrics by gender, [right, faces] by slice, the number of its set of test faces,
    and which of them it classifies correctly. 'sets': by set the faces of each slice. 'comparisons': of each two runs,
    by their places, the changed settings and why faces cannot be compared. Sets of faces are base64 of bits in the
    order of paths, the first face in the lowest bit.
    """
    finished, predictions = run.finished, run.predictions
    kinds: dict[tuple[str, bytes, bytes], int] = {}  # runs with equal keys have the same test faces
    rows, sets = [], []
    for entry in finished:
        scores = predictions.get(entry.id)
        row: dict[str, Any] = {
            'id': entry.id,
            'title': entry.title,
            'metrics': {name: dataclasses.asdict(group) for name, group in entry.metrics.items()},
            'slices': {name: _counts(metrics) for name, metrics in entry.evaluation.by_name().items()},
            'set': None,
        }
        if scores:
            key = entry.facts.data_fingerprint, b'\n'.join(scores.path), scores.gender.tobytes()
            if key not in kinds:
                kinds[key] = len(kinds)
                sets.append(_members(scores, entry))
            row |= {'set': kinds[key], 'right': _bits(scores.correct)}
        rows.append(row)
    return {
        'runs': rows,
        'pair': pair(run),
        'sets': sets,
        'comparisons': {
            f'{i} {j}': {
                'changes': history.changes(one, other),
                'why': comparison.unpairable(one, other, predictions.get(one.id), predictions.get(other.id)),
            }
            for j, other in enumerate(finished)
            for i, one in enumerate(finished[:j])
        },
    }


def bits(run: RunRecord) -> dict[str, int]:
    """The place of each test face of the report's own run in its set, by path; empty if its scores were not saved."""
    own = run.predictions.get(run.id)
    return {path.decode(): place for place, path in enumerate(own.path)} if own else {}


def _members(scores: Scores, entry: Finished) -> dict[str, str]:
    known = {names.GENDER, names.AGE_BAND, *scores.columns}
    slices = [(OVERALL, {}), *((item.name, item.slice) for item in entry.evaluation.slices if set(item.slice) <= known)]
    return {name: _bits(scores.inside(where)) for name, where in slices}


def _bits(values: np.ndarray) -> str:
    return base64.b64encode(np.packbits(values, bitorder='little').tobytes()).decode()


def _counts(metrics: SliceMetrics) -> list[int]:
    return [metrics.true_positives + metrics.true_negatives, metrics.examples]
