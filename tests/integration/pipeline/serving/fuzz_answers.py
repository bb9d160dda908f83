# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A coverage-guided fuzz target for the client's checks of a server's answer.

    python tests/integration/pipeline/serving/fuzz_answers.py -max_total_time=600 CORPUS_FOLDER

This needs atheris (3.0.0 has wheels for Python 3.11 on Linux). An input is a serialized PredictResponse for two images.
It gives two known labels with probabilities, or one printable line. An empty corpus folder is filled with the answers
of the tests.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import atheris
import tensorflow  # noqa: F401  # before the protocol's messages, which import it
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import predict_pb2

from components.errors import RunError
from tests.fixtures.hostile_answers import HOSTILE, answer

with atheris.instrument_imports(include=['pipeline.serving']):
    from pipeline.serving import client


def one_input(data: bytes) -> None:
    """Parses and checks one answer as the client does."""
    try:
        response = predict_pb2.PredictResponse.FromString(data)
    except DecodeError:  # gRPC reports it as INTERNAL
        return
    try:
        found = client._answers(response.outputs, 2)
    except RunError as error:
        if not str(error).isprintable() or len(str(error)) > 500:
            raise AssertionError(f'not one short line: {error!r}') from None
        return
    if len(found) != 2 or not all(label in ('male', 'female') and 0 <= number <= 1 for label, number in found):
        raise AssertionError(f'accepted: {found}')


if __name__ == '__main__':
    for argument in sys.argv[1:]:
        if not argument.startswith('-') and Path(argument).is_dir() and not any(Path(argument).iterdir()):
            for number, seed in enumerate([answer(), *(hostile for hostile, _ in HOSTILE.values())]):
                Path(argument, str(number)).write_bytes(seed.SerializeToString())
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
