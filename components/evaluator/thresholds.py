# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The bounds that a model must meet to be pushed: which ones, what was measured, and why one was not met.

TFMA's thresholds hold for one metric of one slice, and judge the 0 or NaN that stands for an undefined metric; a gap
between two slices and "undefined" are judged here, and every other bound with them, in one place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.errors import RunError
from components.evaluator import metrics
from components.evaluator.settings import Settings
from components.io.files import any_path, write_text
from components.names import GENDERS

#: The file beside TFMA's own in the evaluation artifact.
FILE = 'bounds.json'

OVERALL = 'overall'
BETWEEN = 'women and men'

# Shares of counts are exact to a few units in the last place: 0.8 - 0.7 is a little more than 0.1.
_ROUNDING = 1e-9


def of(settings: Settings, baseline_accuracy: float | None = None) -> list[dict[str, Any]]:
    """The bounds, ready for JSON.

    Args:
      settings: the configured values.
      baseline_accuracy: of the last blessed model over all faces; None where there is none.

    Returns:
      [{"key": the configuration key, "slice": 'overall', a gender or 'women and men', "metric", "low" or "high"}];
      the bound on regression has the "baseline" too.
    """
    rows = [_low('min_examples', OVERALL, 'examples', settings.min_examples)]
    rows += [_low('min_gender_examples', gender, 'examples', settings.min_gender_examples) for gender in GENDERS]
    rows += [
        _low('min_accuracy', OVERALL, 'accuracy', settings.min_accuracy),
        _low('min_auc', OVERALL, 'auc', settings.min_auc),
    ]
    rows += [_low('min_gender_accuracy', gender, 'accuracy', settings.min_gender_accuracy) for gender in GENDERS]
    rows.append({'key': 'max_gender_gap', 'slice': BETWEEN, 'metric': 'accuracy gap', 'high': settings.max_gender_gap})
    if settings.max_regression is not None and baseline_accuracy is not None:
        least = round(baseline_accuracy - settings.max_regression, 9)
        rows.append(_low('max_regression', OVERALL, 'accuracy', least) | {'baseline': baseline_accuracy})
    return rows


def _low(key: str, where: str, metric: str, bound: float) -> dict[str, Any]:
    return {'key': key, 'slice': where, 'metric': metric, 'low': bound}


def check(
    wanted: Sequence[Mapping[str, Any]], overall: Mapping[str, Any], slices: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Judges what was measured.

    Args:
      wanted: what `of` returned.
      overall: metrics of all test faces, see `metrics.of_slice`; empty if there are none.
      slices: [{"slice", "metrics"}], see `metrics.read_evaluation`.

    Returns:
      The bounds, each with its "value" (None: undefined), whether it is "met", and the "reason" if not. An undefined
      value meets no bound, and the reason says so.
    """
    groups = {OVERALL: overall}
    for item in slices:
        if list(item['slice']) == ['gender']:
            groups[item['slice']['gender']] = item['metrics']
    rows = []
    for bound in wanted:
        value = _measured(bound, groups)
        low, high = bound.get('low'), bound.get('high')
        met = value is not None and (
            (low is None or value >= low - _ROUNDING) and (high is None or value <= high + _ROUNDING)
        )
        reason = None if met else _reason(bound, value, groups)
        rows.append({**bound, 'value': value, 'met': met, 'reason': reason})
    return rows


def _measured(bound: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]]) -> float | None:
    group = groups.get(bound['slice'], {})
    if bound['metric'] == 'examples':
        return int(group.get('examples', 0))
    metric = metrics.gap(dict(groups[OVERALL])) if bound['slice'] == BETWEEN else group.get(bound['metric'])
    if metric is None or not math.isfinite(metric['value']):
        return None
    return abs(metric['value']) if bound['slice'] == BETWEEN else float(metric['value'])


def _reason(bound: Mapping[str, Any], value: float | None, groups: Mapping[str, Mapping[str, Any]]) -> str:
    where = bound['slice'] if bound['slice'] in (OVERALL, BETWEEN) else f'gender {bound["slice"]}'
    limit = f'at least {bound["low"]:.6g}' if 'low' in bound else f'at most {bound["high"]:g}'
    if value is None:
        empty = bound['slice'] != BETWEEN and not groups.get(bound['slice'], {}).get('examples')
        why = 'no examples' if empty else 'one class'
        return f'{where}: {bound["metric"]} is undefined ({why}) where {limit} is asked for'
    number = f'{value:d}' if isinstance(value, int) else f'{value:.4f}'
    side = f'below {bound["low"]:.6g}' if 'low' in bound else f'above {bound["high"]:g}'
    line = f'{where}: {bound["metric"]} {number} is {side}'
    if 'baseline' in bound:
        margin = bound['baseline'] - bound['low']
        line += f': the last blessed model has {bound["baseline"]:.4f}, and the margin is {margin:g}'
    return line


def reasons(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why a model is not blessed, a line for each bound that was not met; none if it is."""
    return [row['reason'] for row in rows if not row['met']]


def write(folder: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes what `check` returned beside the evaluation."""
    write_text(any_path(folder) / FILE, json.dumps(list(rows), indent=1, allow_nan=False) + '\n')


def read(folder: str | Path) -> list[dict[str, Any]]:
    """What `check` returned, from the evaluation artifact's folder.

    Raises:
      RunError: the evaluation was made before bounds were kept with it.
    """
    file = any_path(folder) / FILE
    if not file.exists():
        raise RunError(f'{folder}: evaluated by an earlier version (it has no {FILE}); run the pipeline again')
    rows: list[dict[str, Any]] = json.loads(file.read_text('utf-8'))
    return rows
