# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`notebook`: look at a run in Jupyter with TFMA's and TFDV's own views."""

from __future__ import annotations

import argparse
from typing import Any

from pipeline.commands import arguments


def add(commands: Any) -> None:
    """Declares the command."""
    notebook = commands.add_parser(
        'notebook', help="look at a run in Jupyter with TFMA's and TFDV's views",
        description="Starts Jupyter on this machine with a notebook of a finished run: TFMA's slicing metrics, plots "
        "and Fairness Indicators, and TFDV's statistics. The notebook is kept in OUTPUT/notebook.",
    )  # fmt: skip
    arguments.add_output(notebook)
    notebook.add_argument(
        '--run',
        metavar='RUN',
        help='the run: its id, the start of the id, or its name (default: the last finished one)',
    )
    notebook.add_argument('--port', type=int, default=8888, help='the port of Jupyter (default: %(default)s)')
    notebook.add_argument('--no-browser', action='store_true', help='only print the address')
    notebook.set_defaults(command=_notebook)


def _notebook(options: argparse.Namespace) -> int:
    from pipeline.report import notebook
    from pipeline.runs import history

    run = history.finished(options.output, history.read(options.output), options.run)
    file = notebook.prepare(options.output, run.id)
    print(f'Notebook: {file}', flush=True)
    return notebook.start(file, options.port, not options.no_browser)
