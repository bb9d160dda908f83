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
    command = commands.add_parser('config', help='print a configuration, or all keys with their defaults')
    command.add_argument('name', nargs='?', type=os.path.expanduser, metavar='NAME|FILE')
    arguments.add_set(command, 'trainer.epochs=20')
    command.add_argument('--markdown', action='store_true', help='print all keys as a Markdown table')
    command.set_defaults(command=_config)


def _config(options: argparse.Namespace) -> int:
    if options.markdown:
        print(configuration.markdown(), end='')
    elif options.name or options.set:
        print(configuration.load(options.name or 'vgg_face', options.set).as_yaml(), end='')
    else:
        for key, default, text in configuration.describe():
            print(f'{key} = {default}\n    {text}')
    return 0
