# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Networks of Caffe's forks: small ones of the published architectures, the dialects of BN, and what is refused."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from components.caffe_converter import check, convert
from components.caffe_converter.caffemodel_writer import write_caffemodel
from components.caffe_converter.keras_plan import keras_order
from components.caffe_converter.network import open_network
from components.errors import InputError

TOLERANCE = 1e-4


def _beside(name):
    spec = importlib.util.spec_from_file_location(f'forks_{name}', Path(__file__).with_name(f'{name}.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


nets, numpy_caffe = _beside('layer_nets'), _beside('numpy_caffe')
layer = nets.layer


def _convolution(name, bottom, outputs, options='kernel_size: 3 pad: 1'):
    return layer(name, 'Convolution', bottom, params=f'convolution_param {{ num_output: {outputs} {options} }}')


def _normed(name, bottom, outputs, bn, options='kernel_size: 3 pad: 1', after='ReLU'):
    """Convolution, BN, activation; the last two in place."""
    return (
        _convolution(name, bottom, outputs, f'{options} bias_term: false')
        + layer(f'{name}/bn', 'BN', name, name, f'bn_param {{ {bn} }}')
        + (layer(f'{name}/{after}', after, name, name) if after else '')
    )


_SEGNET = 'bn_mode: INFERENCE scale_filler { type: "constant" value: 1 } shift_filler { type: "constant" value: 0.001 }'
_PSPNET = 'slope_filler { type: "constant" value: 1 } bias_filler { type: "constant" value: 0 } frozen: true'
_MAX = 'pooling_param { pool: MAX kernel_size: 2 stride: 2 }'


def _segnet():
    """Two levels; the second one's image has an odd height, so that its size is given."""
    return nets.net(
        _normed('conv1', 'data', 4, _SEGNET), layer('pool1', 'Pooling', 'conv1', 'pool1 pool1_mask', _MAX),
        _normed('conv2', 'pool1', 6, _SEGNET), layer('pool2', 'Pooling', 'conv2', 'pool2 pool2_mask', _MAX),
        layer('up2', 'Upsample', 'pool2 pool2_mask', params='upsample_param { scale: 2 upsample_h: 11 upsample_w: 8 }'),
        _normed('conv2_D', 'up2', 4, _SEGNET),
        layer('up1', 'Upsample', 'conv2_D pool1_mask', params='upsample_param { scale: 2 }'),
        _convolution('conv1_D', 'up1', 3), layer('prob', 'Softmax', 'conv1_D'), shape=(3, 22, 16),
    )  # fmt: skip


def _pspnet():
    """A pyramid of average pooling, brought back to size by Interp, and the input's size by zoom_factor."""
    levels = ''.join(
        layer(f'pool{n}', 'Pooling', 'conv2', params=f'pooling_param {{ pool: AVE kernel_size: {k} stride: {k} }}')
        + _normed(f'level{n}', f'pool{n}', 2, _PSPNET, 'kernel_size: 1')
        + layer(f'interp{n}', 'Interp', f'level{n}', params='interp_param { height: 12 width: 12 }')
        for n, k in ((1, 12), (2, 6), (3, 4), (6, 2))
    )
    return nets.net(
        _normed('conv1', 'data', 4, _PSPNET, 'kernel_size: 3 pad: 1 stride: 2'),
        _normed('conv2', 'conv1', 6, _PSPNET, 'kernel_size: 3 pad: 2 dilation: 2'), levels,
        layer('concat', 'Concat', 'conv2 interp6 interp3 interp2 interp1'),
        _convolution('score', 'concat', 3, 'kernel_size: 1'),
        layer('out', 'Interp', 'score', params='interp_param { zoom_factor: 2 pad_beg: 0 pad_end: 0 }'),
        shape=(3, 23, 23),
    )  # fmt: skip


def _deeplab():
    """Atrous pyramid, and the size of another blob."""
    branches = ''.join(_convolution(f'fc{d}', 'pool', 3, f'kernel_size: 3 pad: {d} dilation: {d}') for d in (2, 4))
    return nets.net(
        _convolution('conv1', 'data', 4), layer('relu1', 'ReLU', 'conv1', 'conv1'),
        layer('pool', 'Pooling', 'conv1', params='pooling_param { kernel_size: 3 stride: 2 pad: 1 }'), branches,
        layer('sum', 'Eltwise', 'fc2 fc4'),
        layer('shrink', 'Interp', 'data', params='interp_param { shrink_factor: 2 }'),
        layer('out', 'Interp', 'sum shrink'), shape=(3, 19, 14),
    )  # fmt: skip


def _enet():
    """A bottleneck that pools with a mask, and the one that takes it back."""
    return nets.net(
        _normed('conv0', 'data', 3, _SEGNET, 'kernel_size: 3 pad: 1 stride: 2', 'PReLU'),
        layer('pool0', 'Pooling', 'data', params=_MAX), layer('concat0', 'Concat', 'conv0 pool0'),
        layer('pool1', 'Pooling', 'concat0', 'pool1 pool1_mask', _MAX), _normed('side1', 'pool1', 8, _SEGNET, after=''),
        _normed('conv1_1', 'concat0', 4, _SEGNET, 'kernel_size: 2 stride: 2', 'PReLU'),
        _normed('conv1_2', 'conv1_1', 8, _SEGNET, after=''), layer('sum1', 'Eltwise', 'side1 conv1_2'),
        layer('prelu1', 'PReLU', 'sum1'), _normed('side2', 'prelu1', 6, _SEGNET, 'kernel_size: 1', ''),
        layer('unpool2', 'Upsample', 'side2 pool1_mask', params='upsample_param { scale: 2 }'),
        layer('deconv2', 'Deconvolution', 'prelu1',
              params='convolution_param { num_output: 6 kernel_size: 2 stride: 2 }'),
        layer('out', 'Eltwise', 'unpool2 deconv2'), shape=(3, 16, 20),
    )  # fmt: skip


def _senet():
    """Two squeeze-and-excitation blocks, with and without a projection."""
    text, bottom = _convolution('conv1', 'data', 4), 'conv1'
    for block, outputs in (('a', 6), ('b', 6)):
        text += (
            _convolution(f'{block}/3x3', bottom, outputs) + layer(f'{block}/bn', 'BatchNorm', f'{block}/3x3')
            + layer(f'{block}/scale', 'Scale', f'{block}/bn', params='scale_param { bias_term: true }')
            + layer(f'{block}/pool', 'Pooling', f'{block}/scale',
                    params='pooling_param { pool: AVE global_pooling: true }')
            + _convolution(f'{block}/down', f'{block}/pool', 2, 'kernel_size: 1')
            + layer(f'{block}/relu', 'ReLU', f'{block}/down', f'{block}/down')
            + _convolution(f'{block}/up', f'{block}/down', outputs, 'kernel_size: 1')
            + layer(f'{block}/prob', 'Sigmoid', f'{block}/up', f'{block}/up')
        )  # fmt: skip
        if block == 'a':
            text += _convolution('a/proj', bottom, outputs, 'kernel_size: 1')
            bottom = 'a/proj'
        text += layer(block, 'Axpy', f'{block}/up {block}/scale {bottom}') + layer(f'{block}/out', 'ReLU', block, block)
        bottom = block
    return nets.net(text, layer('fc', 'InnerProduct', 'b', params='inner_product_param { num_output: 5 }'))


def _shufflenet():
    """Grouped convolutions, a shuffle between them, ReLU6."""
    return nets.net(
        _convolution('conv1', 'data', 6, 'kernel_size: 1 group: 3'), layer('relu', 'ReLU6', 'conv1', 'conv1'),
        layer('shuffle', 'ShuffleChannel', 'conv1', params='shuffle_channel_param { group: 3 }'),
        _convolution('conv2', 'shuffle', 6, 'kernel_size: 3 pad: 1 group: 6'),
        _convolution('conv3', 'conv2', 6, 'kernel_size: 1 group: 2'), layer('out', 'Eltwise', 'data conv3'),
    )  # fmt: skip


_NETWORKS = {
    'SegNet': _segnet(), 'PSPNet': _pspnet(), 'DeepLab': _deeplab(), 'ENet': _enet(), 'SENet': _senet(),
    'ShuffleNet': _shufflenet(),
}  # fmt: skip


@pytest.mark.parametrize('name', _NETWORKS)
def test_published_architectures(name, make_net, relative_error):
    files = make_net(_NETWORKS[name])
    x = np.random.default_rng(4).normal(size=nets.input_shape(_NETWORKS[name])).astype(np.float32)
    want = numpy_caffe.forward(_NETWORKS[name], str(files[1]), x)
    model = convert(*files)
    assert relative_error(model(x.transpose(0, 2, 3, 1)), want) < TOLERANCE
    network = open_network(*files)
    ours = [network.names[step.layer.name] for step in keras_order(network) if step.plan.weights]
    assert ours == [layer.name for layer in model.layers if layer.weights]


_DATA = 'input: "data" input_shape { dim: 2 dim: 3 dim: 4 dim: 5 }\n'


@pytest.mark.parametrize('shape', [(3,), (1, 3), (1, 3, 1, 1)], ids=str)
@pytest.mark.parametrize(
    ('param', 'eps'),
    [('', 1e-5), ('moving_average: true', 1e-10), ('frozen: false', 1e-5), ('bn_mode: INFERENCE', None)],
)
def test_bn_of_each_fork(tmp_path, shape, param, eps):
    """The fork writes as many blobs as it has parameters, of its own shape; with no field, the blobs decide."""
    rng = np.random.default_rng(0)
    blobs = [rng.uniform(0.5, 2, shape).astype(np.float32) for _ in range(4 if eps else 2)]
    files = tmp_path / 'n', tmp_path / 'w'
    files[0].write_text(_DATA + layer('b', 'BN', 'data', params=f'bn_param {{ {param} }}' if param else ''))
    write_caffemodel(files[1], [('b', 'BN', blobs)], 'v2')
    x = rng.normal(size=(2, 4, 5, 3)).astype(np.float32)
    scale, shift, *statistics = (blob.ravel() for blob in blobs)
    want = x * scale + shift
    if eps:
        want = (x - statistics[0]) / np.sqrt(statistics[1] + eps) * scale + shift
    np.testing.assert_allclose(np.asarray(convert(*files)(x)), want, rtol=1e-5, atol=1e-5)


def _plan_fails(tmp_path, layers, match, blobs=()):
    files = tmp_path / 'n', tmp_path / 'w'
    files[0].write_text(_DATA + layers)
    write_caffemodel(files[1], [('x', 'BN', [np.ones((1, 3, 1, 1), np.float32)] * len(blobs))], 'v2')
    with pytest.raises(InputError, match=match):
        check(*files)


@pytest.mark.parametrize(
    ('param', 'stored', 'match'),
    [
        ('', 2, 'bn_mode: LEARN computes statistics from each test batch'),
        ('bn_param { bn_mode: LEARN }', 2, 'bn_mode: LEARN computes'),
        ('bn_param { scale_filler { value: 1 } }', 4, 'moving_average: false computes'),
        ('bn_param { bn_mode: INFERENCE }', 4, 'expected 2 blobs .* found 4'),
        ('bn_param { frozen: true }', 2, 'expected 4 blobs .* found 2'),
    ],
)
def test_bn_that_does_not_fit_its_weights(tmp_path, param, stored, match):
    _plan_fails(tmp_path, layer('x', 'BN', 'data', params=param), match, range(stored))


_POOL = layer('p', 'Pooling', 'data', 'p m', _MAX)


@pytest.mark.parametrize(
    ('layers', 'match'),
    [
        (layer('p', 'Pooling', 'data', 'p m', 'pooling_param { pool: AVE kernel_size: 2 }'), 'needs MAX pooling'),
        (layer('x', 'Upsample', 'data data'), 'expected the second top of a MAX Pooling'),
        (_POOL + layer('x', 'Upsample', 'data m'), 'expected a mask of 2×3×4×5 as the second bottom, found 2×3×2×3'),
        (_POOL + layer('x', 'Upsample', 'p m', params='upsample_param { upsample_h: 3 upsample_w: 6 }'),
         'image of 4×5, the output has 3×6; set upsample_h: 4 upsample_w: 5'),
        (_POOL + layer('x', 'Upsample', 'p m', params='upsample_param { scale: 3 pad_out_h: true }'), 'a scale of 2'),
        (layer('x', 'Interp', 'data', params='interp_param { height: 3 }'), 'give height and width'),
        (layer('x', 'Interp', 'data', params='interp_param { zoom_factor: 2 pad_beg: -4 }'), 'leave nothing'),
        (layer('x', 'Axpy', 'data data data'), 'expected a first input of 2×3×1×1, found 2×3×4×5'),
        (layer('x', 'ShuffleChannel', 'data', params='shuffle_channel_param { group: 2 }'), 'must divide the 3'),
        (layer('x', 'SPP', 'data', params='spp_param { pyramid_height: 4 }'), 'a pyramid_height of at most 2'),
        (layer('x', 'Log', 'data', params='log_param { base: 1 }'), 'base must be above 0'),
        (layer('x', 'Tile', 'data', params='tile_param { axis: 0 tiles: 2 }'), 'would mix the images'),
        (layer('x', 'Dropout', 'data', params='dropout_param { sample_weights_test: true }'), 'random at test time'),
        (layer('x', 'Mish', 'data'), r"layer 'x' \(Mish\): this layer type is not supported"),
    ],
)  # fmt: skip
def test_what_cannot_be_converted(tmp_path, layers, match):
    _plan_fails(tmp_path, layers, match)


def test_mask_of_equal_values_is_the_first_place(make_net):
    # pooling_layer.cpp keeps a place until a larger value comes.
    text = nets.net(_POOL, layer('s', 'Power', 'p'), layer('x', 'Power', 'm'), shape=(1, 4, 4))
    outputs = convert(*make_net(text))(np.zeros((1, 4, 4, 1), np.float32))
    assert np.asarray(outputs[1]).ravel().tolist() == [0, 2, 8, 10]


@pytest.mark.parametrize('param', ['', 'crop_param { offset: 1 }'])
def test_a_crop_of_old_forks_is_warned_of(make_net, caplog, param):
    """HED's fork has no crop_param and keeps the centre; Caffe keeps the top left."""
    text = nets.net(layer('p', 'Pooling', 'data', params=_MAX), layer('x', 'Crop', 'data p', params=param))
    files = make_net(text)
    caplog.clear()
    x = np.arange(8, dtype=np.float32)[None, None, :, None] * np.ones((1, nets.H, 1, nets.C), np.float32)
    first = np.asarray(convert(*files)(x))[0, 0, 0, 0]
    if param:
        assert first == 1 and not caplog.messages
    else:
        (message,) = caplog.messages
        assert first == 0 and "layer 'x' (Crop): without crop_param it keeps the top left" in message
        assert message.endswith('add crop_param { offset: 2 offset: 2 } for them') and '\n' not in message


def test_stock_layers_where_they_are_exact(make_net, tmp_path):
    """A file of these opens without an import."""
    names = [
        'Axpy', 'BN of four blobs', 'BNLL', 'Embed after Flatten axis: 1', 'Exp base', 'ReLU6', 'ShuffleChannel',
        'Swish beta', 'Tile', 'Upsample one bottom',
    ]  # fmt: skip
    for name in names:
        model = convert(*make_net((nets.OPENCV | nets.NUMPY)[name]))
        own = {type(layer).__name__ for layer in model.layers if not type(layer).__module__.startswith('keras.')}
        assert own <= {'Power', 'Reshape', 'Threshold'}, name  # the rest of that network
