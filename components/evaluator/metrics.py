# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The metrics of an evaluation by slice, with confidence intervals, read from TFMA's files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from components import names
from components.evaluator import intervals

#: The key of the whole test split, beside the genders.
OVERALL = 'overall'


@dataclass(frozen=True)
class Value:
    """A value without an interval."""

    value: float


@dataclass(frozen=True)
class Metric(Value):
    """A value with its 95 % confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class SliceMetrics:
    """The metrics of one slice at the threshold 0.5; positive is female.

    A metric that the slice does not define is None: precision, AUC and AUC-PR need both genders, recall needs women,
    specificity needs men. The accuracy of no examples is NaN. `dataclasses.asdict` gives the format of metrics.json.
    """

    examples: int
    true_positives: int
    true_negatives: int
    false_positives: int
    false_negatives: int
    accuracy: Metric
    precision: Metric | None
    recall: Metric | None
    specificity: Metric | None
    auc: Metric | None
    auc_pr: Metric | None
    log_loss: Value

    @classmethod
    def from_counts(
        cls, tp: int = 0, tn: int = 0, fp: int = 0, fn: int = 0, auc: float = 0, auc_pr: float = 0, log_loss: float = 0
    ) -> Self:
        """Derives the metrics from the confusion counts and adds intervals to the areas."""
        women, men = tp + fn, tn + fp
        both = women > 0 and men > 0
        return cls(
            examples=women + men,
            true_positives=tp,
            true_negatives=tn,
            false_positives=fp,
            false_negatives=fn,
            accuracy=_proportion(tp + tn, women + men) or Metric(math.nan, math.nan, math.nan),
            precision=_proportion(tp, tp + fp) if both else None,
            recall=_proportion(tp, women),
            specificity=_proportion(tn, men),
            auc=Metric(auc, *intervals.auc(auc, women, men)) if both else None,
            auc_pr=Metric(auc_pr, *intervals.auc_pr(auc_pr, women)) if both else None,
            log_loss=Value(log_loss),
        )

    @property
    def women(self) -> int:
        """Faces labelled female."""
        return self.true_positives + self.false_negatives

    @property
    def men(self) -> int:
        """Faces labelled male."""
        return self.true_negatives + self.false_positives

    @property
    def gap(self) -> Metric | None:
        """The accuracy of women (recall) minus that of men (specificity); None without both."""
        if not self.recall or not self.specificity:
            return None
        interval = intervals.difference(self.true_positives, self.women, self.true_negatives, self.men)
        return Metric(self.recall.value - self.specificity.value, *interval)


@dataclass(frozen=True)
class Slice:
    """The metrics of the examples with some feature values, e.g. {'gender': 'male', 'age_band': '01-10'}."""

    slice: dict[str, str]
    metrics: SliceMetrics

    @property
    def by_gender_alone(self) -> bool:
        """Whether gender is the only feature."""
        return [*self.slice] == [names.GENDER]


@dataclass(frozen=True)
class Evaluation:
    """The metrics of the whole test split and of each slice, slices in the order of features and values."""

    overall: SliceMetrics
    slices: tuple[Slice, ...]

    def by_gender(self) -> dict[str, SliceMetrics]:
        """The metrics of 'overall', 'male' and 'female', in this order; a gender without examples is missing."""
        genders = {item.slice[names.GENDER]: item.metrics for item in self.slices if item.by_gender_alone}
        return {OVERALL: self.overall} | {gender: genders[gender] for gender in names.GENDERS if gender in genders}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Reads 'overall' and 'slices' of metrics.json, which `dataclasses.asdict` made."""
        slices = tuple(Slice(item['slice'], _read(item['metrics'])) for item in values['slices'])
        return cls(_read(values['overall']), slices)


def _read(values: Mapping[str, Any]) -> SliceMetrics:
    kinds = {('value',): Value, ('value', 'low', 'high'): Metric}
    return SliceMetrics(
        **{name: kinds[tuple(value)](**value) if isinstance(value, dict) else value for name, value in values.items()}
    )


def _proportion(successes: int, trials: int) -> Metric | None:
    return Metric(successes / trials, *intervals.proportion(successes, trials)) if trials else None


_COUNTS = {'tp': 'truePositives', 'tn': 'trueNegatives', 'fp': 'falsePositives', 'fn': 'falseNegatives'}
_VALUES = {'auc': 'auc', 'auc_pr': 'auc_precision_recall', 'log_loss': 'log_loss'}


def read_evaluation(folder: str) -> Evaluation:
    """Reads TFMA's files from the folder of an evaluation artifact."""
    import tensorflow_model_analysis as tfma

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
