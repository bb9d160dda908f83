# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A Jupyter notebook with TFMA's and TFDV's views of a run."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from importlib import resources
from pathlib import Path

from components.errors import InputError
from components.io.files import write_text

#: The folder of notebooks in a run directory.
FOLDER = 'notebook'

# What Jupyter loads: the switch for TFMA's widgets.
_JUPYTER = Path(str(resources.files('pipeline.report'))) / 'jupyter'


def prepare(output: Path, run_id: str) -> Path:
    """Writes the notebook of a run into its run directory, unless it is there: it may have been edited.

    Raises:
      InputError: the extra `notebook` is not installed.
    """
    missing = [name for name in ('nbclassic', 'ipykernel', 'witwidget') if not importlib.util.find_spec(name)]
    if missing:
        raise InputError(
            f'no {" and ".join(missing)} here; install the extra: pip install "face-gender-pipeline[notebook]"'
        )
    file = output / FOLDER / f'{run_id}.ipynb'
    if not file.is_file():
        template = (resources.files('pipeline.report') / 'notebook.ipynb').read_text('utf-8')
        for name, value in (('OUTPUT', str(output.resolve())), ('RUN', run_id)):
            template = template.replace(f"'{name}'", json.dumps(json.dumps(value, ensure_ascii=False))[1:-1])
        file.parent.mkdir(exist_ok=True)
        write_text(file, template)
    return file


def start(file: Path, port: int, browser: bool) -> int:
    """Starts Jupyter with the notebook open, until it is stopped; returns its exit status."""
    arguments = [
        sys.executable, '-m', 'nbclassic', str(file), f'--ServerApp.port={port}', '--ServerApp.ip=127.0.0.1',
        '--NotebookApp.show_banner=False', f'--ServerApp.root_dir={file.parent.resolve()}',
    ]  # fmt: skip
    if not browser:
        arguments.append('--no-browser')
    if os.name == 'posix' and os.geteuid() == 0:
        arguments.append('--allow-root')
    for name in ('JUPYTER_PATH', 'JUPYTER_CONFIG_PATH'):
        os.environ[name] = os.pathsep.join(filter(None, [str(_JUPYTER), os.environ.get(name)]))
    os.execv(sys.executable, arguments)  # noqa: S606 - signals and the exit status are Jupyter's own
