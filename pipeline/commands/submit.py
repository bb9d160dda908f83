# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`submit`: a compiled pipeline to a Kubeflow server."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.errors import InputError


def add(commands: Any) -> None:
    """Declares the command."""
    command = commands.add_parser(
        'submit', help='start a compiled pipeline on Kubeflow and wait for its end',
        description='Prints the id of the run. Exit status 0 when it succeeded, 1 when it failed or was canceled. A '
        'bearer token is taken from the environment variable KFP_TOKEN.',
    )  # fmt: skip
    command.add_argument('pipeline', type=Path, metavar='FILE', help='what "compile" wrote')
    command.add_argument(
        '--host', default=os.environ.get('KFP_HOST'), metavar='URL',
        help='of the Kubeflow Pipelines API, e.g. http://localhost:8888 (default: $KFP_HOST)',
    )  # fmt: skip
    command.add_argument(
        '--namespace', default=os.environ.get('KFP_NAMESPACE'),
        help="of the user's profile, where there are several (default: $KFP_NAMESPACE)",
    )  # fmt: skip
    command.add_argument('--experiment', default='face-gender', help='made if it is not there (default: %(default)s)')
    command.add_argument('--name', help="the run's (default: the pipeline file's name and the time)")
    command.add_argument(
        '--param', action='append', default=[], metavar='NAME=VALUE', help='a parameter, e.g. data_root=/data/faces'
    )
    command.add_argument('--no-cache', action='store_true', help='run everything, whatever earlier runs left')
    command.add_argument('--no-wait', action='store_true', help='return when the run is started')
    command.add_argument('--poll', type=float, default=5, metavar='SECONDS', help='between two looks (default: 5)')
    command.set_defaults(command=_submit)


def _submit(options: argparse.Namespace) -> int:
    from pipeline.runners.kubeflow import server

    if not options.host:
        raise InputError('no server: give --host URL or set KFP_HOST')
    arguments = server.parameters(options.pipeline, options.param)
    kubeflow = server.Server(
        server.Target(options.host, options.namespace, options.experiment, os.environ.get('KFP_TOKEN'))
    )
    name = options.name or f'{options.pipeline.stem} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}'
    run_id = kubeflow.start(options.pipeline, arguments, name, False if options.no_cache else None)
    print(run_id, flush=True)
    if options.no_wait:
        return 0
    state = kubeflow.wait(run_id, options.poll, lambda line: print(line, file=sys.stderr, flush=True))
    print(f'Run {run_id}: {state.lower()}', file=sys.stderr)
    return 0 if state in ('SUCCEEDED', 'SKIPPED') else 1
