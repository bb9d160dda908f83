# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Each layer type and option compared with Caffe 1.0 itself, where CAFFE_PYTHON names a Python that has it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from components.caffe_converter import convert

TOLERANCE = 1e-4


def _nets():
    spec = importlib.util.spec_from_file_location('caffe_layer_nets', Path(__file__).with_name('layer_nets.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


nets = _nets()
_ALL = nets.OPENCV | nets.NUMPY
# Types and fields of forks, which Caffe 1.0 lacks.
_FORKS = ('"Normalize"', 'scale_train', '"ConvolutionDepthwise"', '"DepthwiseConvolution"')


@pytest.mark.parametrize('name', [name for name, text in _ALL.items() if not any(fork in text for fork in _FORKS)])
def test_equals_caffe(name, make_net, caffe, relative_error):
    prototxt, caffemodel = make_net(_ALL[name])
    batch, *shape = nets.input_shape(_ALL[name])
    x = np.random.default_rng(3).normal(size=(batch, *shape)).astype(np.float32)
    want = list(caffe(prototxt, caffemodel, {'data': x}).values())[-1]
    assert relative_error(convert(prototxt, caffemodel)(x.transpose(0, 2, 3, 1)), want) < TOLERANCE
