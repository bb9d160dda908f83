# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The thresholds a model must meet to be blessed.

They replace TFMA's own, which cover one metric of one slice and treat an undefined metric as 0 or NaN: the gap between
women and men involves two slices, and an undefined metric must fail with a reason.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import RunError
from components.evaluator.metrics import OVERALL, Evaluation, SliceMetrics
from components.evaluator.settings import Settings
from components.io.files import any_path, write_text
from components.names import GENDERS

#: The file in the evaluation artifact, beside TFMA's own.
FILE = 'thresholds.json'

BOTH_GENDERS = 'women and men'

# Absorbs floating-point error: 0.8 - 0.7 is slightly more than 0.1.
_ROUNDING = 1e-9

_OPTIONAL = ('low', 'high', 'baseline')


@dataclass(frozen=True)
class Threshold:
    """One limit, and after `check` the measured value and the outcome."""

    key: str  # in the configuration
    slice: str  # 'overall', a gender or 'women and men'
    metric: str  # 'examples', 'accuracy', 'auc' or 'accuracy gap'
    low: float | None = None
    high: float | None = None
    baseline: float | None = None  # for max_regression: the accuracy of the last blessed model
    value: float | None = None  # None if undefined, which never meets the limit
    met: bool = False
    reason: str | None = None  # one line if the limit is not met

    @property
    def limit(self) -> str:
        """'at least 0.85' or 'at most 0.1'."""
        return f'at least {self.low:.6g}' if self.low is not None else f'at most {self.high:.6g}'

    def as_dict(self) -> dict[str, Any]:
        """The row of thresholds.json and metrics.json, without the limits that are not set."""
        row = dataclasses.asdict(self)
        return {name: value for name, value in row.items() if value is not None or name not in _OPTIONAL}


def of(settings: Settings, baseline_accuracy: float | None = None) -> list[Threshold]:
    """The thresholds to check.

    Args:
      settings: the configured limits.
      baseline_accuracy: the overall accuracy of the last blessed model; None if there is none.
    """
    wanted = [Threshold('min_examples', OVERALL, 'examples', settings.min_examples)]
    wanted += [Threshold('min_gender_examples', gender, 'examples', settings.min_gender_examples) for gender in GENDERS]
    wanted += [
        Threshold('min_accuracy', OVERALL, 'accuracy', settings.min_accuracy),
        Threshold('min_auc', OVERALL, 'auc', settings.min_auc),
    ]
    wanted += [Threshold('min_gender_accuracy', gender, 'accuracy', settings.min_gender_accuracy) for gender in GENDERS]
    wanted.append(Threshold('max_gender_gap', BOTH_GENDERS, 'accuracy gap', high=settings.max_gender_gap))
    if settings.max_regression is not None and baseline_accuracy is not None:
        least = round(baseline_accuracy - settings.max_regression, 9)
        wanted.append(Threshold('max_regression', OVERALL, 'accuracy', least, baseline=baseline_accuracy))
    return wanted


def check(wanted: Iterable[Threshold], evaluation: Evaluation) -> list[Threshold]:
    """Compares each threshold with the evaluation and fills in `value`, `met` and `reason`."""
    groups = evaluation.by_gender()
    checked = []
    for threshold in wanted:
        value = _measured(threshold, groups)
        low = -math.inf if threshold.low is None else threshold.low - _ROUNDING
        high = math.inf if threshold.high is None else threshold.high + _ROUNDING
        met = value is not None and low <= value <= high
        reason = None if met else _reason(threshold, value, groups)
        checked.append(dataclasses.replace(threshold, value=value, met=met, reason=reason))
    return checked


def _measured(threshold: Threshold, groups: dict[str, SliceMetrics]) -> float | None:
    if threshold.slice == BOTH_GENDERS:
        gap = groups[OVERALL].gap
        return abs(gap.value) if gap else None
    group = groups.get(threshold.slice, SliceMetrics.from_counts())
    if threshold.metric == 'examples':
        return group.examples
    metric = getattr(group, threshold.metric)
    return metric.value if metric and math.isfinite(metric.value) else None


def _reason(threshold: Threshold, value: float | None, groups: dict[str, SliceMetrics]) -> str:
    where = f'gender {threshold.slice}' if threshold.slice in GENDERS else threshold.slice
    if value is None:
        why = 'one class' if threshold.slice == BOTH_GENDERS or threshold.slice in groups else 'no examples'
        return f'{where}: {threshold.metric} is undefined ({why}); {threshold.limit} is required'
    number = f'{value:d}' if isinstance(value, int) else f'{value:.4f}'
    side = threshold.limit.replace('at least', 'below').replace('at most', 'above')
    line = f'{where}: {threshold.metric} {number} is {side}'
    if threshold.baseline is not None and threshold.low is not None:
        drop = threshold.baseline - threshold.low
        line += f': the last blessed model has {threshold.baseline:.4f}, and a drop of {drop:g} is allowed'
    return line


def reasons(checked: Iterable[Threshold]) -> list[str]:
    """The reason of each threshold that is not met; a model without any is blessed."""
    return [threshold.reason or '' for threshold in checked if not threshold.met]


def write(folder: str | Path, checked: Sequence[Threshold]) -> None:
    """Writes what `check` returned into the folder of the evaluation artifact."""
    rows = [threshold.as_dict() for threshold in checked]
    write_text(any_path(folder) / FILE, json.dumps(rows, indent=1, allow_nan=False) + '\n')


def read(folder: str | Path) -> list[Threshold]:
    """Reads what `write` wrote.

    Raises:
      RunError: an earlier version of this component made the evaluation.
    """
    file = any_path(folder) / FILE
    if not file.exists():
        raise RunError(f'{folder}: evaluated by an earlier version (no {FILE}); run the pipeline again')
    return [Threshold(**row) for row in json.loads(file.read_text('utf-8'))]
