# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The runs of a run directory with their metrics, for the report's comparison and for a terminal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from components.errors import RunError
from components.evaluator import metrics, thresholds
from components.evaluator.metrics import Evaluation, Metric, SliceMetrics
from components.io.files import any_path
from components.names import GENDERS
from pipeline.runs import metadata, run_facts
from pipeline.runs.run_facts import RunFacts

_MOST_RUNS = 30

#: The metrics that tables show.
COLUMNS = ('accuracy', 'precision', 'recall', 'specificity', 'auc')
_HEAD = ''.join(f'{name:>13}' for name in COLUMNS)


@dataclass(frozen=True)
class Entry:
    """A run; `state` is 'finished' or why it has no metrics, e.g. 'stopped in Trainer'."""

    id: str
    started: str
    state: str


@dataclass(frozen=True)
class Finished(Entry):
    """A run with metrics."""

    blessed: bool
    facts: RunFacts
    metrics: dict[str, SliceMetrics]  # see `Evaluation.by_gender`


def read(output: Path, until: str | None = None) -> list[Entry]:
    """The last 30 runs of a run directory, oldest first.

    Args:
      output: the run directory.
      until: the id of the last run to return; None for no limit.

    Raises:
      InputError: the directory has no metadata.
    """
    found = metadata.runs(output)
    if until is not None:
        last = next((number for number, run in enumerate(found) if run.id == until), len(found) - 1)
        found = found[: last + 1]
    evaluations: dict[str, tuple[bool, dict[str, SliceMetrics]]] = {}
    return [_entry(output, run, evaluations) for run in found[-_MOST_RUNS:]]


def _entry(output: Path, run: metadata.Run, evaluations: dict[str, tuple[bool, dict[str, SliceMetrics]]]) -> Entry:
    evaluation = run.output('Evaluator', 'evaluation')
    facts = run_facts.read(output, run.id)
    if run.stopped_in or not facts or evaluation is None or not any_path(evaluation.uri).is_dir():
        return Entry(run.id, run.started, f'stopped in {run.stopped_in or run.stages[-1].name}')
    folder = evaluation.uri
    if not any_path(folder, thresholds.FILE).exists():
        return Entry(run.id, run.started, 'finished with an earlier version')
    if folder not in evaluations:  # runs share an evaluation that came from the cache
        blessed = not thresholds.reasons(thresholds.read(folder))
        evaluations[folder] = blessed, metrics.read(folder).by_gender()
    blessed, measured = evaluations[folder]
    return Finished(run.id, run.started, 'finished', blessed, facts, measured)


def changes(before: Finished, after: Finished) -> list[tuple[str, str, str]]:
    """The inputs that differ between two runs: (name, before, after); '–' where a run lacks the key."""
    one, other = _inputs(before.facts), _inputs(after.facts)
    keys = dict.fromkeys([*one, *other])
    return [(key, one.get(key, '–'), other.get(key, '–')) for key in keys if one.get(key) != other.get(key)]


def _inputs(facts: RunFacts) -> dict[str, str]:
    settings = {
        f'{section}.{key}': json.dumps(value, ensure_ascii=False)
        for section, keys in facts.config.items()
        for key, value in keys.items()
    }
    return {'data': facts.data_fingerprint[:12], 'base weights': facts.caffemodel_sha256[:12], **settings}


def metrics_table(evaluation: Evaluation) -> str:
    """The metrics overall and by gender as a table for a terminal; '–' where undefined."""
    lines = [f'{"test split":<12}{"examples":>9}{_HEAD}']
    for name, measured in evaluation.by_gender().items():
        lines.append(f'{name:<12}{measured.examples:>9}{_cells(measured)}')
    return '\n'.join(lines)


def listing(output: Path) -> str:
    """The runs of a run directory as a table for a terminal: oldest first, one line a run.

    Raises:
      InputError: the directory has no metadata.
      RunError: it has no run.
    """
    entries = read(output)
    if not entries:
        raise RunError(f'{output}: no run here yet; start one with "run"')
    width = max(len(entry.id) for entry in entries)
    lines = [f'{"run":<{width}}  {"verdict":<12}{"seconds":>9}{_HEAD}  male/female']
    for entry in entries:
        if not isinstance(entry, Finished):
            lines.append(f'{entry.id:<{width}}  {entry.state}')
            continue
        cells = _cells(entry.metrics[metrics.OVERALL])
        genders = [entry.metrics.get(name) for name in GENDERS]
        accuracies = '/'.join(_number(gender.accuracy if gender else None) for gender in genders)
        verdict = 'blessed' if entry.blessed else 'not blessed'
        lines.append(f'{entry.id:<{width}}  {verdict:<12}{entry.facts.duration_s:>9.1f}{cells}  {accuracies}')
    return '\n'.join(lines)


def _cells(measured: SliceMetrics) -> str:
    return ''.join(f'{_number(getattr(measured, column)):>13}' for column in COLUMNS)


def _number(metric: Metric | None) -> str:
    return f'{metric.value:.3f}' if metric else '–'
