# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""FramingGen's executor on real faces and on images without, and AtomicPusher's with its result."""

import json

import numpy as np
import pytest
from PIL import Image
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components import artifacts
from components.atomic_pusher import executor as pusher
from components.errors import InputError
from components.faces import loading
from components.framing_gen import executor
from components.framing_gen.settings import Settings
from pipeline.report import framing as reported
from pipeline.serving import framed


def _artifact(kind, uri):
    made = kind()
    made.uri = str(uri)
    return made


@pytest.fixture
def measure(tmp_path, write_records):
    """Runs the executor on images in the training split."""

    def run(images, settings=None):
        settings = settings or Settings()
        examples = _artifact(standard_artifacts.Examples, tmp_path / 'examples')
        examples.split_names = '["train", "test"]'
        write_records(tmp_path / 'examples' / 'Split-train' / 'data_tfrecord-00000-of-00001.gz', images)
        output = _artifact(artifacts.Framing, tmp_path / 'framing')
        properties = {'settings': settings.to_json(), 'installed': loading.installed()}
        executor.Executor().Do({'examples': [examples]}, {'framing': [output]}, properties)
        return output

    return run


def test_the_framing_of_faces_is_measured_shown_and_pushed(measure, detector, crops, real_framing, tmp_path):
    images = [path.read_bytes() for path in crops[:40]]
    output = measure(images, Settings(images=38))
    measured = framed.read(tmp_path / 'framing' / 'framing.json')
    assert measured.images == 38
    np.testing.assert_allclose(measured.landmarks, real_framing.landmarks, atol=0.01)
    mean = np.mean([np.asarray(Image.open(path).convert('RGB')) for path in crops[:38]], axis=0)
    shown = np.asarray(Image.open(tmp_path / 'framing' / 'mean_face.png').resize((200, 200)), float)
    assert abs(shown - mean).mean() < 2
    assert reported.read(output.uri, True).picture.startswith('data:image/jpeg;base64,')
    assert reported.read(output.uri, False).picture is None

    model = tmp_path / 'model' / 'Format-Serving'
    model.mkdir(parents=True)
    (model / 'saved_model.pb').write_bytes(b'graph')
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=str(tmp_path / 'serving'))
    )
    inputs = {'model': [_artifact(standard_artifacts.Model, tmp_path / 'model')], 'framing': [output]}
    pushed = _artifact(standard_artifacts.PushedModel, tmp_path / 'pushed')
    pusher.Executor().Do(
        inputs, {'pushed_model': [pushed]}, {'push_destination': proto_utils.proto_to_json(destination)}
    )
    assert framed.of_model(tmp_path / 'serving') == measured


def test_images_without_faces_have_no_framing(measure, detector, jpegs, capfd):
    output = measure(jpegs)
    assert 'The model gets no framing' in capfd.readouterr().err
    assert 'finds a face in only 0 of 43' in output.get_string_custom_property('unmeasured')
    assert reported.read(output.uri, True) is None
    with pytest.raises(InputError, match=r'set framing\.detector=off'):
        measure(jpegs, Settings(detector='mtcnn'))


def test_without_a_detector_auto_says_so_and_mtcnn_fails(measure, jpegs, monkeypatch):
    monkeypatch.setattr(loading, 'PACKAGE', 'no-such-package')
    assert 'not installed' in measure(jpegs).get_string_custom_property('unmeasured')
    with pytest.raises(InputError, match='not installed'):
        measure(jpegs, Settings(detector='mtcnn'))


def test_yamls_off_is_off():
    assert Settings(detector=False) == Settings(detector='off')
    assert json.loads(Settings(detector=False).to_json())['detector'] == 'off'
