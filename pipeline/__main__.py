# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The command line: `python -m pipeline`, installed as `gender-pipeline`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib import metadata as packages
from pathlib import Path
from typing import NoReturn

from components.errors import InputError, RunError
from pipeline import config as configuration


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and runs one command.

    Returns:
      The exit status: 0 on success, 1 on a failure of the run or a model that is not blessed, 2 on a usage or input
      error.
    """
    # Before TensorFlow is imported anywhere: what it says of the machine is not news to the user.
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (InputError, RunError) as error:
        print(f'gender-pipeline: {" ".join(str(error).split())}', file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print('gender-pipeline: interrupted; the same command goes on from the last finished stage', file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments, as for every other bad input."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with status 2."""
        self.exit(2, f'{self.prog}: {message} (see {self.prog} --help)\n')


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog='gender-pipeline',
        description='Turns a face network in Caffe format into an evaluated, servable gender classifier.',
    )
    parser.add_argument('--version', action='version', version=packages.version('face-gender-pipeline'))
    commands = parser.add_subparsers(title='commands', required=True, metavar='COMMAND')

    run = commands.add_parser('run', help='run the pipeline on this machine')
    run.add_argument('--data', type=Path, required=True, metavar='DIR', help='the folder that has combined/')
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
    run.set_defaults(command=_run)

    predict = commands.add_parser('predict', help='ask an exported model about image files')
    predict.add_argument(
        '--model',
        type=Path,
        required=True,
        metavar='DIR',
        help='OUTPUT/serving/gender_classifier, for the newest version, or a version in it',
    )
    predict.add_argument('--json', action='store_true', help='one JSON object a line')
    predict.add_argument('images', nargs='+', metavar='IMAGE')
    predict.set_defaults(command=_predict)

    report = commands.add_parser('report', help='rebuild the report of the last run that came to its end')
    report.add_argument('--output', type=Path, required=True, metavar='DIR', help='the run directory')
    report.set_defaults(command=_report)

    runs = commands.add_parser('runs', help='list the runs of a run directory with their metrics')
    runs.add_argument('--output', type=Path, required=True, metavar='DIR', help='the run directory')
    runs.set_defaults(command=_runs)

    keys = commands.add_parser('config', help='print a configuration, or every key with its default')
    keys.add_argument('name', nargs='?', metavar='NAME|FILE')
    keys.add_argument('--set', action='append', default=[], metavar='KEY=VALUE', help='override a key')
    keys.set_defaults(command=_config)

    demo = commands.add_parser('demo-data', help='draw faces and make random weights to try the pipeline with')
    demo.add_argument('directory', type=Path, metavar='DIR')
    demo.set_defaults(command=_demo_data)
    return parser


def _run(options: argparse.Namespace) -> int:
    config = configuration.load(options.config, options.set)
    from pipeline.runners import local

    result = local.run(
        config, data=options.data, prototxt=options.prototxt, caffemodel=options.caffemodel, output=options.output
    )
    _summary(options.output, result)
    return 0 if result['blessed'] else 1


def _report(options: argparse.Namespace) -> int:
    from pipeline import metadata
    from pipeline.report import collect, page
    from pipeline.runners import workspace

    ended = [run for run in metadata.runs(options.output) if collect.facts_file(options.output, run.id).is_file()]
    if not ended:
        raise RunError(f'{options.output}: no run came to its end here yet; run it again')
    with workspace.logged(options.output / 'logs' / 'report.log'):
        result = collect.collect(options.output, ended[-1])
        page.write(options.output, result)
    _summary(options.output, result)
    return 0


def _runs(options: argparse.Namespace) -> int:
    from pipeline.report import history
    from pipeline.runners import workspace

    with workspace.quiet():
        print(history.listing(options.output))
    return 0


def _summary(output: Path, result: dict) -> None:
    from components.stratified_example_gen import account
    from pipeline.report import page, text

    print(account.describe(result['data']))
    print(text.table(result))
    if result['blessed']:
        pushed, root = Path(result['pushed']), output.resolve()
        print(f'Blessed. Pushed to {output / pushed.relative_to(root) if pushed.is_relative_to(root) else pushed}')
    else:
        print('Not blessed, and not pushed:')
        for reason in result['reasons']:
            print(f'  {reason}')
    print(f'Report: {output / page.FOLDER / "index.html"}')


def _predict(options: argparse.Namespace) -> int:
    from pipeline import predict
    from pipeline.runners import workspace

    failed = False
    with workspace.quiet():
        for answer in predict.predict(predict.load(options.model), options.images):
            failed = failed or answer.error is not None
            if options.json:
                print(json.dumps(answer.as_dict()))
            elif answer.error is not None:
                print(f'{answer.path}: {answer.error}', file=sys.stderr)
            else:
                print(f'{answer.path}: {answer.label} (probability of female {answer.probability:.3f})')
    return 2 if failed else 0


def _config(options: argparse.Namespace) -> int:
    if options.name or options.set:
        print(configuration.load(options.name or 'vgg_face', options.set).as_yaml(), end='')
    else:
        for key, default, text in configuration.describe():
            print(f'{key} = {default}\n    {text}')
    return 0


def _demo_data(options: argparse.Namespace) -> int:
    from pipeline.demo import inputs

    for line in inputs.make(options.directory):
        print(line)
    return 0


if __name__ == '__main__':
    sys.exit(main())
