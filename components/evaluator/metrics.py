# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The metrics of an evaluation by slice, with confidence intervals."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from components import names
from components.evaluator import intervals
from components.io.files import any_path, write_text

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


def slice_name(where: Mapping[str, str]) -> str:
    """The name of the slice with these feature values, for people: 'ages 01-10, male', 'age unknown', 'race 2'."""
    short = {names.GENDER: '', names.AGE_BAND: 'ages '}
    return ', '.join(
        f'age {value}'
        if (name, value) == (names.AGE_BAND, names.UNKNOWN)
        else f'{short.get(name, name.replace("_", " ") + " ")}{value}'
        for name, value in sorted(where.items())
    )


@dataclass(frozen=True)
class Slice:
    """The metrics of the examples with some feature values, e.g. {'gender': 'male', 'age_band': '01-10'}."""

    slice: dict[str, str]
    metrics: SliceMetrics

    @property
    def name(self) -> str:
        """'ages 01-10, male', 'race 2'."""
        return slice_name(self.slice)

    @property
    def by_gender_alone(self) -> bool:
        """Whether gender is the only feature."""
        return [*self.slice] == [names.GENDER]


@dataclass(frozen=True)
class Evaluation:
    """The metrics of the whole test split and of each slice, slices in the order of features and values."""

    overall: SliceMetrics
    slices: tuple[Slice, ...]

    @property
    def weakest(self) -> Slice | None:
        """The slice with the lowest accuracy; None without slices."""
        return min(self.slices, key=lambda item: item.metrics.accuracy.value, default=None)

    def by_gender(self) -> dict[str, SliceMetrics]:
        """The metrics of 'overall', 'male' and 'female', in this order; a gender without examples is missing."""
        genders = {item.slice[names.GENDER]: item.metrics for item in self.slices if item.by_gender_alone}
        return {OVERALL: self.overall} | {gender: genders[gender] for gender in names.GENDERS if gender in genders}

    def by_name(self) -> dict[str, SliceMetrics]:
        """The metrics of 'overall' and of each slice by its name."""
        return {OVERALL: self.overall} | {item.name: item.metrics for item in self.slices}

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


def write(folder: str | Path, evaluation: Evaluation) -> None:
    """Writes `names.SLICES_FILE` beside TFMA's files; a split without examples has NaN, which Python's JSON keeps."""
    write_text(any_path(folder) / names.SLICES_FILE, json.dumps(dataclasses.asdict(evaluation), indent=1) + '\n')


def read(folder: str | Path) -> Evaluation:
    """Reads what `write` wrote into the folder of an evaluation artifact, without TensorFlow."""
    return Evaluation.from_dict(json.loads((any_path(folder) / names.SLICES_FILE).read_text('utf-8')))
