# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`run`, `report` and `runs`: what makes and shows runs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from components.errors import RunError
from components.io import trees
from pipeline import config as configuration
from pipeline.commands import beam


def add(commands: Any) -> None:
    """Declares the commands."""
    run = commands.add_parser('run', help='run the pipeline on this machine')
    run.add_argument(
        '--data', type=_data, required=True, metavar='DIR|URI',
        help='the folder that has combined/, on this machine or as gs://BUCKET/FOLDER',
    )  # fmt: skip
    run.add_argument('--prototxt', type=Path, required=True, metavar='FILE', help="the network's description")
    run.add_argument('--caffemodel', type=Path, required=True, metavar='FILE', help='its weights')
    run.add_argument(
        '--output', type=Path, required=True, metavar='DIR', help='the run directory; what is done is not done again'
    )
    run.add_argument(
        '--config', default='vgg_face', metavar='NAME|FILE',
        help=f'{", ".join(configuration.bundled())}, or a YAML file (default: vgg_face)',
    )  # fmt: skip
    run.add_argument(
        '--set', action='append', default=[], metavar='KEY=VALUE', help='override a key, e.g. trainer.epochs=20'
    )
    beam.add(run)
    run.set_defaults(command=_run)

    report = commands.add_parser('report', help='rebuild the report of the last run that came to its end')
    report.add_argument('--output', type=Path, required=True, metavar='DIR', help='the run directory')
    report.add_argument(
        '--table', action='store_true', help='only print the last table of metrics, overall and by gender'
    )
    report.set_defaults(command=_report)

    runs = commands.add_parser('runs', help='list the runs of a run directory with their metrics')
    runs.add_argument('--output', type=Path, required=True, metavar='DIR', help='the run directory')
    runs.set_defaults(command=_runs)


def _data(text: str) -> Path | str:
    # A Path would make one slash of two.
    return text if trees.is_uri(text) else Path(text)


def _run(options: argparse.Namespace) -> int:
    config = configuration.load(options.config, [*beam.overrides(options), *options.set])
    from pipeline.runners import local

    result = local.run(
        config, data=options.data, prototxt=options.prototxt, caffemodel=options.caffemodel, output=options.output
    )
    _summary(options.output, result)
    return 0 if result['blessed'] else config.evaluation.exit_status_not_blessed


def _report(options: argparse.Namespace) -> int:
    from pipeline.report import collect, page
    from pipeline.runs import metadata, run_directory

    if options.table:
        print(_table(options.output))
        return 0
    ended = [run for run in metadata.runs(options.output) if collect.facts_file(options.output, run.id).is_file()]
    if not ended:
        raise RunError(f'{options.output}: no run came to its end here yet; run it again')
    with run_directory.logged(options.output / 'logs' / 'report.log'):
        result = collect.collect(options.output, ended[-1])
        page.write(options.output, result)
    _summary(options.output, result)
    return 0


def _table(output: Path) -> str:
    """The notebook's table of the report that is there, without TFX and TensorFlow."""
    from pipeline.report import table
    from pipeline.runs import metadata

    file = output / 'report' / 'metrics.json'
    if not file.is_file():
        metadata.runs(output)  # which says what is wrong with a folder that is none
        raise RunError(f'{output}: no run came to its end here yet; run it again')
    return table.table(json.loads(file.read_text('utf-8')))


def _runs(options: argparse.Namespace) -> int:
    from pipeline.runs import history, run_directory

    with run_directory.quiet():
        print(history.listing(options.output))
    return 0


def _summary(output: Path, result: dict) -> None:
    from components.stratified_example_gen.ingestion_summary import IngestionSummary
    from pipeline.report import page, table

    print(IngestionSummary(**result['data']).describe())
    print(table.table(result))
    if result['blessed']:
        pushed, root = Path(result['pushed']), output.resolve()
        shown = output / pushed.relative_to(root) if pushed.is_relative_to(root) else pushed
        withdrawn = '' if pushed.is_dir() else ' before, and withdrawn since (see the command "latest")'
        print(f'Blessed. Pushed to {shown}{withdrawn}')
    else:
        print('Not blessed, and not pushed:')
        for reason in result['reasons']:
            print(f'  {reason}')
    print(f'Report: {output / page.FOLDER / "index.html"}')
