# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict`: asks a model about images."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Declares the command."""
    predict = commands.add_parser('predict', help='ask an exported model about image files')
    predict.add_argument(
        '--model',
        type=Path,
        required=True,
        metavar='DIR',
        help='OUTPUT/serving/gender_classifier, for the newest version, or a version in it',
    )
    predict.add_argument('--json', action='store_true', help='one JSON object a line')
    predict.add_argument('images', nargs='+', metavar='IMAGE')
    predict.set_defaults(command=_predict)


def _predict(options: argparse.Namespace) -> int:
    from pipeline import predict
    from pipeline.runners import workspace

    failed = False
    with workspace.quiet():
        for answer in predict.predict(predict.load(options.model), options.images):
            failed = failed or answer.error is not None
            if options.json:
                print(json.dumps(answer.as_dict()))
            elif answer.error is not None:
                print(f'{answer.path}: {answer.error}', file=sys.stderr)
            else:
                print(f'{answer.path}: {answer.label} (probability of female {answer.probability:.3f})')
    return 2 if failed else 0
