# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The runs of a run directory, from its metadata: for the report's comparison and for a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.errors import RunError
from components.evaluator import metrics, thresholds
from components.io.files import any_path
from pipeline.report import table
from pipeline.runs import metadata

#: The runner writes each run's facts to a file of this folder.
RUNS = 'runs'

_LONGEST = 30
_DONE = ('COMPLETE', 'CACHED')

#: What a run is remembered by, for all faces, men and women.
MEASURES = ('accuracy', 'precision', 'recall', 'specificity', 'auc')


def facts_file(output: Path, run_id: str) -> Path:
    """Where a run's own facts are."""
    return output / RUNS / f'{run_id}.json'


def answers_file(output: Path, run_id: str) -> Path:
    """Where the report keeps which test faces a run is right about, see `paired.keep`."""
    return output / RUNS / f'{run_id}.answers.json'


def read(output: Path, until: str | None = None) -> list[dict[str, Any]]:
    """The runs of a run directory.

    Args:
      output: the run directory.
      until: the id of the last run to look at; None looks at all.

    Returns:
      The last 30, oldest first: 'id', 'started', 'state' ('finished' or 'stopped in <component>'), and for those that
      finished 'blessed', 'seconds', 'data_fingerprint', 'base_sha256', 'settings' (each key of the configuration as
      text) and 'metrics' ({'overall'|'male'|'female': {'examples', and each of `MEASURES`}}).

    Raises:
      InputError: the directory has no metadata.
    """
    found = metadata.runs(output)
    if until is not None:
        last = next((number for number, run in enumerate(found) if run.id == until), len(found) - 1)
        found = found[: last + 1]
    evaluations: dict[str, dict[str, Any]] = {}
    return [_entry(output, run, evaluations) for run in found[-_LONGEST:]]


def _entry(output: Path, run: metadata.Run, evaluations: dict[str, dict[str, Any]]) -> dict[str, Any]:
    entry: dict[str, Any] = {'id': run.id, 'started': run.started}
    evaluation = run.output('Evaluator', 'evaluation')
    facts = facts_file(output, run.id)
    broken = [stage.name for stage in run.stages if stage.state not in _DONE]
    if broken or not facts.is_file() or evaluation is None or not any_path(evaluation.uri).is_dir():
        return entry | {'state': f'stopped in {broken[0] if broken else run.stages[-1].name}'}
    if not any_path(evaluation.uri, thresholds.FILE).exists():
        return entry | {'state': 'finished with an earlier version'}
    if evaluation.uri not in evaluations:  # runs that took it from the cache share one
        evaluations[evaluation.uri] = _evaluation(evaluation.uri)
    known = json.loads(facts.read_text('utf-8'))
    return entry | {
        'state': 'finished',
        'seconds': round(known['duration_s'], 1),
        'data_fingerprint': known['data_fingerprint'],
        'base_sha256': known['caffemodel_sha256'],
        'settings': settings(known['config']),
        **evaluations[evaluation.uri],
    }


def _evaluation(folder: str) -> dict[str, Any]:
    overall, slices = metrics.read_evaluation(folder)
    rows = table.headline_rows({'overall': overall, 'slices': slices})
    return {
        'blessed': not thresholds.reasons(thresholds.read(folder)),
        'metrics': {
            name: {'examples': values['examples'], **{measure: values[measure] for measure in MEASURES}}
            for name, values in rows
        },
    }


def settings(config: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """A configuration's keys and values as text: {'trainer.epochs': '10', ...}."""
    return {
        f'{section}.{key}': json.dumps(value, ensure_ascii=False)
        for section, keys in config.items()
        for key, value in keys.items()
    }


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What is different in the inputs of two finished runs: (what, before, after).

    A key that only one of them has reads '–' in the other.
    """
    rows = []
    for name, key in (('data', 'data_fingerprint'), ('base weights', 'base_sha256')):
        if before[key] != after[key]:
            rows.append((name, before[key][:12], after[key][:12]))
    one, other = before['settings'], after['settings']
    for key in [*one, *(key for key in other if key not in one)]:
        if one.get(key) != other.get(key):
            rows.append((key, one.get(key, '–'), other.get(key, '–')))
    return rows


def listing(output: Path) -> str:
    """The runs as a table for a terminal, oldest first, one line a run.

    Args:
      output: the run directory.

    Raises:
      InputError: the directory has no metadata.
      RunError: it has no run.
    """
    entries = read(output)
    if not entries:
        raise RunError(f'{output}: no run here yet; start one with "run"')
    width = max(len(entry['id']) for entry in entries)
    lines = [
        f'{"run":<{width}}  {"verdict":<12}{"seconds":>9}'
        + ''.join(f'{name:>13}' for name in MEASURES)
        + '  male/female'
    ]
    for entry in entries:
        if entry['state'] != 'finished':
            lines.append(f'{entry["id"]:<{width}}  {entry["state"]}')
            continue
        measured = entry['metrics']
        cells = ''.join(f'{_number(measured["overall"][name]):>13}' for name in MEASURES)
        genders = '/'.join(_number(measured.get(name, {}).get('accuracy')) for name in ('male', 'female'))
        verdict = 'blessed' if entry['blessed'] else 'not blessed'
        lines.append(f'{entry["id"]:<{width}}  {verdict:<12}{entry["seconds"]:>9.1f}{cells}  {genders}')
    return '\n'.join(lines)


def _number(metric: Mapping[str, float] | None) -> str:
    return f'{metric["value"]:.3f}' if metric else '–'
