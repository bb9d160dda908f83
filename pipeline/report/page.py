# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The report as files: metrics.json, a self-contained HTML page and the model card."""

from __future__ import annotations

import base64
import bisect
import csv
import dataclasses
import hashlib
import io
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
from components.evaluator.metrics import OVERALL, Evaluation, Metric, Slice, SliceMetrics, slice_name
from components.io.files import write_text
from pipeline.report import card, charts, compared, run_data, stage_graph, words
from pipeline.report.content import Report
from pipeline.report.curves import THRESHOLDS, Curves
from pipeline.report.faces import Face
from pipeline.runs import history

#: The folder in a run directory.
FOLDER = 'report'


def write(output: Path, report: Report, folder_name: str = FOLDER) -> None:
    """Writes metrics.json, index.html and, after training, model_card.md into `report/`, each atomically."""
    folder = output / folder_name
    folder.mkdir(parents=True, exist_ok=True)
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
    style = _asset('style.css')
    # One function, so that the parts share names and none is global.
    parts = Markup('\n').join(_asset(f'scripts/{name}.js') for name in _SCRIPTS)
    script = Markup("'use strict';\n(() => {\n") + parts + Markup('})();')
    environment.filters.update(percent=words.percent, seconds=words.seconds, first_upper=words.first_upper)
    environment.globals.update(charts=charts, graph=stage_graph, words=words, sentence=compared.sentence)
    details, evaluation, finished = report.details, report.evaluation, report.run.finished
    bits = run_data.bits(report.run)
    places = {'': 0} | {item.name: number for number, item in enumerate(evaluation.slices, 1)}
    value_names = report.run.facts.config.get('report', {}).get('names', {})

    def title(item: Slice) -> str:
        """The slice's name with the names of attribute values: 'race 0: white'."""
        return ', '.join(
            slice_name({name: value}) + (f': {value_names[name][value]}' if value in value_names.get(name, {}) else '')
            for name, value in sorted(item.slice.items())
        )

    return environment.get_template('template.html').render(
        report=report,
        details=details,
        overall=evaluation.overall,
        columns=(*history.COLUMNS, 'auc_pr'),
        by_gender=[
            (name, measured, places['' if name == OVERALL else name])
            for name, measured in evaluation.by_gender().items()
        ],
        places=places,
        names=title,
        option_slices=[('', 'all faces'), *((item.name, title(item)) for item in evaluation.slices)],
        heat_places={
            (item.slice.get(names.GENDER, 'both'), item.slice[names.AGE_BAND]): places[item.name]
            for item in evaluation.slices
            if names.AGE_BAND in item.slice and set(item.slice) <= {names.AGE_BAND, names.GENDER}
        },
        csv=_csv(evaluation),
        slices=sorted(evaluation.slices, key=lambda item: item.metrics.accuracy.value),
        kinds=list(dict.fromkeys(kind(item.slice) for item in evaluation.slices)),
        kind=kind,
        heat=heat(evaluation.slices),
        found=report.findings,
        worst=evaluation.weakest,
        gaps=[('all', evaluation.overall.gap), *_gaps(evaluation.slices)],
        finished=finished,
        pair=run_data.pair(report.run),
        compared=run_data.first(report.run),
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
                'slices': _slices(evaluation, details.curves),
                'faces': [_face(face, bits.get(face.path)) for face in details.faces.all],
                'columns': sorted({name for face in details.faces.all[:1] for name in face.columns}),
                'names': value_names,
                'run': report.run.id,
                **run_data.of(report.run),
            }
        ),
    )


_SCRIPTS = ('statistics', 'state', 'threshold', 'slices', 'runs', 'faces', 'charts', 'page')


def _slices(evaluation: Evaluation, found: Curves) -> list[dict[str, Any]]:
    """All faces and then the slices: name, feature values, counts by threshold, and the areas, which have none."""
    groups = [('', {}, evaluation.overall), *((item.name, item.slice, item.metrics) for item in evaluation.slices)]
    return [
        {
            'name': name,
            'where': where,
            **dataclasses.asdict(counts),
            'auc': metrics.auc and dataclasses.asdict(metrics.auc),
            'auc_pr': metrics.auc_pr and dataclasses.asdict(metrics.auc_pr),
        }
        for (name, where, metrics), counts in zip(groups, found.slices, strict=True)
    ]


def _face(face: Face, bit: int | None) -> dict[str, Any]:
    # At position i of the slider, a face is predicted female if more than i thresholds are below its score.
    row = {
        'gender': face.gender,
        'age': face.age,
        names.AGE_BAND: face.band,
        'score': round(face.score, 4),
        'cuts': bisect.bisect_left(THRESHOLDS, face.score),
        'path': face.path,
        'bit': bit,
        **face.columns,
    }
    return row | ({'image': face.image} if face.image else {})


def _csv(evaluation: Evaluation) -> str:
    """The metrics of every slice, one row each."""
    columns = ('accuracy', 'precision', 'recall', 'specificity', 'auc', 'auc_pr')
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator='\n')
    writer.writerow(['slice', 'faces', *(f'{name}{end}' for name in columns for end in ('', '_low', '_high'))])
    for name, metrics in [('overall', evaluation.overall), *((item.name, item.metrics) for item in evaluation.slices)]:
        values = [getattr(metrics, column) for column in columns]
        ends = [f'{end:.6f}' if value else '' for value in values for end in _ends(value)]
        writer.writerow([name, metrics.examples, *ends])
    return stream.getvalue()


def _ends(metric: Metric | None) -> tuple[float, float, float]:
    return (metric.value, metric.low, metric.high) if metric else (math.nan, math.nan, math.nan)


def _asset(name: str) -> Markup:
    return Markup((resources.files('pipeline.report') / name).read_text('utf-8'))  # noqa: S704 - our own file


def _hash(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _json(value: Any) -> Markup:
    """JSON for a script element; escaped so that it cannot end the element or start a comment."""
    written = json.dumps(value, allow_nan=False, separators=(',', ':'))
    return Markup(written.replace('&', '\\u0026').replace('<', '\\u003c').replace('>', '\\u003e'))  # noqa: S704


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
