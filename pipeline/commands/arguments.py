# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from components import names
from components.io import trees
from components.stratified_example_gen.settings import LAYOUTS
from pipeline import config as configuration
from pipeline.config import Config

DEFAULT_CONFIG = 'vgg_face'


def path(text: str) -> Path:
    """The type of a path; expands `~`, which the shell leaves in `--data=~/faces`."""
    return Path(os.path.expanduser(text))


def path_or_uri(text: str) -> Path | str:
    """The type of a path or URI; a Path would turn the URI's // into /."""
    return text if trees.is_uri(text) else path(text)


def add_config(command: argparse.ArgumentParser, example: str) -> None:
    """Adds --config and --set; `example` is an override for the help text."""
    command.add_argument(
        '--config', type=os.path.expanduser, default=DEFAULT_CONFIG, metavar='NAME|FILE',
        help=f'{", ".join(configuration.bundled())}, or a YAML file (default: %(default)s)',
    )  # fmt: skip
    add_set(command, example)


def add_set(command: argparse.ArgumentParser, example: str) -> None:
    """Adds --set."""
    command.add_argument(
        '--set', action='append', default=[], metavar='KEY=VALUE', help=f'override a key, e.g. {example}; repeatable'
    )


def add_layout(command: argparse.ArgumentParser) -> None:
    """Adds --layout."""
    command.add_argument('--layout', choices=LAYOUTS, help='short for --set data.layout=…')


def layout_override(options: argparse.Namespace) -> list[str]:
    """What --layout overrides, if the command has it."""
    layout = getattr(options, 'layout', None)
    return [f'data.layout={layout}'] if layout else []


def add_display(command: argparse.ArgumentParser) -> None:
    """Adds --quiet and --json."""
    form = command.add_mutually_exclusive_group()
    form.add_argument(
        '--quiet',
        action='store_true',
        help='print only warnings and errors, and the summary of a model that is not blessed',
    )
    form.add_argument('--json', action='store_true', help='print progress and result as JSON, one object a line')


def add_framing(command: Any) -> None:
    """Adds --framing to a command or a group of its arguments."""
    command.add_argument(
        '--framing', type=path, metavar='FILE|DIR',
        help="framing.json, or the folder of a model with one (default: the model's; needed with --server)",
    )  # fmt: skip


def add_labels(command: argparse.ArgumentParser) -> None:
    """Adds --name and --note."""
    command.add_argument('--name', metavar='TEXT', help='a name for this run, short for --set report.run_name=…')
    command.add_argument('--note', metavar='TEXT', help='a remark on it, short for --set report.note=…')


def _labels_override(options: argparse.Namespace) -> list[str]:
    labels = {'run_name': getattr(options, 'name', None), 'note': getattr(options, 'note', None)}
    # JSON is YAML: a name such as 2026 stays text.
    return [f'report.{key}={json.dumps(text, ensure_ascii=False)}' for key, text in labels.items() if text is not None]


def add_output(command: argparse.ArgumentParser) -> None:
    """Adds --output, the run directory of an earlier run."""
    command.add_argument('--output', type=path, required=True, metavar='DIR', help='the run directory')


def add_server(command: argparse.ArgumentParser, model: Any) -> None:
    """Adds --server to the group `model`, and what a served model needs."""
    model.add_argument('--server', metavar='HOST:PORT', help='the gRPC port of TensorFlow Serving')
    command.add_argument(
        '--model-name', default=names.MODEL, metavar='NAME', help='its name on the server (default: %(default)s)'
    )
    command.add_argument(
        '--timeout', type=float, default=60, metavar='SECONDS', help='limit for each request (default: %(default)s)'
    )
    command.add_argument('--tls', action='store_true', help='encrypt, and check the certificate of the server')
    command.add_argument(
        '--ca-file', type=path, metavar='FILE', help='the authority of the certificate, if it is not a public one'
    )
    command.add_argument(
        '--token-file', type=path, metavar='FILE', help='a bearer token for the server; both files imply --tls'
    )


def server(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `pipeline.serving.client.connect` that `add_server`'s flags give."""
    files = {name: str(file) for name in ('ca_file', 'token_file') if (file := getattr(options, name))}
    return {
        'server': options.server, 'model': options.model_name, 'timeout': options.timeout, 'tls': options.tls, **files,
    }  # fmt: skip


def load_config(options: argparse.Namespace) -> Config:
    """Loads the configuration that `add_config`'s arguments select."""
    return configuration.load(options.config, [*layout_override(options), *_labels_override(options), *options.set])
