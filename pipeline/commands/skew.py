# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`skew`: compares served images with those that were trained on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Declares the command."""
    skew = commands.add_parser(
        'skew', help='compare served images with the training split',
        description='Compares size, file size and brightness of served images with the training split. Exit status 1 '
        'when one is further away than --max-distance.',
    )  # fmt: skip
    skew.add_argument('--output', type=Path, required=True, metavar='DIR', help='the run directory')
    skew.add_argument(
        '--requests', nargs='+', required=True, metavar='PATH',
        help='images as "predict" takes them, or TFRecord files (.tfrecord, .tfrecord.gz) of PredictionLog',
    )  # fmt: skip
    skew.add_argument(
        '--max-distance', type=float, default=0.2, metavar='D',
        help='the largest Jensen-Shannon divergence, 0 to 1, that is let pass (default: 0.2)',
    )  # fmt: skip
    skew.set_defaults(command=_skew)


def _skew(options: argparse.Namespace) -> int:
    from pipeline.runs import run_directory
    from pipeline.serving import image_files, skew

    with run_directory.quiet():
        found = skew.skew(options.output, image_files.find(options.requests, sys.stdin))
    ignored = f', {found.unusable} more that are no image' if found.unusable else ''
    print(f'{found.images} requests{ignored}, against the training split:')
    print('feature         distance  at most')
    for distance in found.distances:
        mark = '  TOO FAR' if distance.value > options.max_distance else ''
        print(f'{distance.feature:<14}  {distance.value:8.3f}  {options.max_distance:7.3f}{mark}')
    return 1 if any(distance.value > options.max_distance for distance in found.distances) else 0
