# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`submit`: runs a compiled pipeline on a Kubeflow server."""

from __future__ import annotations

import argparse
import functools
import os
import sys
from datetime import UTC, datetime
from typing import Any

from components.errors import InputError
from pipeline.commands import arguments


def add(commands: Any) -> None:
    """Declares the command."""
    command = commands.add_parser(
        'submit', help='run a compiled pipeline on Kubeflow',
        description='Starts a run, prints its id and waits for it. Exit status 1 if the run fails or is canceled. The '
        'environment variable KFP_TOKEN may contain a bearer token, KFP_COOKIES the cookies of a session.',
    )  # fmt: skip
    command.add_argument('pipeline', type=arguments.path, metavar='FILE', help='the output of "compile"')
    command.add_argument(
        '--host', default=os.environ.get('KFP_HOST'), metavar='URL',
        help='the Kubeflow Pipelines API, e.g. http://localhost:8888 (default: $KFP_HOST)',
    )  # fmt: skip
    command.add_argument(
        '--namespace', default=os.environ.get('KFP_NAMESPACE'),
        help="the user's profile, in multi-user mode only (default: $KFP_NAMESPACE)",
    )  # fmt: skip
    command.add_argument(
        '--service-account', metavar='NAME',
        help="the tasks' account (default: the installation's, pipeline-runner or a profile's default-editor)",
    )  # fmt: skip
    command.add_argument(
        '--ca-file', type=arguments.path, default=os.environ.get('KFP_CA_FILE'), metavar='FILE',
        help="certificates (PEM) to check the server's with (default: $KFP_CA_FILE, or the system's)",
    )  # fmt: skip
    command.add_argument('--experiment', default='face-gender', help='created if needed (default: %(default)s)')
    command.add_argument('--name', help="the run's name (default: the file's name and the time)")
    command.add_argument(
        '--param', action='append', default=[], metavar='NAME=VALUE', help='set a parameter, e.g. data_root=/data/faces'
    )
    command.add_argument('--no-cache', action='store_true', help='ignore the results of earlier runs')
    command.add_argument('--no-wait', action='store_true', help='return once the run has started')
    command.add_argument('--poll', type=float, default=5, metavar='SECONDS', help='polling interval (default: 5)')
    command.add_argument(
        '--timeout', type=float, metavar='SECONDS', help='stop waiting, with exit status 1; the run continues'
    )
    command.set_defaults(command=_submit, interrupted='interrupted; a run that has started goes on in Kubeflow')


def _submit(options: argparse.Namespace) -> int:
    from pipeline.runners.kubeflow import server

    if not options.host:
        raise InputError('no server: give --host URL or set KFP_HOST')
    given = server.parameters(options.pipeline, options.param)
    login = server.Login(os.environ.get('KFP_TOKEN'), os.environ.get('KFP_COOKIES'), options.ca_file)
    kubeflow = server.Server(options.host, options.namespace, login)
    name = options.name or f'{options.pipeline.stem} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}'
    cache = False if options.no_cache else None
    run_id = kubeflow.start(
        options.pipeline, given, experiment=options.experiment, name=name, cache=cache,
        account=options.service_account,
    )  # fmt: skip
    print(run_id, flush=True)
    if options.no_wait:
        return 0
    report = functools.partial(print, file=sys.stderr, flush=True)
    state = kubeflow.wait(run_id, options.poll, report, options.timeout)
    print(f'Run {run_id}: {state.lower()}', file=sys.stderr)
    return 0 if state in ('SUCCEEDED', 'SKIPPED') else 1
