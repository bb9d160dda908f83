# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`demo-data`: makes the input of the demo."""

from __future__ import annotations

import argparse
from typing import Any

from pipeline.commands import arguments


def add(commands: Any) -> None:
    """Declares the command."""
    demo = commands.add_parser('demo-data', help='draw faces and make random weights to try the pipeline')
    demo.add_argument('directory', type=arguments.path, metavar='DIR')
    demo.set_defaults(command=_demo_data)


def _demo_data(options: argparse.Namespace) -> int:
    from pipeline.demo.dataset import make_inputs

    for line in make_inputs(options.directory):
        print(line)
    return 0
