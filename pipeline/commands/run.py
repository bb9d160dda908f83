# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`run`, `report` and `runs`: run the pipeline and show results."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.commands import arguments

if TYPE_CHECKING:
    from pipeline.report.content import Report


def add(commands: Any) -> None:
    """Declares the commands."""
    run = commands.add_parser(
        'run', help='run the pipeline from this machine',
        description='Runs the pipeline. Stages whose inputs, settings and code are unchanged come from the cache. Beam '
        'runs in this process, or elsewhere: see the keys of the section beam.',
    )  # fmt: skip
    run.add_argument(
        '--data', type=arguments.path_or_uri, required=True, metavar='DIR|URI',
        help='the folder of the faces (by default the one with combined/), local, gs:// or s3://BUCKET/FOLDER',
    )  # fmt: skip
    arguments.add_layout(run)
    run.add_argument('--prototxt', type=arguments.path, required=True, metavar='FILE', help="the network's description")
    run.add_argument('--caffemodel', type=arguments.path, required=True, metavar='FILE', help="the network's weights")
    run.add_argument(
        '--output', type=arguments.path, required=True, metavar='DIR', help='the run directory; created if needed'
    )
    arguments.add_config(run, 'trainer.epochs=20')
    arguments.add_display(run)
    run.add_argument(
        '--dry-run', action='store_true',
        help='print the configuration, which components would run, and estimates of time and disk; write nothing',
    )  # fmt: skip
    arguments.add_labels(run)
    run.set_defaults(command=_run, interrupted='interrupted; the same command continues from here')

    report = commands.add_parser(
        'report', help='rebuild the report of a run',
        description='Rebuilds the report of a completed run: that of the last one in OUTPUT/report, that of an earlier '
        'one in OUTPUT/report/RUN.',
    )  # fmt: skip
    arguments.add_output(report)
    report.add_argument(
        '--run', metavar='RUN', help='the run: its id, the start of it, or its name (default: the last)'
    )
    also = report.add_mutually_exclusive_group()
    also.add_argument(
        '--table', action='store_true', help="only print the run's metrics, overall and by gender; rebuild nothing"
    )
    also.add_argument('--against', metavar='RUN', help='also compare it with this run, face by face')
    report.set_defaults(command=_report)

    runs = commands.add_parser('runs', help='list the runs of a run directory with their metrics, or compare two')
    arguments.add_output(runs)
    runs.add_argument(
        '--compare', nargs=2, metavar='RUN',
        help='compare two runs slice by slice, each given by its id, the start of it, or its name',
    )  # fmt: skip
    runs.add_argument('--json', action='store_true', help='print JSON')
    runs.set_defaults(command=_runs)


def _run(options: argparse.Namespace) -> int:
    config = arguments.load_config(options)
    from pipeline.runners import displays, local
    from pipeline.runs.run_inputs import RunInputs

    inputs = RunInputs(options.data, options.prototxt, options.caffemodel)
    if options.dry_run:
        from pipeline.runners import dry_run

        print(config.as_yaml())
        print(dry_run.text(dry_run.plan(config, inputs, options.output)))
        return 0
    display = displays.choose(options.quiet, options.json)
    result = local.run(config, inputs, options.output, display)
    display.result(result.outcome())
    if not options.json and not (options.quiet and result.blessed):
        _summary(options.output, result, 'Pushed')
    return 0 if result.blessed else config.evaluation.exit_status_not_blessed


def _report(options: argparse.Namespace) -> int:
    output = options.output
    if options.table:
        print(_table(output, options.run))
        return 0
    from pipeline.report import collect, page
    from pipeline.runs import history, log_capture, metadata

    entries = history.read(output)
    last = history.finished(output, entries).id
    wanted = history.find(entries, options.run).id if options.run else last
    against = history.find(entries, options.against).id if options.against else None
    # The report of an earlier run does not replace that of the last one.
    folder = page.FOLDER if wanted == last else f'{page.FOLDER}/{wanted}'
    with log_capture.logged(output / 'logs' / 'report.log'):
        result = collect.collect(
            output, next(run for run in metadata.runs(output) if run.id == wanted), against=against
        )
        page.write(output, result, folder)
        differences = _comparison(output, against, wanted) if against else None
    _summary(output, result, 'Its run pushed it', folder)
    if differences is not None:
        print()
        print(differences)
    return 0


def _comparison(output: Path, before: str, after: str, *, as_json: bool = False) -> str:
    from pipeline.report import compared, comparison, predictions
    from pipeline.runs import history

    entries = history.known(output)
    runs = [history.find(entries, name) for name in (before, after)]
    found = comparison.compare(runs[0], runs[1], {run.id: predictions.read(output, run.id) for run in runs})
    return json.dumps(compared.as_json(found), indent=1) if as_json else compared.text(found)


def _table(output: Path, run: str | None) -> str:
    """The table of a run, or of the existing report; imports neither TFX nor TensorFlow."""
    from components.evaluator.metrics import Evaluation
    from pipeline.runs import history, log_capture, metadata

    if run:
        with log_capture.quiet():
            return history.metrics_table(history.find(history.known(output), run).evaluation)
    file = output / 'report' / 'metrics.json'
    if not file.is_file():
        metadata.runs(output)  # raises a better message if this is not a run directory
        raise history.no_completed_run(output)
    return history.metrics_table(Evaluation.from_dict(json.loads(file.read_text('utf-8'))))


def _runs(options: argparse.Namespace) -> int:
    from pipeline.runs import history, log_capture

    with log_capture.quiet():
        if options.compare:
            print(_comparison(options.output, *options.compare, as_json=options.json))
        elif options.json:
            print(json.dumps([history.as_json(entry) for entry in history.known(options.output)], indent=1))
        else:
            print(history.listing(options.output))
    return 0


def _summary(output: Path, result: Report, verb: str, folder: str = 'report') -> None:
    from components.stratified_example_gen.ingestion_summary import IngestionSummary
    from pipeline.report import words
    from pipeline.runs import history

    print(IngestionSummary(**result.data).describe())
    print(history.metrics_table(result.evaluation))
    if result.robustness:
        print(words.robustness(result.robustness))
    if result.blessed:
        pushed, root = Path(result.run.pushed or ''), output.resolve()
        shown = output / pushed.relative_to(root) if pushed.is_relative_to(root) else pushed
        withdrawn = '' if pushed.is_dir() else ' earlier; withdrawn since (see the command "latest")'
        print(f'Blessed. {verb} to {shown}{withdrawn}')
    else:
        print('Not blessed, and not pushed:')
        for reason in result.reasons:
            print(f'  {reason}')
    print(f'Report: {output / folder / "index.html"}')
