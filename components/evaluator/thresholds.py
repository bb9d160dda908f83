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
from components.evaluator.metrics import OVERALL, Evaluation, Metric, SliceMetrics
from components.evaluator.settings import Settings, SliceBound
from components.io.files import any_path, write_text
from components.names import GENDERS

#: The file in the evaluation artifact, beside TFMA's own.
FILE = 'thresholds.json'

BOTH_GENDERS = 'women and men'
_GAP = 'accuracy gap'

# Absorbs floating-point error: 0.8 - 0.7 is slightly more than 0.1.
_ROUNDING = 1e-9

_OPTIONAL = ('low', 'high', 'baseline', 'end')


@dataclass(frozen=True)
class Threshold:
    """One limit, and after `check` the measured value and the outcome."""

    key: str  # in the configuration, in the section evaluation
    slice: str  # 'overall', a gender, 'women and men', or the name of another slice
    metric: str  # 'examples', 'accuracy gap', or a metric of `SliceMetrics`
    low: float | None = None
    high: float | None = None
    baseline: float | None = None  # for max_regression: the accuracy of the last blessed model
    value: float | None = None  # None if undefined, which never meets the limit
    end: float | None = None  # the end of the 95 % interval, where that has to meet the limit
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
    """The thresholds to check, without those of `settings.slice_bounds`.

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
    wanted.append(Threshold('max_gender_gap', BOTH_GENDERS, _GAP, high=settings.max_gender_gap))
    if settings.max_regression is not None and baseline_accuracy is not None:
        least = round(baseline_accuracy - settings.max_regression, 9)
        wanted.append(Threshold('max_regression', OVERALL, 'accuracy', least, baseline=baseline_accuracy))
    return wanted


def check(wanted: Iterable[Threshold], evaluation: Evaluation) -> list[Threshold]:
    """Compares each threshold with the evaluation and fills in `value`, `met` and `reason`."""
    groups = evaluation.by_gender()
    return [_judged(threshold, _measured(threshold, groups), None, groups) for threshold in wanted]


def check_slices(bounds: Iterable[SliceBound], evaluation: Evaluation) -> list[Threshold]:
    """Compares each bound with each of its slices that is large enough; a bound without any slice is not met."""
    checked = []
    for number, bound in enumerate(bounds):
        key = f'slice_bounds[{number}]'
        slices = [item for item in evaluation.slices if set(item.slice) == set(bound.slice)]
        if not slices:
            empty = Threshold(key, '×'.join(bound.slice), bound.metric, bound.lower_bound, bound.upper_bound)
            checked.append(dataclasses.replace(empty, reason=f'{empty.slice}: no such slice (evaluation.{key})'))
        for item in slices:
            if item.metrics.examples >= bound.min_examples:
                checked.append(_check_slice(key, bound, item.name, item.metrics))
    return checked


def _check_slice(key: str, bound: SliceBound, name: str, measured: SliceMetrics) -> Threshold:
    metric: Metric | None = getattr(measured, bound.metric)
    label = _GAP if bound.metric == 'gap' else bound.metric
    threshold = Threshold(key, name, label, bound.lower_bound, bound.upper_bound)
    if metric is None:
        return _judged(threshold, None, None, {name: measured})
    if bound.metric == 'gap':  # without its sign: an interval around 0 begins at 0
        near, far = sorted((abs(metric.low), abs(metric.high)))
        metric = Metric(abs(metric.value), 0.0 if metric.low <= 0 <= metric.high else near, far)
    end = metric.low if bound.lower_bound is not None else metric.high
    return _judged(threshold, metric.value, end if bound.interval else None, {name: measured})


def _judged(threshold: Threshold, value: float | None, end: float | None, groups: dict[str, SliceMetrics]) -> Threshold:
    decisive = value if end is None else end
    least = -math.inf if threshold.low is None else threshold.low - _ROUNDING
    most = math.inf if threshold.high is None else threshold.high + _ROUNDING
    met = decisive is not None and least <= decisive <= most
    reason = None if met else _reason(threshold, value, end, groups)
    return dataclasses.replace(threshold, value=value, end=end, met=met, reason=reason)


def _measured(threshold: Threshold, groups: dict[str, SliceMetrics]) -> float | None:
    if threshold.slice == BOTH_GENDERS:
        gap = groups[OVERALL].gap
        return abs(gap.value) if gap else None
    group = groups.get(threshold.slice, SliceMetrics.from_counts())
    if threshold.metric == 'examples':
        return group.examples
    metric = getattr(group, threshold.metric)
    return metric.value if metric and math.isfinite(metric.value) else None


def _reason(threshold: Threshold, value: float | None, end: float | None, groups: dict[str, SliceMetrics]) -> str:
    where = f'gender {threshold.slice}' if threshold.slice in GENDERS else threshold.slice
    metric, key = 'AUC' if threshold.metric == 'auc' else threshold.metric, f'(evaluation.{threshold.key})'
    if value is None:
        why = 'one class' if threshold.slice == BOTH_GENDERS or threshold.slice in groups else 'no examples'
        return f'{where}: {metric} is undefined ({why}); {threshold.limit} is required {key}'
    number = f'{value:d}' if isinstance(value, int) else f'{value:.4f}'
    if end is not None:
        number += f', with a 95 % interval {"from" if threshold.low is not None else "up to"} {end:.4f},'
    side = threshold.limit.replace('at least', 'below').replace('at most', 'above')
    line = f'{where}: {metric} {number} is {side} {key}'
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
