# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""From TFMA's evaluation to the metrics of each slice, with intervals."""

from __future__ import annotations

from typing import Any

from components import names
from components.evaluator import intervals

Metric = dict[str, float] | None


def of_slice(values: dict[str, float]) -> dict[str, Any]:
    """The metrics of one slice.

    Args:
      values: 'tp', 'tn', 'fp', 'fn' at the threshold (positive is female), 'auc', 'auc_pr' and 'log_loss'.

    Returns:
      'examples' and the four counts as whole numbers; each metric as {"value", "low", "high"} with its 95 % interval,
      or None where the slice does not define it: precision, AUC and AUC-PR need both genders, recall needs women,
      specificity needs men.
    """
    tp, tn, fp, fn = (values[name] for name in ('tp', 'tn', 'fp', 'fn'))
    women, men = tp + fn, tn + fp
    both = women > 0 and men > 0
    return {
        'examples': round(women + men),
        'true_positives': round(tp),
        'true_negatives': round(tn),
        'false_positives': round(fp),
        'false_negatives': round(fn),
        'accuracy': _proportion(tp + tn, women + men),
        'precision': _proportion(tp, tp + fp) if both else None,
        'recall': _proportion(tp, women),
        'specificity': _proportion(tn, men),
        'auc': _with(values['auc'], intervals.auc(values['auc'], women, men)) if both else None,
        'auc_pr': _with(values['auc_pr'], intervals.auc_pr(values['auc_pr'], women)) if both else None,
        'log_loss': {'value': values['log_loss']},
    }


def _proportion(successes: float, trials: float) -> Metric:
    return _with(successes / trials, intervals.proportion(successes, trials)) if trials > 0 else None


def _with(value: float, interval: tuple[float, float]) -> Metric:
    return {'value': value, 'low': interval[0], 'high': interval[1]}


def gap(values: dict[str, Any]) -> Metric:
    """How much more often women than men are called what their label says, in a slice that `of_slice` measured.

    Returns:
      The accuracy of women (recall) minus that of men (specificity), with `intervals.difference`; None without both.
    """
    tp, tn = values['true_positives'], values['true_negatives']
    women, men = tp + values['false_negatives'], tn + values['false_positives']
    if not women or not men:
        return None
    return _with(tp / women - tn / men, intervals.difference(tp, women, tn, men))


def read_evaluation(folder: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Reads what the Evaluator wrote.

    Args:
      folder: the evaluation artifact's.

    Returns:
      The overall metrics, and [{"slice": {feature: value}, "metrics": {...}}] in the order of features and values.
    """
    import tensorflow_model_analysis as tfma

    overall: dict[str, Any] = {}
    slices = []
    for key, outputs in tfma.load_eval_result(folder).slicing_metrics:
        raw = outputs['']['']
        matrix = raw['confusion_matrix']['confusionMatrixAtThresholds']['matrices'][0]
        measured = of_slice(
            {
                # Protocol buffers leave a zero out of their JSON.
                **{
                    short: matrix.get(name, 0.0)
                    for short, name in (
                        ('tp', 'truePositives'),
                        ('tn', 'trueNegatives'),
                        ('fp', 'falsePositives'),
                        ('fn', 'falseNegatives'),
                    )
                },
                'auc': raw['auc']['doubleValue'],
                'auc_pr': raw['auc_precision_recall']['doubleValue'],
                'log_loss': raw['log_loss']['doubleValue'],
            }
        )
        if not key:
            overall = measured
        else:
            slices.append({'slice': {name: readable(name, value) for name, value in key}, 'metrics': measured})
    slices.sort(key=lambda item: (len(item['slice']), [*item['slice']], [str(v) for v in item['slice'].values()]))
    return overall, slices


def readable(feature: str, value: Any) -> str:
    """A slice's value as people read it: 'male' and 'female' for the label, text for the rest."""
    if feature == names.GENDER:
        return names.GENDERS[int(value)]
    return value.decode(errors='replace') if isinstance(value, bytes) else str(value)
