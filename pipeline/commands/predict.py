# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict`: classifies images with an exported or served model."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from components import names
from pipeline.commands import arguments

if TYPE_CHECKING:
    from pipeline.serving.predict import Classifier, Prediction

_COLUMNS = ('path', 'label', 'probability', 'error')


def add(commands: Any) -> None:
    """Declares the command."""
    predict = commands.add_parser(
        'predict', help='classify images',
        description='Classifies images with an exported or a served model. An unreadable image is an error for that '
        'image only; the exit status is then 2.',
    )  # fmt: skip
    model = predict.add_mutually_exclusive_group(required=True)
    model.add_argument(
        '--model', type=arguments.path, metavar='DIR',
        help=f'a run directory, its serving/{names.MODEL} for the newest version, or the folder of one version',
    )  # fmt: skip
    arguments.add_server(predict, model)
    form = predict.add_mutually_exclusive_group()
    form.add_argument('--json', action='store_true', help='print one JSON object per line')
    form.add_argument('--csv', action='store_true', help=f'print CSV with the columns {", ".join(_COLUMNS)}')
    predict.add_argument(
        'images', type=os.path.expanduser, nargs='+', metavar='IMAGE',
        help='files, folders (recursive), quoted patterns, or - for a list of paths on standard input',
    )  # fmt: skip
    predict.set_defaults(command=_predict)


def _predict(options: argparse.Namespace) -> int:
    from components.progress import Progress
    from pipeline.runs import log_capture
    from pipeline.serving import image_files, predict

    # File names are bytes and not always valid text; print them unchanged.
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors='surrogateescape')
    failed = False
    with log_capture.quiet():
        classify = _classifier(options)
        show = _json if options.json else _csv() if options.csv else _table()
        # Predictions on the terminal already show the progress.
        with Progress('Predicting', unit='images', quiet=sys.stdout.isatty()) as progress:
            for answer in predict.predict(classify, image_files.find(options.images, sys.stdin)):
                failed = failed or answer.error is not None
                show(answer)
                progress.update()
    return 2 if failed else 0


def _classifier(options: argparse.Namespace) -> Classifier:
    if options.server is None:
        from pipeline.serving import predict

        return predict.load(options.model)
    from pipeline.serving import client

    return client.connect(**arguments.server(options))


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
