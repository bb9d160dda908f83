# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""SSD's PriorBox and DetectionOutput: each option compared with OpenCV 4 and plain Python; a real detector."""

import importlib.util
import re
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from components.caffe_converter import check, convert
from components.caffe_converter.__main__ import main
from components.caffe_converter.network import open_network, plan_network
from components.caffe_converter.outputs import write_hdf5
from components.caffe_converter.prototxt import parse
from components.errors import InputError

TOLERANCE = 1e-5  # boxes are fractions of the image


def _beside(name):
    spec = importlib.util.spec_from_file_location(f'detection_{name}', Path(__file__).with_name(f'{name}.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


nets, oracle = _beside('layer_nets'), _beside('numpy_detection')
_X = np.random.default_rng(3).normal(size=(2, nets.C, nets.H, nets.W)).astype(np.float32)
_KERAS_X = _X.transpose(0, 2, 3, 1)


def _param(text, field):
    return parse(text).messages('layer')[-1].message(field)


def _found(rows):
    """A model's rows [B, K, 7] without those that fill up, as Caffe's [N, 7]."""
    rows = np.asarray(rows)
    return rows[rows[..., 1] >= 0]


@pytest.mark.parametrize('name', nets.PRIORS)
def test_priors(name, make_net, opencv):
    text = nets.PRIORS[name]
    files = make_net(text)
    got = np.asarray(convert(*files)(_KERAS_X))
    want = oracle.prior_box(_param(text, 'prior_box_param'), np.zeros((1, 1, 6, 4)), _X)
    np.testing.assert_allclose(got, np.repeat(want, 2, 0), atol=1e-6)
    if name not in nets.PRIORS_NUMPY:
        (want,) = opencv(*files, _X, [])
        np.testing.assert_allclose(got, np.repeat(want, 2, 0), atol=1e-6)


@pytest.mark.parametrize('name', [*nets.DETECTORS, *nets.DETECTORS_NUMPY])
def test_rows(name, make_net, opencv):
    text = (nets.DETECTORS | nets.DETECTORS_NUMPY)[name]
    files = make_net(text)
    model = convert(*files)
    parts = keras.Model(model.input, [model.get_layer(part).output for part in ('loc', 'conf', 'priors', 'x')])
    *inputs, rows = (np.asarray(value) for value in parts(_KERAS_X))
    assert rows.shape == (2, *check(*files).output_shape)
    found = _found(rows)
    assert len(found) > 1
    want = oracle.detection_output(_param(text, 'detection_output_param'), *(each.astype(float) for each in inputs))
    np.testing.assert_allclose(found, want, rtol=TOLERANCE, atol=TOLERANCE)
    if name in nets.DETECTORS_NUMPY:
        return
    (want,) = opencv(*files, _X, ['x'])
    want = want.reshape(-1, 7)
    want = want[want.any(axis=1)]  # OpenCV fills its output up with zeros, and does not order the rows by label
    want = want[np.lexsort((-want[:, 2], want[:, 1], want[:, 0]))]
    np.testing.assert_allclose(found, want, rtol=TOLERANCE, atol=TOLERANCE)


def test_images_without_detections_have_the_rows_that_caffe_gives(make_net):
    """detection_output_layer.cpp, of a batch in which nothing is found: (image, -1, -1, -1, -1, -1, -1)."""
    rows = np.asarray(convert(*make_net(nets.ssd('confidence_threshold: 1e9 keep_top_k: 3')))(_KERAS_X))
    np.testing.assert_array_equal(rows, [[[image, *[-1] * 6]] * 3 for image in range(2)])


def test_an_image_does_not_change_the_rows_of_another(make_net):
    model = convert(*make_net(nets.DETECTORS['confidence_threshold']))
    both, second = np.asarray(model(_KERAS_X)), np.asarray(model(_KERAS_X[1:]))
    np.testing.assert_array_equal(both[..., 0], [[0] * 7, [1] * 7])
    np.testing.assert_allclose(both[1, :, 1:], second[0, :, 1:], atol=1e-6)
    np.testing.assert_allclose(model.predict(_KERAS_X, verbose=0), both, atol=1e-6)


def test_equal_scores_and_inverted_boxes(make_net):
    """Of equal scores the first prior wins; a box whose maximum is below its minimum overlaps nothing."""
    text = (
        'input: "loc" input_shape { dim: 1 dim: 16 } input: "conf" input_shape { dim: 1 dim: 8 }\n'
        'input: "priors" input_shape { dim: 1 dim: 2 dim: 16 }\n'
    ) + nets.layer('x', 'DetectionOutput', 'loc conf priors', params='detection_output_param { num_classes: 2 }')
    model = convert(*make_net(text))
    boxes = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5], [0.5, 0.5, 0.25, 0.25], [0, 0, 0.5, 0.4]])
    values = {
        'loc': np.zeros((1, 16)), 'priors': np.stack([boxes.ravel(), np.ones(16)])[None],
        'conf': np.array([[0, 0.5, 0, 0.5, 0, 0.5, 0, 0.5]]),
    }  # fmt: skip
    rows = _found(model([values[one.name].astype(np.float32) for one in model.inputs]))
    np.testing.assert_allclose(rows, [[0, 1, 0.5, *boxes[0]], [0, 1, 0.5, *boxes[2]]])


def test_files(make_net, tmp_path, capsys):
    """Each format gives the same rows: .keras, .h5 in layer order and by name, a SavedModel."""
    files = make_net(nets.DETECTORS['a location for each class'])
    model = convert(*files)
    want = np.asarray(model(_KERAS_X))
    for by_name in (False, True):
        empty = keras.models.clone_model(model)
        for variable in empty.weights:
            variable.assign(np.zeros(variable.shape))
        write_hdf5(open_network(*files), tmp_path / 'x.h5')
        empty.load_weights(tmp_path / 'x.h5', by_name=by_name)
        np.testing.assert_array_equal(empty(_KERAS_X), want)
    model.export(tmp_path / 'saved', verbose=False)
    saved = tf.saved_model.load(str(tmp_path / 'saved'))
    np.testing.assert_allclose(saved.serve(_KERAS_X), want, atol=1e-6)
    assert main([str(tmp_path / 'model'), *map(str, files), '-f', 'keras']) == 0
    assert 'import components.caffe_converter.keras_layers' in capsys.readouterr().err
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / 'model.keras')(_KERAS_X), want)


def test_real_face_detector(shared):
    """Rows above 0.2 on real faces; of the others, scores that differ by less than 1e-7 change places."""
    folder = shared / 'models/res10_face_detector'
    files = folder / 'deploy.prototxt', next(folder.glob('*.caffemodel'))
    faces = sorted((shared / 'data/agegender/combined').rglob('*.jpg'))[::250]
    if not faces:
        pytest.skip('no faces in ../shared/data/agegender')
    images = [cv2.resize(cv2.imread(str(face)), (300, 300)) - np.float32([104, 177, 123]) for face in faces[:8]]
    images = np.stack([*images, np.zeros_like(images[0])])
    model = convert(*files)
    assert model.output_shape == (None, 200, 7)
    rows = _found(model(images))
    network = cv2.dnn.readNetFromCaffe(*map(str, files))
    network.setInput(images.transpose(0, 3, 1, 2).copy())
    want = network.forward()[0, 0]
    got, want = (each[each[:, 2] > 0.2] for each in (rows, want))
    assert set(got[:, 0]) == set(range(8))  # a face in each but the gray image
    np.testing.assert_allclose(got, want, atol=1e-4)


_BAD = [
    (nets.ssd('keep_top_k: 0'), 'top_k and keep_top_k must be 1 or more, or -1 for all boxes'),
    (nets.ssd('nms_param { eta: 1.5 }'), 'eta in (0, 1], found 0.3 and 1.5'),
    (nets.ssd('objectness_score: 0.1'), "unknown field 'objectness_score'"),
    (nets.ssd('', classes=1), 'expected num_classes with a class beside the background'),
    (nets.ssd('').replace('"loc" bottom: "conf"', '"conf" bottom: "loc"'), 'first input of N×264 for 66 priors'),
    (nets.PRIORS['img_size'].replace('img_size: 20', 'img_size: 20 img_h: 3'), 'img_size and img_h, img_w are both'),
    (nets.PRIORS['step'].replace('step: 2.5', 'step_h: 2'), 'step_h and step_w must be above 0'),
    (nets.PRIORS['one size'].replace('min_size: 4', 'min_size: 0.5'), 'expected a min_size of at least 1'),
    (nets.PRIORS['one size'].replace('min_size: 4', 'min_size: 4 max_size: 4'), 'one above each of 1 min_size'),
    (nets.PRIORS['clip'].replace('variance: 0.2', 'variance: 0.2 variance: 0.2'), 'one or four variances'),
]  # fmt: skip


@pytest.mark.parametrize(('text', 'message'), _BAD, ids=[message for _, message in _BAD])
def test_errors_name_the_line(text, message, tmp_path):
    (tmp_path / 'n').write_text(text)
    with pytest.raises(InputError, match=re.escape(message)) as error:
        plan_network(tmp_path / 'n')
    assert re.search(r'n line \d+: ', str(error.value))


@pytest.mark.parametrize('kind', ['ROIPooling', 'PSROIPooling', 'Proposal'])
def test_region_layers_are_refused(kind, tmp_path):
    (tmp_path / 'n').write_text(nets.net(nets.layer('x', kind, 'data')))
    with pytest.raises(InputError, match=r'regions of the whole batch.*--output-layer.*--skip_unknown') as error:
        plan_network(tmp_path / 'n')
    assert 'did you mean' not in str(error.value)
