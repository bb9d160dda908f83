# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The report as files: metrics.json and a self-contained HTML page."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from components.files import write_text
from pipeline.report import text

#: The folder in a run directory.
FOLDER = 'report'


def write(output: Path, result: dict[str, Any]) -> Path:
    """Writes `report/metrics.json` and `report/index.html`, each whole or not at all.

    Args:
      output: the run directory.
      result: what `collect` returned.

    Returns:
      The path of the page.
    """
    folder = output / FOLDER
    folder.mkdir(exist_ok=True)
    # NaN is not JSON: allow_nan makes it an error here and not in whoever reads the file.
    write_text(folder / 'metrics.json', json.dumps(result, indent=1, allow_nan=False) + '\n')
    page = folder / 'index.html'
    write_text(page, render(result))
    return page


def render(result: dict[str, Any]) -> str:
    """The page as HTML; every value is escaped, nothing is loaded from elsewhere."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = (resources.files('pipeline.report') / 'template.html').read_text('utf-8')
    return environment.from_string(template).render(
        result=result, headline=text.headline_rows(result), columns=(*text.COLUMNS, 'auc_pr')
    )
