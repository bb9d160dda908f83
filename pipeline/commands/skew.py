# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`skew`: compares served images with the training split."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from pipeline.commands import arguments


def add(commands: Any) -> None:
    """Declares the command."""
    skew = commands.add_parser(
        'skew', help='compare served images with the training split',
        description='Compares the framing of faces (if the run measured it), image size, file size, brightness, '
        'saturation and sharpness; exit status 1 if the lower bound of a distance exceeds --max-distance.',
    )  # fmt: skip
    arguments.add_output(skew)
    skew.add_argument(
        '--requests', type=os.path.expanduser, nargs='+', required=True, metavar='PATH',
        help='images as "predict" takes them, or TFRecord files (.tfrecord, .tfrecord.gz) of PredictionLog',
    )  # fmt: skip
    skew.add_argument(
        '--max-distance', type=float, default=0.2, metavar='D',
        help='largest Kolmogorov-Smirnov distance that passes, 0 to 1 (default: %(default)s)',
    )  # fmt: skip
    skew.set_defaults(command=_skew)


def _skew(options: argparse.Namespace) -> int:
    from pipeline.runs import log_capture
    from pipeline.serving import image_files, skew

    with log_capture.quiet():
        found = skew.skew(options.output, image_files.find(options.requests, sys.stdin))
    ignored = f', {found.unusable} unreadable' if found.unusable else ''
    print(f'{found.images} requests{ignored}, compared with the training split:')
    if found.unframed:
        print("framing: not compared, because no face detector is installed; install this project's extra [faces]")
    print('feature         distance  lower bound  allowed')
    for distance in found.distances:
        mark = '  TOO FAR' if distance.low > options.max_distance else ''
        print(f'{distance.feature:<14}  {distance.value:8.3f}  {distance.low:11.3f}  {options.max_distance:7.3f}{mark}')
    if all(1 - distance.margin <= options.max_distance for distance in found.distances):
        print(f'{found.images} requests are too few to tell: any distance could be chance')
    return 1 if any(distance.low > options.max_distance for distance in found.distances) else 0
