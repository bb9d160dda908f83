# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The exported model in the TensorFlow of TensorFlow Serving's release, which is older than ours.

SERVING_PYTHON names an interpreter of an environment with that TensorFlow:
  uv venv --python 3.11 ENV && uv pip install --python ENV/bin/python 'tensorflow-cpu==2.19.*'
"""

import importlib.metadata
import json
import os
import re
import subprocess

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components.embedding_gen import base_model
from components.embedding_gen.embedder import Embedder
from components.embedding_gen.settings import Settings
from pipeline.model import export, request_validation

_PROGRAM = """
import json, pathlib, sys
import tensorflow as tf
version, images = sys.argv[1], [pathlib.Path(name).read_bytes() for name in sys.argv[2:]]
signature = tf.saved_model.load(version).signatures['serving_default']
answers = {name: value.numpy().tolist() for name, value in signature(image_bytes=tf.constant(images)).items()}
answers['label'] = [label.decode() for label in answers['label']]
try:
    signature(image_bytes=tf.constant([images[0], b'no image']))
    error = ''
except tf.errors.InvalidArgumentError as raised:
    error = str(raised)
print(json.dumps({'tensorflow': tf.__version__, 'answers': answers, 'error': error}))
"""


@pytest.fixture(scope='module')
def interpreter() -> str:
    if not os.environ.get('SERVING_PYTHON'):
        pytest.skip('SERVING_PYTHON names no Python with the TensorFlow of TensorFlow Serving')
    return os.environ['SERVING_PYTHON']


def _exported_again(finished, precision: str, folder) -> str:
    """The finished run's model, exported in another precision."""
    (base,) = finished.output.glob('CaffeConverter/**/base.keras')
    (head,) = finished.output.glob('Trainer/**/head.keras')
    (graph,) = finished.output.glob('Transform/transform_graph/*')
    transform = tft.TFTransformOutput(str(graph)).transform_features_layer()
    embedder = Embedder(base_model.load(base), transform, Settings(precision=precision))
    export.export(export.GenderModel(embedder, keras.models.load_model(head)), str(folder))
    return str(folder)


@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_the_release_of_the_server_gives_the_same_answers(interpreter, finished, inputs, tmp_path, precision):
    version = finished.output / 'serving' / 'gender_classifier' / finished.versions[-1]
    if precision == 'bfloat16':
        version = _exported_again(finished, precision, tmp_path / '1')
    faces = sorted((inputs.data / 'combined' / 'aligned').glob('*/*'))[::20]
    process = subprocess.run(
        [interpreter, '-c', _PROGRAM, str(version), *map(str, faces)],
        env={'PATH': os.environ['PATH'], 'TF_CPP_MIN_LOG_LEVEL': '3', 'CUDA_VISIBLE_DEVICES': ''},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stderr
    found = json.loads(process.stdout)
    served = importlib.metadata.version('tensorflow-serving-api').split('.')[:2]
    assert found['tensorflow'].split('.')[:2] == served
    signature = tf.saved_model.load(str(version)).signatures['serving_default']
    here = signature(image_bytes=tf.constant([face.read_bytes() for face in faces]))
    tolerance = 1e-5 if precision == 'float32' else 1e-2
    np.testing.assert_allclose(found['answers']['probability'], here['probability'].numpy(), atol=tolerance)
    if precision == 'float32':
        assert found['answers']['label'] == [label.decode() for label in here['label'].numpy()]
    assert re.search(re.escape(f'{request_validation.MESSAGE}] [1]'), found['error'])
    difference = np.abs(found['answers']['probability'] - here['probability'].numpy()).max()
    print(f'{found["tensorflow"]}, {precision}: {len(faces)} faces, largest difference {difference:.1e}')
