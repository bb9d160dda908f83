# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The requests of deploy/serving/README.md, sent to an exported model."""

import base64
import json
import re
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import predict_pb2

from components import names

_README = (Path(__file__).resolve().parents[4] / 'deploy' / 'serving' / 'README.md').read_text()


@pytest.fixture(scope='module')
def face(inputs):
    return next((inputs.data / 'combined' / 'aligned' / '20_F').iterdir()).read_bytes()


@pytest.fixture(scope='module')
def signature(finished):
    model = tf.saved_model.load(str(finished.output / 'serving' / names.MODEL / finished.versions[0]))
    signature = model.signatures[names.SERVING]
    signature.keep_alive = model
    return signature


def test_the_model_answers_the_readmes_rest_request_in_the_readmes_shape(signature, face):
    request, answer = (json.loads(text) for text in re.findall(r'```json\n(.+?)\n```', _README, re.DOTALL))
    assert request['signature_name'] == names.SERVING
    (instance,) = request['instances']
    assert base64.b64decode(instance['image_bytes']['b64'][:4]) == b'\xff\xd8\xff'
    instance['image_bytes']['b64'] = base64.b64encode(face).decode()
    # REST's row format: a list of instances, each a map from inputs to values; likewise for outputs.
    inputs = {name: tf.constant([base64.b64decode(value['b64'])]) for name, value in instance.items()}
    outputs = signature(**inputs)
    assert set(outputs) == set(answer['predictions'][0])
    for name, value in answer['predictions'][0].items():
        assert outputs[name].dtype == (tf.string if isinstance(value, str) else tf.float32)


def test_the_model_answers_the_readmes_grpc_request(signature, face):
    (text,) = re.findall(r'```\n(model_spec .+?)\n```', _README, re.DOTALL)
    request = text_format.Parse(text, predict_pb2.PredictRequest())
    assert (request.model_spec.name, request.model_spec.signature_name) == (names.MODEL, names.SERVING)
    request.inputs['image_bytes'].string_val[0] = face
    outputs = signature(**{name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()})
    assert outputs['label'].numpy()[0] in (b'male', b'female')
