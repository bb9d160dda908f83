# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The runs of a run directory with their metrics, for the report's comparison and for a terminal."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import InputError, RunError
from components.evaluator import metrics, thresholds
from components.evaluator.metrics import Evaluation, Metric, SliceMetrics
from components.io.files import any_path
from components.names import GENDERS
from components.settings import suggestion
from pipeline.runs import metadata, run_facts
from pipeline.runs.run_facts import RunFacts

_MOST_RUNS = 30

_EARLIER = 'finished with an earlier version'
_REPEAT = 'repeat its command "run": unchanged stages come from the cache'

# Settings that name a run and change nothing.
_LABELS = ('report.run_name', 'report.note')

#: The metrics that tables show.
COLUMNS = ('accuracy', 'precision', 'recall', 'specificity', 'auc')


def title(column: str) -> str:
    """A metric's name in tables and sentences."""
    return {'auc': 'AUC', 'auc_pr': 'AUC-PR', 'examples': 'faces'}.get(column, column)


_HEAD = ''.join(f'{title(name):>13}' for name in COLUMNS)


@dataclass(frozen=True)
class Entry:
    """A run; `state` is 'finished' or why it has no metrics, e.g. 'stopped in Trainer'."""

    id: str
    started: str
    state: str

    @property
    def title(self) -> str:
        """The id, with the run's name if it has one: '2026-11-26T10-00-00.000 (wide head)'."""
        return self.id


@dataclass(frozen=True)
class Finished(Entry):
    """A run with metrics."""

    blessed: bool
    facts: RunFacts
    evaluation: Evaluation

    @property
    def metrics(self) -> dict[str, SliceMetrics]:
        """See `Evaluation.by_gender`."""
        return self.evaluation.by_gender()

    @property
    def title(self) -> str:
        """See `Entry.title`."""
        return f'{self.id} ({self.facts.name})' if self.facts.name else self.id


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
    evaluations: dict[str, tuple[bool, Evaluation]] = {}
    return [_entry(output, run, evaluations) for run in found[-_MOST_RUNS:]]


def known(output: Path) -> list[Entry]:
    """As `read`, but raises RunError if there is no run."""
    entries = read(output)
    if not entries:
        raise RunError(f'{output}: no run here yet; start one with "run"')
    return entries


def _entry(output: Path, run: metadata.Run, evaluations: dict[str, tuple[bool, Evaluation]]) -> Entry:
    evaluation = run.output('Evaluator', 'evaluation')
    facts = run_facts.read(output, run.id)
    if run.stopped_in or not facts or evaluation is None or not any_path(evaluation.uri).is_dir():
        return Entry(run.id, run.started, f'stopped in {run.stopped_in or run.stages[-1].name}')
    folder = evaluation.uri
    if not any_path(folder, thresholds.FILE).exists():
        return Entry(run.id, run.started, _EARLIER)
    if folder not in evaluations:  # runs share an evaluation that came from the cache
        blessed = not thresholds.reasons(thresholds.read(folder))
        evaluations[folder] = blessed, metrics.read(folder)
    blessed, measured = evaluations[folder]
    return Finished(run.id, run.started, 'finished', blessed, facts, measured)


def find(entries: Sequence[Entry], wanted: str) -> Finished:
    """Finds a finished run by its id, its name (the last run of that name), or the start of its id if only one fits.

    Raises:
      InputError: none or several fit, or the run has no metrics.
    """
    named = [entry for entry in entries if isinstance(entry, Finished) and entry.facts.name == wanted]
    begun = [entry for entry in entries if entry.id.startswith(wanted)]
    exact = [entry for entry in entries if entry.id == wanted]
    found = exact or named[-1:] or begun
    if len(found) != 1:
        what = f'{len(found)} runs begin with this' if found else 'no such run'
        raise InputError(f'run {wanted!r}: {what}; {suggestion(wanted, [entry.id for entry in found or entries])}')
    if not isinstance(found[0], Finished):
        raise InputError(
            f'run {found[0].id}: {found[0].state}, so it has no metrics; give a finished run, or {_REPEAT}'
        )
    return found[0]


def finished(output: Path, entries: Sequence[Entry], wanted: str | None = None) -> Finished:
    """The run that `find` finds among the entries of `output`, or the last finished one.

    Raises:
      InputError: as `find` raises it.
      RunError: no run has finished.
    """
    if wanted:
        return find(entries, wanted)
    done = [entry for entry in entries if isinstance(entry, Finished)]
    if not done:
        raise no_completed_run(output, entries)
    return done[-1]


def no_completed_run(output: Path, entries: Sequence[Entry] = ()) -> RunError:
    """The error of a run directory without results; `entries` are its runs, if they are known."""
    earlier = any(entry.state == _EARLIER for entry in entries)
    what = f'the runs here {_EARLIER}' if earlier else 'no completed run here'
    return RunError(f'{output}: {what}; {_REPEAT}')


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
        if f'{section}.{key}' not in _LABELS
    }
    return {'data': facts.data_fingerprint[:12], 'base weights': facts.caffemodel_sha256[:12], **settings}


def metrics_table(evaluation: Evaluation) -> str:
    """The metrics overall and by gender as a table for a terminal; '–' where undefined."""
    lines = [f'{"test split":<12}{title("examples"):>9}{_HEAD}']
    for name, measured in evaluation.by_gender().items():
        lines.append(f'{name:<12}{measured.examples:>9}{_cells(measured)}')
    return '\n'.join(lines)


def as_json(entry: Entry) -> dict[str, Any]:
    """A run for programs: id, started and state; of a finished run also its inputs, configuration and metrics."""
    found: dict[str, Any] = {'id': entry.id, 'started': entry.started, 'state': entry.state}
    if isinstance(entry, Finished):
        facts: Mapping[str, Any] = dataclasses.asdict(entry.facts)
        found |= {'name': entry.facts.name or None, 'note': entry.facts.note or None, 'blessed': entry.blessed}
        found |= {**facts, 'metrics': {name: dataclasses.asdict(group) for name, group in entry.metrics.items()}}
    return found


def listing(output: Path) -> str:
    """The runs of a run directory as a table for a terminal: oldest first, one line a run.

    Raises:
      InputError: the directory has no metadata.
      RunError: it has no run.
    """
    entries = known(output)
    width = max(len(entry.id) for entry in entries)
    lines = [f'{"run":<{width}}  {"verdict":<12}{"seconds":>9}{_HEAD}  male/female  name']
    for entry in entries:
        if not isinstance(entry, Finished):
            lines.append(f'{entry.id:<{width}}  {entry.state}')
            continue
        cells = _cells(entry.metrics[metrics.OVERALL])
        genders = [entry.metrics.get(name) for name in GENDERS]
        accuracies = '/'.join(_number(gender.accuracy if gender else None) for gender in genders)
        verdict = 'blessed' if entry.blessed else 'not blessed'
        line = f'{entry.id:<{width}}  {verdict:<12}{entry.facts.duration_s:>9.1f}{cells}  {accuracies:<11}'
        lines.append(f'{line}  {entry.facts.name}'.rstrip())
    return '\n'.join(lines)


def _cells(measured: SliceMetrics) -> str:
    return ''.join(f'{_number(getattr(measured, column)):>13}' for column in COLUMNS)


def _number(metric: Metric | None) -> str:
    return f'{metric.value:.3f}' if metric else '–'
