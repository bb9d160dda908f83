# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Each layer type and option compared with OpenCV 4, or with numpy where OpenCV deviates from Caffe."""

import importlib.util
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest

from components.caffe_converter import convert

TOLERANCE = 1e-4


def _beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f'caffe_converter_{name}', Path(__file__).with_name(f'{name}.py'))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


nets, numpy_caffe = _beside('layer_nets'), _beside('numpy_caffe')


def _input(text: str) -> np.ndarray:
    return np.random.default_rng(3).normal(size=nets.input_shape(text)).astype(np.float32)


@pytest.mark.parametrize('name', nets.OPENCV)
def test_equals_opencv(name, make_net, opencv, relative_error):
    text = nets.OPENCV[name]
    prototxt, caffemodel = make_net(text)
    x = _input(text)
    model = convert(prototxt, caffemodel)
    (want,) = opencv(prototxt, caffemodel, x, [])
    assert relative_error(model(x.transpose(0, 2, 3, 1)), want) < TOLERANCE


@pytest.mark.parametrize('name', nets.NUMPY)
def test_equals_numpy(name, make_net, relative_error):
    text = nets.NUMPY[name]
    prototxt, caffemodel = make_net(text)
    x = _input(text)
    model = convert(prototxt, caffemodel)
    want = numpy_caffe.forward(text, str(caffemodel), x)
    assert relative_error(model(x.transpose(0, 2, 3, 1)), want) < TOLERANCE


@pytest.mark.parametrize('name', [*nets.OPENCV, *nets.NUMPY])
def test_saved_model_gives_the_same_output(name, make_net, tmp_path):
    text = (nets.OPENCV | nets.NUMPY)[name]
    model = convert(*make_net(text))
    x = _input(text).transpose(0, 2, 3, 1)
    model.save(tmp_path / 'model.keras')
    loaded = keras.models.load_model(tmp_path / 'model.keras')
    np.testing.assert_array_equal(np.asarray(loaded(x)), np.asarray(model(x)))


@pytest.mark.parametrize('largest', [1.0, 1.5])
def test_prelu_with_any_slope_equals_keras(largest):
    from components.caffe_converter.keras_layers import PReLU

    alpha = np.linspace(-0.5, largest, 5, dtype=np.float32).reshape(1, 1, 5)
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    outputs = []
    for kind in (PReLU, keras.layers.PReLU):
        layer = kind(shared_axes=[1, 2])
        layer.build(x.shape)
        layer.set_weights([alpha])
        outputs.append(np.asarray(layer(x)))
    np.testing.assert_array_equal(*outputs)


def test_argmax_of_equal_values_is_the_last(make_net):
    # argmax_layer.cpp sorts pairs of (value, index) in descending order, so the higher index comes first.
    model = convert(*make_net(nets.NUMPY['ArgMax']))
    assert np.asarray(model(np.zeros((1, nets.H, nets.W, nets.C)))).ravel() == [nets.C * nets.H * nets.W - 1]


def test_every_layer_type_is_compared():
    from components.caffe_converter.build import BUILDERS
    from components.caffe_converter.layers import PLANNERS

    assert set(BUILDERS) == set(PLANNERS)
    texts = ''.join((nets.OPENCV | nets.NUMPY | nets.PRIORS | nets.DETECTORS).values())
    assert {kind for kind in PLANNERS if f'type: "{kind}"' not in texts} == set()
