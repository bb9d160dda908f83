# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`compile`: writes the pipeline for Kubeflow or Vertex."""

from __future__ import annotations

import argparse
from typing import Any

from pipeline.commands import arguments


def add(commands: Any) -> None:
    """Declares the command."""
    command = commands.add_parser('compile', help='write the pipeline for Kubeflow (YAML) or Vertex (JSON)')
    arguments.add_config(command, 'kubeflow.retries=0')
    command.add_argument('--image', required=True, help="the components' container image, preferably by digest")
    command.add_argument(
        '--prototxt',
        type=arguments.path,
        metavar='FILE',
        help='read the input size from this file, not from model.input_size',
    )
    command.add_argument(
        '--root', default='', metavar='URI',
        help="where artifacts go (default: beam.pipeline_root, or the server's root); Vertex needs gs://",
    )  # fmt: skip
    command.add_argument(
        '-o', '--out', type=arguments.path, required=True, metavar='FILE', help='pipeline.yaml or pipeline.json'
    )
    command.set_defaults(command=_compile)


def _compile(options: argparse.Namespace) -> int:
    config = arguments.load_config(options)
    from pipeline.runners.kubeflow import compile as compiling
    from pipeline.runs import log_capture

    size = compiling.input_size(config, options.prototxt)
    vertex = compiling.is_for_vertex(options.out)
    with log_capture.quiet():
        job = compiling.pipeline_job(config, image=options.image, size=size, root=options.root, vertex=vertex)
    compiling.write(options.out, job, config)
    print(options.out)
    return 0
