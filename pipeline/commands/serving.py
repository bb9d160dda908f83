# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`latest` and `rollback`: show and change the version that a serving directory serves."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import Any

from components import names
from pipeline.commands import arguments


def add(commands: Any) -> None:
    """Declares the commands."""
    latest = commands.add_parser('latest', help='list the versions of a serving directory')
    rollback = commands.add_parser(
        'rollback', help='serve the previous version again',
        description='Moves newer versions to the folder "withdrawn", which servers ignore. --to restores one.',
    )  # fmt: skip
    for command in (latest, rollback):
        command.add_argument(
            '--model', type=arguments.path, required=True, metavar='DIR', help=f'OUTPUT/serving/{names.MODEL}'
        )
    latest.add_argument('--json', action='store_true', help='print one JSON object')
    latest.set_defaults(command=_latest)
    rollback.add_argument('--to', type=int, metavar='VERSION', help='serve this version, older or withdrawn')
    rollback.set_defaults(command=_rollback)


def _latest(options: argparse.Namespace) -> int:
    from components.atomic_pusher import versions

    *older, newest = versions.served(options.model)
    aside = versions.withdrawn(options.model)
    if options.json:
        found = {'version': newest, 'path': str(options.model / str(newest)), 'older': older, 'withdrawn': aside}
        print(json.dumps(found))
        return 0
    rows = [(version, 'withdrawn') for version in aside] + [(version, 'kept') for version in older]
    for version, state in sorted([*rows, (newest, 'served')], reverse=True):
        print(f'{version}  {_pushed(version)}  {state}')
    return 0


def _rollback(options: argparse.Namespace) -> int:
    from components.atomic_pusher import versions

    before = versions.served(options.model)[-1]
    now = versions.rollback(options.model, options.to)
    print(f'{options.model / str(now)} is served' + ('' if now == before else f' instead of {before}'))
    return 0


def _pushed(version: int) -> str:
    """The time of a push; version numbers are seconds since 1970."""
    try:
        return datetime.fromtimestamp(version, UTC).strftime('%Y-%m-%dT%H:%M:%SZ')
    except (OverflowError, ValueError):
        return 'no time'
