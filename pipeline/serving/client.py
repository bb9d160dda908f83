# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A client of TensorFlow Serving: gRPC `PredictionService.Predict`. It needs no TensorFlow, and trusts no answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from components import names, progress
from components.errors import InputError, RunError
from components.io.files import printable
from pipeline.serving import credentials
from pipeline.serving.predict import Answer, Classifier, ImageRejected, answers

# gRPC's own retries (grpc/grpc, doc/service_config.md), all within the timeout of a request. Five attempts are gRPC's
# maximum; their delays add up to 3 s, each up to 20 % more or less.
_RETRIES = {
    'name': [{'service': 'tensorflow.serving.PredictionService'}],
    'retryPolicy': {
        'maxAttempts': 5, 'initialBackoff': '0.2s', 'maxBackoff': '2s', 'backoffMultiplier': 2,
        'retryableStatusCodes': ['UNAVAILABLE'],
    },
}  # fmt: skip
_CHANNEL = (
    ('grpc.service_config', json.dumps({'methodConfig': [_RETRIES]})),
    ('grpc.service_config_disable_resolution', 1),
    ('grpc.initial_reconnect_backoff_ms', 200),  # shorter than the delays, so that every attempt connects again
    ('grpc.min_reconnect_backoff_ms', 200),
    ('grpc.max_receive_message_length', 1 << 20),  # an answer for 32 images has about a kilobyte
)


def connect(
    server: str,
    model: str = names.MODEL,
    timeout: float = 60.0,
    version: int | None = None,
    tls: bool = False,
    ca_file: str | None = None,
    token_file: str | None = None,
) -> Classifier:
    """Returns a classifier that calls a served model. The first call connects.

    A request that finds the server unavailable is repeated for about three seconds. If the server changes the model's
    version between two calls, a line on stderr says so.

    Args:
      server: HOST:PORT of the gRPC port (TensorFlow Serving's default is 8500, not the REST port 8501).
      model: its name on the server.
      timeout: seconds for one request of up to 32 images, with its repetitions.
      version: the version to use; None for the newest.
      tls: encrypt, and check the certificate of the server; implied by the files.
      ca_file: see `credentials.channel_credentials`.
      token_file: the same.

    Raises:
      InputError: `server` is not HOST:PORT, or a file is unusable. A call raises it if the server is unreachable,
        refuses the caller, or lacks the model or the signature.
      RunError: a call timed out, the server failed, or its answer is not one of such a model.
      ImageRejected: the model rejected an image of the call, or the server the call's size.
    """
    host, _, port = server.rpartition(':')
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError(f'--server {server}: expected HOST:PORT, e.g. localhost:8500')
    import grpc

    from pipeline.serving import protocol

    if tls or ca_file or token_file:
        channel = grpc.secure_channel(server, credentials.channel_credentials(ca_file, token_file), _CHANNEL)
    else:
        channel = grpc.insecure_channel(server, _CHANNEL)
    call = channel.unary_unary(
        protocol.METHOD, protocol.PredictRequest.SerializeToString, protocol.PredictResponse.FromString
    )
    served: int | None = None  # version of the last answer

    def classify(images: Sequence[bytes]) -> list[Answer]:
        nonlocal served
        request = protocol.PredictRequest()
        request.model_spec.name = model
        request.model_spec.signature_name = names.SERVING
        if version is not None:
            request.model_spec.version.value = version
        tensor = request.inputs[names.SERVING_INPUT]
        tensor.dtype = protocol.DT_STRING
        tensor.tensor_shape.dim.add(size=len(images))
        tensor.string_val.extend(images)
        request.output_filter.extend([names.LABEL_NAME, names.PROBABILITY])
        try:
            response = call(request, timeout=timeout)
            found = _answers(response.outputs, len(images))
        except grpc.RpcError as error:
            raise _translated(server, model, timeout, error) from None
        except RunError as error:
            raise RunError(f'--server {server}: {error}; check that {model} is a model of this pipeline') from None
        now = response.model_spec.version.value
        if served not in (None, now):
            progress.note(f'--server {server}: the model changed from version {served} to {now}')
        served = now
        return found

    return classify


def _answers(outputs: Any, count: int) -> list[Answer]:
    """The answers for `count` images from a map of names to tensors; nothing is unpacked before it is checked.

    Raises:
      RunError: outputs are missing, or have another type, shape or number of values.
    """
    import numpy as np

    from pipeline.serving import protocol

    missing = sorted({names.LABEL_NAME, names.PROBABILITY} - set(outputs))
    if missing:
        raise RunError(f'the answer lacks {" and ".join(missing)}')
    label, probability = outputs[names.LABEL_NAME], outputs[names.PROBABILITY]
    content = probability.tensor_content
    for name, tensor, dtype, values in (
        (names.LABEL_NAME, label, protocol.DT_STRING, len(label.string_val)),
        (names.PROBABILITY, probability, protocol.DT_FLOAT, len(content) / 4 or len(probability.float_val)),
    ):
        if tensor.dtype != dtype:
            raise RunError(f'{name} has the type {tensor.dtype} instead of {dtype} (DataType in types.proto)')
        shape = [dim.size for dim in tensor.tensor_shape.dim[:5]]
        if tensor.tensor_shape.unknown_rank or shape != [count]:
            raise RunError(f'{name} has the shape {shape} for {count} images')
        if values != count:
            raise RunError(f'{name} has {values:g} values for {count} images')
    return answers(label.string_val, np.frombuffer(content, '<f4').tolist() if content else probability.float_val)


def _translated(server: str, model: str, timeout: float, error: Any) -> Exception:
    """Translates a gRPC status (grpc/grpc, doc/statuscodes.md) into an error with a remedy."""
    import grpc

    details = printable(' '.join((error.details() or '').split())[:300])
    code = error.code()
    if code == grpc.StatusCode.INVALID_ARGUMENT:
        return ImageRejected(details)
    if code == grpc.StatusCode.RESOURCE_EXHAUSTED:
        return ImageRejected(f'RESOURCE_EXHAUSTED: {details}')
    if code == grpc.StatusCode.UNAVAILABLE:
        return InputError(
            f'--server {server}: cannot be reached ({details}); is it up, is this its gRPC port, and does '
            'it use TLS (--tls, --ca-file)?'
        )
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return InputError(f'--server {server}: refuses this caller ({details}); see --token-file')
    if code == grpc.StatusCode.NOT_FOUND:
        return InputError(f'--server {server}: has no model {model} ({details}); see --model-name')
    if code == grpc.StatusCode.FAILED_PRECONDITION:
        return InputError(f'--server {server}: the model {model} is not one of this pipeline ({details})')
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return RunError(f'--server {server}: no answer within {timeout:g} s; see --timeout')
    return RunError(f'--server {server}: {code.name}: {details}')
