# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`compile`: the pipeline for Kubeflow or Vertex."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pipeline import config as configuration


def add(commands: Any) -> None:
    """Declares the command."""
    command = commands.add_parser('compile', help='write the pipeline for Kubeflow (YAML) or Vertex (JSON)')
    command.add_argument(
        '--config', default='vgg_face', metavar='NAME|FILE',
        help=f'{", ".join(configuration.bundled())}, or a YAML file (default: vgg_face)',
    )  # fmt: skip
    command.add_argument(
        '--set', action='append', default=[], metavar='KEY=VALUE', help='override a key, e.g. kubeflow.retries=0'
    )
    command.add_argument('--image', required=True, help='the container image of every component, best by its digest')
    command.add_argument(
        '--prototxt', type=Path, metavar='FILE',
        help="the network's description, for the size of its input; not needed with model.input_size",
    )  # fmt: skip
    command.add_argument(
        '--root',
        default='',
        metavar='URI',
        help="where artifacts go (default: beam.pipeline_root, or the server's); Vertex needs gs://",
    )
    command.add_argument('-o', '--out', type=Path, required=True, metavar='FILE', help='pipeline.yaml or pipeline.json')
    command.set_defaults(command=_compile)


def _compile(options: argparse.Namespace) -> int:
    config = configuration.load(options.config, options.set)
    from pipeline.runners.kubeflow import compile as compiling
    from pipeline.runs import run_directory

    size = compiling.input_size(config, options.prototxt)
    compiling.check_name(options.out)
    with run_directory.quiet():
        job = compiling.pipeline_job(config, image=options.image, size=size, root=options.root)
    compiling.write(options.out, job, config)
    print(options.out)
    return 0
