# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict`: asks a model about images."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components import names

if TYPE_CHECKING:
    from pipeline.serving.predict import Ask, Prediction

_COLUMNS = ('path', 'label', 'probability', 'error')


def add(commands: Any) -> None:
    """Declares the command."""
    predict = commands.add_parser(
        'predict', help='ask a model about images',
        description='Asks an exported or a served model about images. A bad image is an error for that image only; the '
        'exit status is 2 if there was one.',
    )  # fmt: skip
    model = predict.add_mutually_exclusive_group(required=True)
    model.add_argument(
        '--model', type=Path, metavar='DIR',
        help=f'OUTPUT/serving/{names.MODEL}, for the newest version, or a version in it',
    )  # fmt: skip
    model.add_argument('--server', metavar='HOST:PORT', help='the gRPC port of TensorFlow Serving')
    predict.add_argument(
        '--model-name',
        default=names.MODEL,
        metavar='NAME',
        help='its name there (default: %(default)s)',
    )
    predict.add_argument(
        '--timeout', type=float, default=60, metavar='SECONDS', help='for one answer of the server (default: 60)'
    )
    form = predict.add_mutually_exclusive_group()
    form.add_argument('--json', action='store_true', help='one JSON object a line')
    form.add_argument('--csv', action='store_true', help=f'the columns {", ".join(_COLUMNS)}')
    predict.add_argument(
        'images', nargs='+', metavar='IMAGE',
        help='files, folders with all below them, patterns in quotes, or - for a list of paths on standard input',
    )  # fmt: skip
    predict.set_defaults(command=_predict)


def _predict(options: argparse.Namespace) -> int:
    from components.progress import Progress
    from pipeline.runs import run_directory
    from pipeline.serving import image_files, predict

    # A file name is bytes and need not be text; it comes out as it went in.
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='surrogateescape')
    show = _json if options.json else _csv() if options.csv else _table()
    failed = False
    with run_directory.quiet():
        ask = _ask(options)
        # On a terminal that shows the answers, they are the progress.
        with Progress('Predicting', unit='images', quiet=sys.stdout.isatty()) as progress:
            for answer in predict.predict(ask, image_files.expand(options.images, sys.stdin)):
                failed = failed or answer.error is not None
                show(answer)
                progress.update()
    return 2 if failed else 0


def _ask(options: argparse.Namespace) -> Ask:
    if options.server is None:
        from pipeline.serving import predict

        return predict.load(options.model)
    from pipeline.serving import client

    return client.connect(options.server, options.model_name, options.timeout)


def _json(answer: Prediction) -> None:
    print(json.dumps(answer.as_dict()))


def _csv() -> Callable[[Prediction], None]:
    writer = csv.DictWriter(sys.stdout, _COLUMNS, lineterminator='\n')
    writer.writeheader()
    return lambda answer: writer.writerow(answer.as_dict())  # type: ignore[no-any-return]


def _table() -> Callable[[Prediction], None]:
    from components.io.files import printable

    print('label   p(female)  image')

    def show(answer: Prediction) -> None:
        if answer.error is not None:
            print(f'{printable(answer.path)}: {answer.error}', file=sys.stderr)
        else:
            print(f'{answer.label:<6}  {answer.probability:9.3f}  {printable(answer.path)}')

    return show
