# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The command line: `python -m pipeline`, installed as `gender-pipeline`."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from typing import Any, NoReturn

from components import interrupts
from components.errors import InputError, RunError

# Other modules are imported inside functions: until `main` handles signals, Ctrl-C prints Python's traceback.

_PROGRAM = 'gender-pipeline'


def main(arguments: list[str] | None = None) -> int:
    """Runs one command.

    Returns:
      The exit status: 0 on success, 1 if the run failed or the model is not blessed, 2 on a usage or input error. An
      interrupted command does not return: its process ends with status 130 (SIGINT) or 143 (SIGTERM).
    """
    # Before TensorFlow is imported: silences its notes about the machine.
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    with interrupts.at_once(_PROGRAM) as message:
        from pipeline import host, scratch

        try:
            options = parser().parse_args(arguments)
            message.text = getattr(options, 'interrupted', message.text)
            with scratch.temporary():
                return _call(options)
        except ImportError as error:
            if reason := host.explain(error):
                print(f'{_PROGRAM}: {reason}', file=sys.stderr)
                return 2
            raise
        except KeyboardInterrupt as interrupt:  # from a block that had to clean up
            interrupts.end(interrupt.args[0] if interrupt.args else signal.SIGINT, _PROGRAM, message)


def _call(options: argparse.Namespace) -> int:
    try:
        return int(options.command(options))
    except (InputError, RunError) as error:
        print(f'{_PROGRAM}: {" ".join(str(error).split())}', file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except MemoryError:
        print(f'{_PROGRAM}: not enough memory; close other programs, or raise the limit (ulimit -v)', file=sys.stderr)
        return 1
    except BrokenPipeError:  # for example: | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class _Parser(argparse.ArgumentParser):
    """Reports usage errors in one line, like every other input error."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Also keeps the arguments for `error`."""
        self._given = [str(text).partition('=')[0] for text in args or ()]
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Exits with status 2."""
        if message.startswith('the following arguments are required'):  # argparse checks groups only after these
            message += ''.join(f', and one of {options}' for options in self._missing_groups())
        if wrong := re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message):
            from components.settings import suggestion

            hint = suggestion(wrong[1], wrong[2].replace("'", '').split(', '))
            message = f"{message[: wrong.start()]}no such choice: '{wrong[1]}'; {hint}"
        self.exit(2, f'{self.prog}: {message} (see {self.prog} --help)\n')

    def _missing_groups(self) -> list[str]:
        """The names of each required group of which none is given; the usage puts only these groups in parentheses."""
        groups = [re.findall(r'--[\w-]+', group) for group in re.findall(r'\((.*?)\)', self.format_usage(), re.DOTALL)]
        given = tuple(text for text in self._given if text.startswith('--'))
        return [
            ' '.join(names) for names in groups if not any(name.startswith(text) for name in names for text in given)
        ]


def parser() -> argparse.ArgumentParser:
    """Builds the parser; each parsed namespace has its function as `command`."""
    from importlib import metadata as packages

    from pipeline.commands import compile, config, demo_data, evaluate, notebook, predict, run, serving, skew, submit

    result = _Parser(
        prog=_PROGRAM,
        description='Turns a face network in Caffe format into an evaluated, servable gender classifier.',
    )
    result.add_argument('--version', action='version', version=packages.version('face-gender-pipeline'))
    commands = result.add_subparsers(title='commands', required=True, metavar='COMMAND')
    for command in (run, notebook, evaluate, predict, serving, skew, compile, submit, config, demo_data):
        command.add(commands)
    return result


if __name__ == '__main__':
    sys.exit(main())
