# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Predictions for photographs with the real detector and a substitute for the model."""

import csv
import io
import json
import random

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import predict_pb2

from components.faces import loading
from components.faces.detector import Face
from pipeline import __main__ as program, config
from pipeline.serving import annotation, framed, predict
from pipeline.serving.image_files import Source
from tests.fakes.serving_server import answering
from tests.tools import photographs


def _answer(encoded):
    """Answers with the height of each image as a probability, so that crops are told from whole images."""
    return [('female', Image.open(io.BytesIO(image)).height / 1000) for image in encoded]


@pytest.fixture(scope='module')
def pictures(crops, tmp_path_factory):
    """A crop, a photograph of it, one with three faces, one that EXIF turns, and one without a face."""
    folder, draw_from = tmp_path_factory.mktemp('pictures'), random.Random(7)
    crop = Image.open(crops[50]).convert('RGB')
    three = photographs.background(900, draw_from)
    for path, place in zip(crops[50:53], [(40, 60), (500, 100), (250, 600)], strict=True):
        three.paste(Image.open(path).convert('RGB').resize((240, 240) if place[0] == 40 else (200, 200)), place)
    for name, data in {
        'crop': crops[50].read_bytes(),
        'half': photographs.encoded(photographs.photograph(crop, 2, 10, draw_from)),
        'three': photographs.encoded(three),
        'turned': photographs.encoded(photographs.photograph(crop, 3, 0, draw_from), 6),
        'none': photographs.encoded(Image.new('RGB', (300, 300), 'teal')),
    }.items():
        (folder / f'{name}.jpg').write_bytes(data)
    return folder


def _predict(pictures, framer, *which):
    sources = [Source(str(pictures / f'{name}.jpg')) for name in which]
    return list(predict.predict(_answer, sources, framer))


def test_by_default_only_other_framing_is_aligned(pictures, detector, real_framing):
    framer = framed.Framer(real_framing, detector, None, False)
    crop, half, *three, turned, none = _predict(pictures, framer, 'crop', 'half', 'three', 'turned', 'none')
    assert (crop.framing, half.framing, turned.framing) == ('as it is', 'aligned', 'aligned')
    assert [one.framing for one in three] == ['aligned'] * 3
    # Crops have the size of the training images; the photographs are larger.
    assert {one.probability for one in (crop, half, *three, turned)} == {0.2}
    assert all(one.confidence > 0.8 for one in (crop, half, *three, turned))
    assert none.error == 'no face found; --no-detect classifies the whole image'
    assert none.label is None
    areas = [(one.box[2] - one.box[0]) * (one.box[3] - one.box[1]) for one in three]
    assert areas == sorted(areas, reverse=True)


def test_largest_takes_one_face(pictures, detector, real_framing):
    (one,) = _predict(pictures, framed.Framer(real_framing, detector, True, True), 'three')
    assert abs((one.box[0] + one.box[2]) / 2 - 160) < 25  # that of 240 pixels


def test_no_detect_checks_and_answers_the_whole_image(pictures, detector, real_framing):
    found = _predict(pictures, framed.Framer(real_framing, detector, False, False), 'crop', 'half', 'none')
    assert [one.framing for one in found] == ['as it is', 'different', 'different']
    assert [one.probability for one in found] == [0.2, 0.4, 0.3]
    assert found[2].box is None


def test_without_a_detector_nothing_is_claimed(pictures, real_framing):
    (found,) = _predict(pictures, framed.Framer(real_framing, None, None, False), 'half')
    assert (found.framing, found.probability, found.box) == ('unchecked', 0.4, None)


def test_bad_files_keep_their_place(pictures, detector, real_framing, tmp_path):
    (tmp_path / 'text.jpg').write_bytes(b'no image')
    sources = [Source(str(tmp_path / 'text.jpg')), Source(str(pictures / 'crop.jpg')), Source('a*', 'no match')]
    found = list(predict.predict(_answer, sources, framed.Framer(real_framing, detector, None, False)))
    assert [bool(one.error) for one in found] == [True, False, True]


class _Crowd:
    """A detector that finds 36 faces everywhere."""

    name = 'crowd'

    def detect(self, pictures, side):
        return [[Face((10, 10, 60, 60), 0.9)] * 36 for _ in pictures]


def test_more_faces_than_a_request_may_have_are_sent_in_several(pictures, real_framing):
    sizes = []

    def count(encoded):
        sizes.append(len(encoded))
        return _answer(encoded)

    sources = [Source(str(pictures / 'none.jpg'))]
    found = list(predict.predict(count, sources, framed.Framer(real_framing, _Crowd(), True, False)))
    assert (len(found), sizes) == (36, [32, 4])


def test_annotated_copies_show_the_boxes(pictures, detector, real_framing, tmp_path):
    framer = framed.Framer(real_framing, detector, None, False)
    with annotation.annotated(tmp_path / 'shown') as show:
        for answer in _predict(pictures, framer, 'turned', 'none', 'three', 'three'):
            show(answer)
    # Two predictions for one path in a row are of one picture: the second pass over it adds no file.
    assert sorted(path.name for path in (tmp_path / 'shown').iterdir()) == ['three.png', 'turned.png']
    shown = np.asarray(Image.open(tmp_path / 'shown' / 'turned.png'), int)
    (answer,) = _predict(pictures, framer, 'turned')
    left, top, _, bottom = answer.box
    assert shown.shape == (600, 600, 3)
    assert abs(shown[(top + bottom) // 2, max(left, 0)] - (255, 196, 0)).max() == 0


@pytest.fixture
def model(tmp_path, real_framing, monkeypatch):
    """The folder of a model with a framing; its answers are `_answer`'s."""
    folder = tmp_path / 'model'
    (folder / framed.EXTRA).mkdir(parents=True)
    (folder / 'saved_model.pb').write_bytes(b'')
    (folder / framed.EXTRA / framed.FILE).write_text(real_framing.to_json())
    monkeypatch.setattr(predict, 'load', lambda model: _answer)
    return folder


def test_the_command_says_what_was_done(model, pictures, capfd, tmp_path):
    call = ['predict', '--model', str(model), str(pictures / 'crop.jpg'), str(pictures / 'half.jpg')]
    assert program.main([*call, '--csv']) == 0
    one, other = csv.DictReader(io.StringIO(capfd.readouterr().out))
    assert (one['framing'], other['framing']) == ('as it is', 'aligned')
    assert 0 < int(other['right']) - int(other['left']) < 220
    assert program.main([*call, '--json', '--no-detect']) == 0
    printed = capfd.readouterr()
    assert [json.loads(line)['framing'] for line in printed.out.splitlines()] == ['as it is', 'different']
    (warning,) = [line for line in printed.err.splitlines() if 'not framed like the training images' in line]
    assert warning.startswith(str(pictures / 'half.jpg'))
    assert program.main([*call, '--detect', '--largest', '--annotate', str(tmp_path / 'shown')]) == 0
    assert capfd.readouterr().out.count('aligned') == 2
    assert len(list((tmp_path / 'shown').iterdir())) == 2


def test_the_command_warns_without_a_detector(model, pictures, capfd, monkeypatch):
    monkeypatch.setattr(loading, 'PACKAGE', 'no-such-package')
    call = ['predict', '--model', str(model), str(pictures / 'half.jpg')]
    assert program.main([*call, '--json']) == 0
    printed = capfd.readouterr()
    assert json.loads(printed.out)['framing'] == 'unchecked'
    assert 'no face detector is installed' in printed.err
    assert program.main([*call, '--detect']) == 2
    assert 'install this project' in capfd.readouterr().err


def test_a_model_without_a_framing_is_used_as_before(model, pictures, capfd):
    (model / framed.EXTRA / framed.FILE).unlink()
    call = ['predict', '--model', str(model), str(pictures / 'half.jpg')]
    assert program.main([*call, '--json']) == 0
    assert set(json.loads(capfd.readouterr().out)) == {'path', 'label', 'probability'}
    for option, text in (
        ('--detect', 'this model has no framing'),
        ('--largest', '--largest: the model has no framing'),
        ('--detector-prototxt=x', 'belong together'),
        (f'--framing={pictures / "half.jpg"}', 'half.jpg: cannot be read'),
    ):
        assert program.main([*call, option]) == 2
        assert text in capfd.readouterr().err


def test_a_framing_is_what_evaluate_aligns_to(real_framing):
    settings = config.load('demo', framed.overrides(real_framing)).data
    assert settings.detect == 'align'
    assert settings.aligned_size == real_framing.size
    assert settings.aligned_landmarks == tuple(value for point in real_framing.landmarks for value in point)


def test_evaluate_needs_a_framing_to_detect(model, tmp_path, capfd):
    call = ['evaluate', '--server', 'localhost:1', '--data', str(tmp_path), '--output', str(tmp_path / 'o'), '--detect']
    assert program.main(call) == 2
    assert '--detect: --server sends no framing; give --framing' in capfd.readouterr().err


def test_a_server_gets_crops_of_faces_found_here(model, pictures, capfd):
    def answer(request, context):
        found = _answer(tf.make_ndarray(request.inputs['image_bytes']))
        response = predict_pb2.PredictResponse()
        for name, values in zip(('label', 'probability'), zip(*found, strict=True), strict=True):
            kind = tf.float32 if name == 'probability' else tf.string
            response.outputs[name].CopyFrom(tf.make_tensor_proto(values, dtype=kind))
        return response.SerializeToString()

    with answering(answer) as address:
        call = ['predict', '--server', address, '--json', str(pictures / 'three.jpg'), str(pictures / 'crop.jpg')]
        assert program.main([*call, '--framing', str(model / framed.EXTRA / framed.FILE)]) == 0
        found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        assert [row['framing'] for row in found] == ['aligned'] * 3 + ['as it is']
        assert [row['probability'] for row in found] == pytest.approx([0.2] * 4)
        assert program.main([*call, '--detect']) == 2
        assert '--detect: --server sends no framing; give --framing' in capfd.readouterr().err
        assert program.main(call) == 0  # as it was without a framing
        assert 'framing' not in capfd.readouterr().out
