# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The report as files: metrics.json, a self-contained HTML page and the model card."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import yaml
from markupsafe import Markup

from components.evaluator import metrics
from components.io.files import write_text
from pipeline.report import card, charts, stage_graph, table, words
from pipeline.report.collect import DETAILS
from pipeline.runs import history

#: The folder in a run directory.
FOLDER = 'report'


def write(output: Path, result: dict[str, Any]) -> Path:
    """Writes `report/metrics.json`, `report/model_card.md` and `report/index.html`, each whole or not at all.

    Args:
      output: the run directory.
      result: what `collect` returned.

    Returns:
      The path of the page.
    """
    folder = output / FOLDER
    folder.mkdir(exist_ok=True)
    write_text(folder / 'metrics.json', measured(result))
    write_text(folder / 'model_card.md', card.markdown(card.sections(result)))
    page = folder / 'index.html'
    write_text(page, render(result))
    return page


def measured(result: dict[str, Any]) -> str:
    """The content of `metrics.json`."""
    kept = {key: value for key, value in result.items() if key != DETAILS}
    # NaN is not JSON: allow_nan makes it an error here and not in whoever reads the file.
    return json.dumps(kept, indent=1, allow_nan=False) + '\n'


def render(result: dict[str, Any]) -> str:
    """The page as HTML.

    Every value is escaped; style, script, data and images are inside, and a content security policy allows just
    those by their hashes, so that nothing is loaded from elsewhere and nothing in a file's name can run.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader('pipeline.report', '.'),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (_asset(name) for name in ('style.css', 'script.js'))
    environment.filters.update(
        percent=words.percent, named=words.named, seconds=words.seconds, first_upper=words.first_upper
    )
    environment.globals.update(charts=charts, graph=stage_graph)
    details = result[DETAILS]
    ended = [run for run in details['history'] if run['state'] == 'finished']
    return environment.get_template('template.html').render(
        result=result,
        details=details,
        words=words,
        headline=table.headline_rows(result),
        columns=(*table.COLUMNS, 'auc_pr'),
        slices=sorted(result['slices'], key=lambda item: item['metrics']['accuracy']['value']),
        kinds=list(dict.fromkeys(kind(item['slice']) for item in result['slices'])),
        kind=kind,
        heat=heat(result['slices']),
        gaps=[('all', result['gap']), *_gaps(result['slices'])],
        ended=ended,
        pair=details['paired'].get(f'{len(ended) - 2} {len(ended) - 1}'),
        changes=history.changes(ended[-2], ended[-1]) if len(ended) > 1 else [],
        learned=[name for name in details['learning'] if learned(details['learning'], name)],
        tuned=[name for name in details['fine_tuning'] or () if learned(details['fine_tuning'], name)],
        card=card.sections(result),
        config=yaml.safe_dump(result['config'], sort_keys=False, allow_unicode=True),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        data=_json(
            {
                'thresholds': details['thresholds'],
                'runs': ended,
                'paired': details['paired'],
                'run': result['run']['id'],
            }
        ),
    )


def _asset(name: str) -> Markup:
    return Markup((resources.files('pipeline.report') / name).read_text('utf-8'))  # noqa: S704 - our own file


def _hash(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _json(value: Any) -> Markup:
    """JSON for a script element: nothing in it can end the element or begin a comment."""
    written = json.dumps(value, allow_nan=False, separators=(',', ':'))
    return Markup(written.replace('&', '\\u0026').replace('<', '\\u003c').replace('>', '\\u003e'))  # noqa: S704


def learned(history: dict[str, list[float]], measure: str) -> bool:
    """Whether a measure was taken on both splits and stayed finite, so that there is a curve to draw."""
    series = [history.get(measure, []), history.get(f'val_{measure}', [])]
    return all(series) and all(math.isfinite(value) for values in series for value in values)


def kind(where: dict[str, str]) -> str:
    """What a slice is cut by: 'gender', 'age band', 'age band × gender'."""
    return ' × '.join(sorted(name.replace('_', ' ') for name in where))


def heat(slices: list[dict[str, Any]]) -> list[tuple[str, dict[str, dict[str, Any]]]]:
    """The metrics by age band and gender: [(band, {'male', 'female', 'both': ...})]; a missing slice is missing."""
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for item in slices:
        where = item['slice']
        if 'age_band' in where and set(where) <= {'age_band', 'gender'}:
            rows.setdefault(where['age_band'], {})[where.get('gender', 'both')] = item['metrics']
    return sorted(rows.items())


def _gaps(slices: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [
        (words.named(item['slice']), metrics.gap(item['metrics']))
        for item in slices
        if len(item['slice']) == 1 and 'gender' not in item['slice']
    ]
