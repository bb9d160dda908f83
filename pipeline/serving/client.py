# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Asks a model that TensorFlow Serving, or what speaks its protocol, serves: gRPC `PredictionService.Predict`.

The protocol: tensorflow/serving, `tensorflow_serving/apis/prediction_service.proto` and `predict.proto`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components import names
from components.errors import InputError, RunError
from pipeline.serving.predict import Ask, Refused, answers


def connect(server: str, model: str = names.MODEL, timeout: float = 60.0, version: int | None = None) -> Ask:
    """What asks a served model; the connection is made with the first request, without encryption.

    Args:
      server: HOST:PORT of the gRPC port (8500 as TensorFlow Serving has it, not the REST port 8501).
      model: its name on the server.
      timeout: seconds for one request of up to 32 images.
      version: the version to ask; None for the one that the server takes by itself, the newest.

    Raises:
      InputError: `server` is not HOST:PORT. By the answer, when asked: the server cannot be reached, or has no such
        model or signature.
      RunError: when asked: no answer in time, or the server failed.
      Refused: when asked: the server says that an image is not one.
    """
    host, _, port = server.rpartition(':')
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError(f'--server {server}: expected HOST:PORT, e.g. localhost:8500')
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    # The answer to 32 images is small; the request is what may be large, and its size is the server's to limit.
    stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(server))

    def ask(images: Sequence[bytes]) -> list[tuple[str, float]]:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = model
        request.model_spec.signature_name = names.SERVING
        if version is not None:
            request.model_spec.version.value = version
        request.inputs['image_bytes'].CopyFrom(tf.make_tensor_proto(list(images), dtype=tf.string))
        request.output_filter.extend([names.LABEL_NAME, names.PROBABILITY])
        try:
            outputs = stub.Predict(request, timeout=timeout).outputs
        except grpc.RpcError as error:
            raise _explained(server, model, timeout, error) from None
        missing = {names.LABEL_NAME, names.PROBABILITY} - set(outputs)
        if missing:
            raise RunError(f'--server {server}: the answer has no {", ".join(sorted(missing))}; it is another model')
        return answers(*(tf.make_ndarray(outputs[name]) for name in (names.LABEL_NAME, names.PROBABILITY)))

    return ask


def _explained(server: str, model: str, timeout: float, error: Any) -> Exception:
    """The error that a gRPC status (grpc/grpc, doc/statuscodes.md) stands for, with what to do about it."""
    import grpc

    said = ' '.join((error.details() or '').split())[:300]
    code = error.code()
    if code == grpc.StatusCode.INVALID_ARGUMENT:
        return Refused(said)
    if code == grpc.StatusCode.UNAVAILABLE:
        return InputError(f'--server {server}: cannot be reached ({said}); is it up, and is this its gRPC port?')
    if code == grpc.StatusCode.NOT_FOUND:
        return InputError(f'--server {server}: has no model {model} ({said}); see --model-name')
    if code == grpc.StatusCode.FAILED_PRECONDITION:
        return InputError(f'--server {server}: the model {model} is not one of this pipeline ({said})')
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return RunError(f'--server {server}: no answer within {timeout:g} s; see --timeout')
    return RunError(f'--server {server}: {code.name}: {said}')
