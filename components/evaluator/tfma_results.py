# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Reads the results that TFMA wrote."""

from __future__ import annotations

from typing import Any

import tensorflow_model_analysis as tfma

from components import names
from components.evaluator.metrics import Evaluation, Slice, SliceMetrics

_COUNTS = {'tp': 'truePositives', 'tn': 'trueNegatives', 'fp': 'falsePositives', 'fn': 'falseNegatives'}
_VALUES = {'auc': 'auc', 'auc_pr': 'auc_precision_recall', 'log_loss': 'log_loss'}


def read(folder: str) -> Evaluation:
    """Derives the metrics of every slice from TFMA's files in the folder of an evaluation artifact."""
    overall = SliceMetrics.from_counts()
    slices = []
    for key, outputs in tfma.load_eval_result(folder).slicing_metrics:
        raw = outputs['']['']
        matrix = raw['confusion_matrix']['confusionMatrixAtThresholds']['matrices'][0]
        measured = SliceMetrics.from_counts(
            # The JSON of a protocol buffer omits zeros.
            **{name: round(matrix.get(field, 0)) for name, field in _COUNTS.items()},
            **{name: raw[metric]['doubleValue'] for name, metric in _VALUES.items()},
        )
        if key:
            slices.append(Slice({name: _text(name, value) for name, value in key}, measured))
        else:
            overall = measured
    slices.sort(key=lambda item: (len(item.slice), [*item.slice], [*item.slice.values()]))
    return Evaluation(overall, tuple(slices))


def _text(feature: str, value: Any) -> str:
    """A feature's value as text; the label as 'male' or 'female'."""
    if feature == names.GENDER:
        return names.GENDERS[int(value)]
    return value.decode(errors='replace') if isinstance(value, bytes) else str(value)
