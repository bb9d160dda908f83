# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A client of TensorFlow Serving: gRPC `PredictionService.Predict`.

The protocol: tensorflow/serving, `tensorflow_serving/apis/prediction_service.proto` and `predict.proto`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components import names
from components.errors import InputError, RunError
from pipeline.serving.predict import Answer, Classifier, ImageRejected, answers


def connect(server: str, model: str = names.MODEL, timeout: float = 60.0, version: int | None = None) -> Classifier:
    """Returns a classifier that calls a served model. The first call connects, without encryption.

    Args:
      server: HOST:PORT of the gRPC port (TensorFlow Serving's default is 8500, not the REST port 8501).
      model: its name on the server.
      timeout: seconds for one request of up to 32 images.
      version: the version to use; None for the newest.

    Raises:
      InputError: `server` is not HOST:PORT. A call raises it if the server is unreachable or lacks the model or the
        signature.
      RunError: a call timed out, or the server failed.
      ImageRejected: the model rejected an image of the call.
    """
    host, _, port = server.rpartition(':')
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError(f'--server {server}: expected HOST:PORT, e.g. localhost:8500')
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    # gRPC's size limit is for answers, which are small; the server limits requests.
    stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(server))

    def classify(images: Sequence[bytes]) -> list[Answer]:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = model
        request.model_spec.signature_name = names.SERVING
        if version is not None:
            request.model_spec.version.value = version
        request.inputs[names.SERVING_INPUT].CopyFrom(tf.make_tensor_proto(list(images), dtype=tf.string))
        request.output_filter.extend([names.LABEL_NAME, names.PROBABILITY])
        try:
            outputs = stub.Predict(request, timeout=timeout).outputs
        except grpc.RpcError as error:
            raise _translated(server, model, timeout, error) from None
        missing = {names.LABEL_NAME, names.PROBABILITY} - set(outputs)
        if missing:
            raise RunError(
                f'--server {server}: the answer lacks {", ".join(sorted(missing))}; check that {model} is a model of '
                'this pipeline'
            )
        return answers(*(tf.make_ndarray(outputs[name]) for name in (names.LABEL_NAME, names.PROBABILITY)))

    return classify


def _translated(server: str, model: str, timeout: float, error: Any) -> Exception:
    """Translates a gRPC status (grpc/grpc, doc/statuscodes.md) into an error with a remedy."""
    import grpc

    details = ' '.join((error.details() or '').split())[:300]
    code = error.code()
    if code == grpc.StatusCode.INVALID_ARGUMENT:
        return ImageRejected(details)
    if code == grpc.StatusCode.UNAVAILABLE:
        return InputError(f'--server {server}: cannot be reached ({details}); is it up, and is this its gRPC port?')
    if code == grpc.StatusCode.NOT_FOUND:
        return InputError(f'--server {server}: has no model {model} ({details}); see --model-name')
    if code == grpc.StatusCode.FAILED_PRECONDITION:
        return InputError(f'--server {server}: the model {model} is not one of this pipeline ({details})')
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return RunError(f'--server {server}: no answer within {timeout:g} s; see --timeout')
    return RunError(f'--server {server}: {code.name}: {details}')
