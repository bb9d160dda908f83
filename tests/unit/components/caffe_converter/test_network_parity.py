# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Whole networks compared with OpenCV 4: real ones, layer by layer, and VGG-Face of reduced width."""

from pathlib import Path

import keras
import numpy as np
import pytest

from components.caffe_converter import VGG_FACE_DEPLOY, VGG_FACE_DEPLOY_FULL, check, convert, vgg_face_prototxt

TOLERANCE = 1e-4
_DETECTOR = ('res10_face_detector/deploy.prototxt', 'res10_face_detector/res10_300x300_ssd_iter_140000.caffemodel')
_HEADS = [
    f'{layer}_mbox_{kind}'
    for layer in ('conv4_3_norm', 'fc7', 'conv6_2', 'conv7_2', 'conv8_2', 'conv9_2')
    for kind in ('loc', 'conf')
]


def _errors(prototxt, caffemodel, x, layers, opencv, relative_error, **options):
    model = convert(prototxt, caffemodel, **options)
    model = keras.Model(model.input, [model.get_layer(name).output for name in layers])
    outputs = model(x.transpose(0, 2, 3, 1))
    wants = opencv(prototxt, caffemodel, x, layers)
    return {name: relative_error(output, want) for name, output, want in zip(layers, outputs, wants, strict=True)}


@pytest.mark.parametrize(
    ('folder', 'prototxt', 'caffemodel', 'scale'),
    [
        ('lenet_v1', 'lenet.prototxt', 'lenet_iter_10000.caffemodel', 1),
        ('cifar10_quick_v1', 'cifar10_quick.prototxt', 'cifar10_quick_iter_5000.caffemodel', 60),
    ],
)
def test_every_layer_of_small_real_networks(shared, opencv, relative_error, folder, prototxt, caffemodel, scale):
    files = [shared / 'models' / folder / name for name in (prototxt, caffemodel)]
    summary = check(*files)
    height, width, channels = summary.input_shape
    x = (np.random.default_rng(0).random((2, channels, height, width)) * scale).astype(np.float32)
    layers = [row.name for row in summary.layers]
    errors = _errors(*files, x, layers, opencv, relative_error)
    assert len(errors) == len(layers) > 7
    assert max(errors.values()) < TOLERANCE, errors


def test_mobilefacenet(shared, opencv, relative_error):
    files = [shared / 'models/mobilefacenet' / name for name in ('deploy.prototxt', 'mobilefacenet.caffemodel')]
    model = convert(*files)
    assert sum(isinstance(layer, keras.layers.DepthwiseConv2D) for layer in model.layers) == 17
    x = np.random.default_rng(0).normal(size=(2, 3, 112, 112)).astype(np.float32)
    (want,) = opencv(*files, x, [])
    assert relative_error(model(x.transpose(0, 2, 3, 1)), want) < TOLERANCE


def test_detector_backbone_and_heads(shared, opencv, relative_error):
    files = [shared / 'models' / name for name in _DETECTOR]
    x = (np.random.default_rng(0).normal(size=(1, 3, 300, 300)) * 60).astype(np.float32)
    errors = _errors(*files, x, ['last_relu', *_HEADS], opencv, relative_error)
    assert max(errors.values()) < TOLERANCE, errors


def test_detector_cut_at_last_relu(shared):
    files = [shared / 'models' / name for name in _DETECTOR]
    summary = check(*files, output_layer='last_relu')
    assert summary.input_shape == (300, 300, 3)
    assert summary.output_layer == 'last_relu'
    assert summary.output_shape == (19, 19, 256)
    assert not any('mbox' in row.name for row in summary.layers)


@pytest.mark.parametrize('generation', ['v1', 'v2'])
@pytest.mark.parametrize('fully_connected', [True, False])
def test_vgg_face_of_reduced_width(make_net, opencv, relative_error, generation, fully_connected):
    text = vgg_face_prototxt(8, fully_connected, 96, 40, 11)  # pool5 is 3×3: fc6 sees C, H, W in another order
    files = make_net(text, generation, 64.0)
    x = (np.random.default_rng(1).normal(size=(2, 3, 96, 96)) * 64).astype(np.float32)
    layers = [row.name for row in check(*files).layers]
    errors = _errors(*files, x, layers, opencv, relative_error)
    assert len(errors) == (39 if fully_connected else 31)
    assert max(errors.values()) < TOLERANCE, errors


def test_packaged_prototxts_equal_the_generated_ones():
    assert VGG_FACE_DEPLOY_FULL.read_text() == vgg_face_prototxt()
    assert VGG_FACE_DEPLOY.read_text() == vgg_face_prototxt(fully_connected=False)


def test_vgg_face_counts_of_the_published_network(tmp_path):
    # 16 layers with 145,002,878 weights; 15.47 G multiply-adds in the convolutions at 224×224.
    from components.caffe_converter.network import plan_network

    steps = plan_network(VGG_FACE_DEPLOY_FULL).steps
    counts = [sum(np.prod(shape, dtype=int) for shape in step.plan.blobs) for step in steps]
    assert sum(counts) == 145_002_878
    assert sum(bool(count) for count in counts) == 16
    flops = sum(step.plan.flops for step in steps if step.layer.type in ('Convolution', 'InnerProduct'))
    assert flops / 2 == pytest.approx(15.47e9, rel=2e-3)


def test_input_size_of_a_convolutional_network(make_net, opencv, relative_error):
    prototxt, caffemodel = make_net(vgg_face_prototxt(8, False, 64))
    x = np.random.default_rng(1).normal(size=(1, 3, 96, 128)).astype(np.float32)
    model = convert(prototxt, caffemodel, input_size=(96, 128))
    (want,) = opencv(prototxt, caffemodel, x, [])
    assert model.input_shape == (None, 96, 128, 3)
    assert relative_error(model(x.transpose(0, 2, 3, 1)), want) < TOLERANCE


def test_random_weights_keep_activations_in_bounds(make_net):
    model = convert(*make_net(vgg_face_prototxt(16, False, 64), 'v1', 64.0))
    x = (np.random.default_rng(1).normal(size=(2, 64, 64, 3)) * 64).astype(np.float32)
    assert 0.05 < float(np.asarray(model(x)).std()) < 20


def test_layers_keep_their_names(small_vgg):
    model = convert(*small_vgg, output_layer='pool5')
    assert model.get_layer('conv5_1').trainable_weights[0].shape == (3, 3, 64, 64)
    assert model.layers[-1].name == 'pool5'
    assert isinstance(model.get_layer('pool5'), keras.layers.MaxPooling2D)


def test_paths_may_be_strings(small_vgg):
    prototxt, caffemodel = map(str, small_vgg)
    assert check(prototxt, caffemodel).output_shape == (11,)
    assert Path(prototxt).is_file()
