# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Each layer type and option, and whole networks, compared with Caffe 1.0 itself (see the fixture `caffe`)."""

import importlib.util
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from components.caffe_converter import check, convert, vgg_face_prototxt
from components.caffe_converter.network import open_network

TOLERANCE = 1e-4


def _nets():
    spec = importlib.util.spec_from_file_location('caffe_layer_nets', Path(__file__).with_name('layer_nets.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


nets = _nets()
_ALL = nets.OPENCV | nets.NUMPY
# Types and fields of forks, which Caffe 1.0 lacks.
_FORKS = (
    '"Axpy"', '"BN"', '"ConvolutionDepthwise"', '"DepthwiseConvolution"', '"HoleConvolution"', '"Interp"',
    '"Normalize"', '"ReLU6"', '"ShuffleChannel"', '"Upsample"', 'scale_train', 'hole_h',
)  # fmt: skip


@pytest.mark.parametrize('name', [name for name, text in _ALL.items() if not any(fork in text for fork in _FORKS)])
def test_equals_caffe(name, make_net, caffe, relative_error):
    _compare_every_top(_ALL[name], _ALL[name], make_net, caffe, relative_error)


@pytest.mark.parametrize('kind', ['ConvolutionDepthwise', 'DepthwiseConvolution'])
def test_depthwise_layers_of_forks_equal_caffes_convolution(kind, make_net, caffe, relative_error):
    texts = [text for text in _ALL.values() if f'"{kind}"' in text]
    assert texts
    for text in texts:
        group = '' if 'group:' in text else f'group: {nets.C}'  # ConvolutionDepthwise does not need to say it
        plain = text.replace(f'"{kind}"', '"Convolution"').replace(
            'convolution_param {', f'convolution_param {{ {group}'
        )
        _compare_every_top(text, plain, make_net, caffe, relative_error)


def _compare_every_top(text, caffe_text, make_net, caffe, relative_error):
    """Compares a layer's tops, with a file of weights that Caffe wrote."""
    prototxt, caffemodel = make_net(text)
    batch, *shape = nets.input_shape(text)
    x = np.random.default_rng(3).normal(size=(batch, *shape)).astype(np.float32)
    saved = caffemodel.with_name('saved.caffemodel')
    prototxt.write_text(caffe_text)
    wants = caffe(prototxt, caffemodel, {'data': x}, save=saved)
    prototxt.write_text(text)
    ends = open_network(prototxt, saved).graph.outputs
    tops = [node.layer.tops[node.outputs.index(blob)] for node, blob in ends]
    got = convert(prototxt, saved)(x.transpose(0, 2, 3, 1))
    for top, value in zip(tops, got if isinstance(got, list) else [got], strict=True):
        assert relative_error(value, wants[top]) < TOLERANCE, top


def _compare_every_blob(files, x, caffe, relative_error):
    """Compares the last value of each blob, also of those inside the network."""
    network = open_network(*files)
    model = convert(*files)
    last = {top: network.names[step.layer.name] for step in network.steps for top in step.layer.tops}
    outputs = keras.Model(model.input, [model.get_layer(name).output for name in last.values()])
    wants = caffe(*files, {network.inputs[0][0]: x})
    got = dict(zip(last, outputs(x.transpose(0, 2, 3, 1)), strict=True))
    errors = {blob: relative_error(value, wants[blob].reshape(_caffe_shape(value))) for blob, value in got.items()}
    assert max(errors.values()) < TOLERANCE, errors
    return errors


def _caffe_shape(value):
    shape = tuple(value.shape)
    return (shape[0], shape[3], shape[1], shape[2]) if len(shape) == 4 else shape


@pytest.mark.parametrize(
    ('folder', 'blobs', 'scale'), [('lenet_v1', 7, 1), ('cifar10_quick_v1', 9, 60), ('mobilefacenet', 60, 1)]
)
def test_real_networks(shared, caffe, relative_error, folder, blobs, scale):
    files = [next((shared / 'models' / folder).glob(f'*.{ending}')) for ending in ('prototxt', 'caffemodel')]
    height, width, channels = check(*files).input_shape
    x = (np.random.default_rng(0).normal(size=(2, channels, height, width)) * scale).astype(np.float32)
    assert len(_compare_every_blob(files, x, caffe, relative_error)) >= blobs


def test_detector_backbone(shared, caffe, relative_error, tmp_path):
    """Caffe 1.0 has no SSD layers, so the prototxt is cut to the layers before them."""
    folder = shared / 'models/res10_face_detector'
    head, *layers = re.split(r'^(?=layer \{)', (folder / 'deploy.prototxt').read_text(), flags=re.MULTILINE)
    end = next(at for at, text in enumerate(layers) if 'name: "last_relu"' in text)
    kept = [text for text in layers[: end + 1] if 'type: "Normalize"' not in text and 'mbox' not in text]
    (tmp_path / 'n').write_text(head + ''.join(kept))
    x = (np.random.default_rng(0).normal(size=(1, 3, 300, 300)) * 60).astype(np.float32)
    files = tmp_path / 'n', next(folder.glob('*.caffemodel'))
    assert len(_compare_every_blob(files, x, caffe, relative_error)) == 22


@pytest.mark.parametrize('generation', ['v1', 'v2'])
@pytest.mark.parametrize('fully_connected', [True, False])
def test_vgg_face_of_reduced_width(make_net, caffe, relative_error, generation, fully_connected):
    files = make_net(vgg_face_prototxt(8, fully_connected, 96, 40, 11), generation, 64.0)
    x = (np.random.default_rng(1).normal(size=(2, 3, 96, 96)) * 64).astype(np.float32)
    errors = _compare_every_blob(files, x, caffe, relative_error)
    assert len(errors) == (22 if fully_connected else 18)
