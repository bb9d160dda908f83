# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`config`: prints configurations and their keys."""

from __future__ import annotations

import argparse
import os
from typing import Any

from pipeline import config as configuration
from pipeline.commands import arguments


def add(commands: Any) -> None:
    """Declares the command."""
    command = commands.add_parser('config', help='print what a run would use, or all keys')
    command.add_argument('name', nargs='?', type=os.path.expanduser, metavar='NAME|FILE')
    arguments.add_set(command, 'trainer.epochs=20')
    form = command.add_mutually_exclusive_group()
    form.add_argument('--keys', action='store_true', help='print all keys with their defaults, meaning and bounds')
    form.add_argument('--markdown', action='store_true', help='the same as a Markdown table')
    command.set_defaults(command=_config)


def _config(options: argparse.Namespace) -> int:
    if options.markdown:
        print(configuration.markdown(), end='')
    elif options.keys:
        for key, default, allowed, text in configuration.describe():
            print(f'{key} = {default}\n    {text} ({allowed})')
    else:
        print(configuration.load(options.name or arguments.DEFAULT_CONFIG, options.set).as_yaml(), end='')
    return 0
