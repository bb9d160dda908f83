# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The report as files: metrics.json, a self-contained HTML page and the model card."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import yaml
from markupsafe import Markup

from components import names
from components.evaluator.metrics import Metric, Slice, SliceMetrics
from components.io.files import write_text
from pipeline.report import card, charts, findings, stage_graph, words
from pipeline.report.content import Report
from pipeline.runs import history

#: The folder in a run directory.
FOLDER = 'report'


def write(output: Path, report: Report) -> None:
    """Writes metrics.json, index.html and, after training, model_card.md into `report/`, each atomically."""
    folder = output / FOLDER
    folder.mkdir(exist_ok=True)
    write_text(folder / 'metrics.json', report.metrics_json())
    if report.training:
        write_text(folder / 'model_card.md', card.markdown(card.sections(report)))
    write_text(folder / 'index.html', render(report))


def render(report: Report) -> str:
    """The page as HTML.

    Every value is escaped. Style, script, data and images are inline, and a content security policy allows only these
    by their hashes: the page loads nothing, and text from file names cannot run.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader('pipeline.report', '.'),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (_asset(name) for name in ('style.css', 'script.js'))
    environment.filters.update(percent=words.percent, seconds=words.seconds, first_upper=words.first_upper)
    environment.globals.update(charts=charts, graph=stage_graph, words=words)
    details, evaluation, finished = report.details, report.evaluation, report.run.finished
    comparisons, found = _comparisons(report), findings.of(evaluation)
    return environment.get_template('template.html').render(
        report=report,
        details=details,
        overall=evaluation.overall,
        columns=(*history.COLUMNS, 'auc_pr'),
        slices=sorted(evaluation.slices, key=lambda item: item.metrics.accuracy.value),
        kinds=list(dict.fromkeys(kind(item.slice) for item in evaluation.slices)),
        kind=kind,
        heat=heat(evaluation.slices),
        found=found,
        worst=min(evaluation.slices, key=lambda item: item.metrics.accuracy.value, default=None),
        gaps=[('all', evaluation.overall.gap), *_gaps(evaluation.slices)],
        finished=finished,
        comparison=comparisons.get(f'{len(finished) - 2} {len(finished) - 1}'),
        learned=plottable(details.learning),
        fine_tuned=plottable(details.fine_tuning or {}),
        card=card.sections(report) if report.training else [],
        config=yaml.safe_dump(report.run.facts.config, sort_keys=False, allow_unicode=True),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=_json(
            {
                'thresholds': [dataclasses.asdict(counts) for counts in details.curves.thresholds],
                'runs': [{name: dataclasses.asdict(group) for name, group in run.metrics.items()} for run in finished],
                'comparisons': comparisons,
            }
        ),
    )


def _asset(name: str) -> Markup:
    return Markup((resources.files('pipeline.report') / name).read_text('utf-8'))  # noqa: S704 - our own file


def _hash(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _json(value: Any) -> Markup:
    """JSON for a script element; escaped so that it cannot end the element or start a comment."""
    written = json.dumps(value, allow_nan=False, separators=(',', ':'))
    return Markup(written.replace('&', '\\u0026').replace('<', '\\u003c').replace('>', '\\u003e'))  # noqa: S704


def _comparisons(report: Report) -> dict[str, dict[str, Any]]:
    """The comparison of every two finished runs, by their places in the list: 'earlier later'."""
    finished = report.run.finished
    return {
        f'{i} {j}': {
            'paired': words.paired(report.run.paired[one.id, other.id], one.id, other.id),
            'changes': history.changes(one, other),
        }
        for j, other in enumerate(finished)
        for i, one in enumerate(finished[:j])
    }


def plottable(measures: Mapping[str, Any]) -> list[str]:
    """The measures that exist for both splits and are finite at every epoch."""
    both = [name for name in measures if measures[name] and measures.get(f'val_{name}')]
    return [name for name in both if all(map(math.isfinite, [*measures[name], *measures[f'val_{name}']]))]


def kind(where: Mapping[str, str]) -> str:
    """The features of a slice: 'gender', 'age band', 'age band × gender'."""
    return ' × '.join(sorted(name.replace('_', ' ') for name in where))


def heat(slices: Iterable[Slice]) -> list[tuple[str, dict[str, SliceMetrics]]]:
    """The metrics by age band: (band, {'male', 'female', 'both'}); combinations without faces are missing."""
    rows: dict[str, dict[str, SliceMetrics]] = {}
    for item in slices:
        if names.AGE_BAND in item.slice and set(item.slice) <= {names.AGE_BAND, names.GENDER}:
            rows.setdefault(item.slice[names.AGE_BAND], {})[item.slice.get(names.GENDER, 'both')] = item.metrics
    return sorted(rows.items())


def _gaps(slices: Sequence[Slice]) -> list[tuple[str, Metric | None]]:
    return [(item.name, item.metrics.gap) for item in slices if len(item.slice) == 1 and not item.by_gender_alone]
