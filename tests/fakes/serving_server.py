# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""gRPC servers with TensorFlow Serving's protocol: one serves a SavedModel, one gives whatever answers a test needs.

Like TensorFlow Serving, the first uses the messages of tensorflow-serving-api, serves the folder with the highest
number, passes on the status of a failed graph, and returns NOT_FOUND for an unknown model or version and
FAILED_PRECONDITION for an unknown signature.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2


class _Service:
    def __init__(self, base_path: Path, name: str):
        self.calls = 0
        self._name = name
        self._version = max(int(item.name) for item in base_path.iterdir() if item.name.isdigit())
        self._model = tf.saved_model.load(str(base_path / str(self._version)))

    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        self.calls += 1
        spec = request.model_spec
        if spec.name != self._name or (spec.HasField('version') and spec.version.value != self._version):
            context.abort(grpc.StatusCode.NOT_FOUND, f'Servable not found for request: Latest({spec.name})')
        signature = self._model.signatures.get(spec.signature_name)
        if signature is None:
            context.abort(
                grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{spec.signature_name}" not found.'
            )
        inputs = {name: tf.constant(tf.make_ndarray(proto)) for name, proto in request.inputs.items()}
        try:
            outputs = signature(**inputs)
        except tf.errors.OpError as error:
            context.abort(next(c for c in grpc.StatusCode if c.value[0] == error.error_code), error.message)
        response = predict_pb2.PredictResponse()
        response.model_spec.CopyFrom(spec)
        response.model_spec.version.value = self._version
        for name, value in outputs.items():
            if not request.output_filter or name in request.output_filter:
                response.outputs[name].CopyFrom(tf.make_tensor_proto(value.numpy()))
        return response


@contextlib.contextmanager
def serving(base_path: Path, name: str) -> Iterator[tuple[str, _Service]]:
    """Serves the newest version on a free port of loopback; yields HOST:PORT and the service."""
    service = _Service(base_path, name)
    with answering(lambda request, context: service.Predict(request, context).SerializeToString()) as address:
        yield address, service


@contextlib.contextmanager
def answering(
    respond: Callable[[predict_pb2.PredictRequest, grpc.ServicerContext], bytes], server_pem: Path | None = None
) -> Iterator[str]:
    """Answers each Predict call with the bytes that `respond` returns; yields HOST:PORT of loopback.

    With `server_pem`, a certificate and its key, over TLS.
    """
    predict = grpc.unary_unary_rpc_method_handler(respond, predict_pb2.PredictRequest.FromString)
    handler = grpc.method_handlers_generic_handler('tensorflow.serving.PredictionService', {'Predict': predict})
    # TensorFlow Serving does not limit the message size.
    server = grpc.server(futures.ThreadPoolExecutor(2), [handler], options=[('grpc.max_receive_message_length', -1)])
    if server_pem is None:
        port = server.add_insecure_port('127.0.0.1:0')
    else:
        pem = server_pem.read_bytes()
        port = server.add_secure_port('127.0.0.1:0', grpc.ssl_server_credentials([(pem, pem)]))
    server.start()
    try:
        yield f'{"127.0.0.1" if server_pem is None else "localhost"}:{port}'
    finally:
        server.stop(None).wait()
