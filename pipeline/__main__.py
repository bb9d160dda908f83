# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The command line: `python -m pipeline`, installed as `gender-pipeline`."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import metadata as packages
from typing import NoReturn

from components.errors import InputError, RunError
from pipeline.commands import compile, config, demo_data, predict, run, serving, skew, submit


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

    for command in (run, predict, serving, skew, compile, submit, config, demo_data):
        command.add(commands)
    return parser


if __name__ == '__main__':
    sys.exit(main())
