# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The files that the converter writes, read back by Keras, h5py and pickle."""

import importlib.util
import pickle
import time
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from components.caffe_converter import convert, read_weights
from components.caffe_converter.__main__ import main
from components.caffe_converter.build import custom_layers
from components.caffe_converter.copying import contiguous
from components.caffe_converter.keras_plan import keras_order
from components.caffe_converter.network import open_network
from components.caffe_converter.outputs import write_hdf5, write_pickle

TOLERANCE = 1e-4
_spec = importlib.util.spec_from_file_location('caffe_converter_nets', Path(__file__).with_name('layer_nets.py'))
nets = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(nets)

# Branches of different lengths, padding helpers, a helper for InnerProduct, names that Keras refuses.
_INCEPTION = nets.net(
    nets.layer('stem/7x7', 'Convolution', 'data',
               params='convolution_param { num_output: 5 kernel_size: 3 stride: 2 }'),
    nets.layer('a/1x1', 'Convolution', 'stem/7x7', params='convolution_param { num_output: 4 kernel_size: 1 }'),
    nets.layer('b/reduce', 'Convolution', 'stem/7x7', params='convolution_param { num_output: 3 kernel_size: 1 }'),
    nets.layer('b/bn', 'BatchNorm', 'b/reduce', 'b/reduce'),
    nets.layer('b/scale', 'Scale', 'b/reduce', 'b/reduce', 'scale_param { bias_term: true }'),
    nets.layer('b/3x3', 'Convolution', 'b/reduce',
               params='convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 1 }'),
    nets.layer('c/5x5', 'Convolution', 'stem/7x7',
               params='convolution_param { num_output: 4 kernel_size: 4 pad: 2 }'),
    nets.layer('c/crop', 'Convolution', 'c/5x5', params='convolution_param { num_output: 4 kernel_size: 2 }'),
    nets.layer('sum', 'Eltwise', 'a/1x1 c/crop'),
    nets.layer('out', 'Concat', 'b/3x3 sum a/1x1'),
    nets.layer('fc', 'InnerProduct', 'out', params='inner_product_param { num_output: 3 }'),
)  # fmt: skip


def _zeroed(model):
    copy = keras.models.clone_model(model)
    for variable in copy.weights:
        variable.assign(np.zeros(variable.shape))
    return copy


_TYPES = (
    'BN',
    'BatchNorm',
    'Bias',
    'Convolution',
    'Deconvolution',
    'Embed',
    'InnerProduct',
    'Normalize',
    'PReLU',
    'Scale',
)
_WITH_WEIGHTS = {name: text for name, text in nets.NUMPY.items() if any(f'type: "{kind}"' in text for kind in _TYPES)}


@pytest.mark.parametrize('text', [_INCEPTION, *_WITH_WEIGHTS.values()], ids=['branches', *_WITH_WEIGHTS])
@pytest.mark.parametrize('by_name', [False, True], ids=['in order', 'by name'])
def test_hdf5_loads_into_the_converted_model(text, by_name, make_net, tmp_path):
    files = make_net(text)
    model = convert(*files)
    write_hdf5(open_network(*files), tmp_path / 'x.h5')
    empty = _zeroed(model)
    empty.load_weights(tmp_path / 'x.h5', by_name=by_name)
    assert len(empty.weights) == len(model.weights)
    for got, want in zip(empty.weights, model.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(got), np.asarray(want), err_msg=want.path)


@pytest.mark.parametrize('which', ['branches', 'vgg'])
def test_order_equals_keras(which, make_net, small_vgg):
    files = make_net(_INCEPTION) if which == 'branches' else small_vgg
    network = open_network(*files)
    ours = [network.names[step.layer.name] for step in keras_order(network) if step.plan.weights]
    assert ours == [layer.name for layer in convert(*files).layers if layer.weights]
    # The prototxt's order must differ from Keras' for the branches; otherwise this test shows nothing.
    written = [network.names[step.layer.name] for step in network.steps if step.plan.weights]
    assert (ours == written) == (which == 'vgg')


def test_order_of_the_detector_equals_keras(shared):
    folder = shared / 'models/res10_face_detector'
    files = folder / 'deploy.prototxt', folder / 'res10_300x300_ssd_iter_140000.caffemodel'
    network = open_network(*files, output_layer='last_relu')
    ours = [network.names[step.layer.name] for step in keras_order(network) if step.plan.weights]
    theirs = [layer.name for layer in convert(*files, output_layer='last_relu').layers if layer.weights]
    assert ours == theirs


@pytest.mark.parametrize('by_name', [False, True], ids=['in order', 'by name'])
@pytest.mark.parametrize('hand_built', [False, True])
def test_sequential_vgg_face_written_by_hand(small_vgg, tmp_path, opencv, relative_error, by_name, hand_built):
    """The usual hand-written model: Flatten and Dense, no helper layers, ReLU inside the layers."""
    layers = [keras.layers.Input((64, 64, 3))]
    for block, (count, channels) in enumerate([(2, 8), (2, 16), (3, 32), (3, 64), (3, 64)], start=1):
        for index in range(1, count + 1):
            layers.append(
                keras.layers.Conv2D(channels, 3, padding='same', activation='relu', name=f'conv{block}_{index}')
            )
        layers.append(keras.layers.MaxPooling2D())
    layers.append(keras.layers.Flatten())
    for name in ('fc6', 'fc7'):
        layers += [keras.layers.Dense(40, activation='relu', name=name), keras.layers.Dropout(0.5)]
    layers.append(keras.layers.Dense(11, activation='softmax', name='fc8'))
    model = keras.Sequential(layers)
    write_hdf5(open_network(*small_vgg), tmp_path / 'x.h5', hand_built=hand_built)
    model.load_weights(tmp_path / 'x.h5', by_name=by_name)
    x = (np.random.default_rng(2).normal(size=(2, 3, 64, 64)) * 64).astype(np.float32)
    (want,) = opencv(*small_vgg, x, ['prob'])
    assert relative_error(model(x.transpose(0, 2, 3, 1)), want) < TOLERANCE


def test_hand_built_merges_batch_norm_and_scale(make_net, tmp_path, opencv, relative_error):
    convolution = 'convolution_param { num_output: 4 kernel_size: 3 bias_term: false }'
    files = make_net(
        nets.net(
            nets.layer('c', 'Convolution', 'data', params=convolution),
            nets.layer('b', 'BatchNorm', 'c', 'c', 'batch_norm_param { eps: 0.01 }'),
            nets.layer('s', 'Scale', 'c', 'c', 'scale_param { bias_term: true }'),
            nets.layer('r', 'ReLU', 'c', 'c'),
            nets.layer('d', 'Convolution', 'c', params=convolution),
            nets.layer('e', 'BatchNorm', 'd', 'd', 'batch_norm_param { eps: 0.01 }'),
        )
    )
    write_hdf5(open_network(*files), tmp_path / 'x.h5', hand_built=True)
    model = keras.Sequential(
        [
            keras.layers.Input((nets.H, nets.W, nets.C)),
            keras.layers.Conv2D(4, 3, use_bias=False),
            keras.layers.BatchNormalization(epsilon=0.01),
            keras.layers.ReLU(),
            keras.layers.Conv2D(4, 3, use_bias=False),
            keras.layers.BatchNormalization(epsilon=0.01),
        ]
    )
    model.load_weights(tmp_path / 'x.h5')
    x = np.random.default_rng(2).normal(size=(2, nets.C, nets.H, nets.W)).astype(np.float32)
    (want,) = opencv(*files, x, [])
    assert relative_error(model(x.transpose(0, 2, 3, 1)), want) < TOLERANCE


@pytest.mark.parametrize('by_name', [False, True], ids=['in order', 'by name'])
def test_hand_written_mobilenet(make_net, tmp_path, opencv, relative_error, by_name):
    """The kernels of a depthwise convolution are [3, 3, C, 1], as `DepthwiseConv2D` has them."""
    depthwise = 'convolution_param { num_output: 6 group: 6 kernel_size: 3 pad: 1 bias_term: false }'
    files = make_net(
        nets.net(
            nets.layer('dw', 'Convolution', 'data', params=depthwise),
            nets.layer('dw/bn', 'BatchNorm', 'dw', 'dw', 'batch_norm_param { eps: 0.01 }'),
            nets.layer('dw/scale', 'Scale', 'dw', 'dw', 'scale_param { bias_term: true }'),
            nets.layer('pw', 'Convolution', 'dw', params='convolution_param { num_output: 4 kernel_size: 1 }'),
        )
    )
    write_hdf5(open_network(*files), tmp_path / 'x.h5', hand_built=True)
    model = keras.Sequential(
        [
            keras.layers.Input((nets.H, nets.W, nets.C)),
            keras.layers.DepthwiseConv2D(3, padding='same', use_bias=False, name='dw'),
            keras.layers.BatchNormalization(epsilon=0.01, name='dw_bn'),
            keras.layers.Conv2D(4, 1, name='pw'),
        ]
    )
    assert model.get_layer('dw').weights[0].shape == (3, 3, nets.C, 1)
    model.load_weights(tmp_path / 'x.h5', by_name=by_name)
    x = np.random.default_rng(2).normal(size=(2, nets.C, nets.H, nets.W)).astype(np.float32)
    (want,) = opencv(*files, x, [])
    assert relative_error(model(x.transpose(0, 2, 3, 1)), want) < TOLERANCE


def test_hdf5_with_more_names_than_a_header_holds(make_net, tmp_path):
    chain, bottom = [], 'data'
    for index in range(700):
        name = f'{"long_name_" * 12}{index}'
        chain.append(nets.layer(name, 'Scale' if index % 100 == 0 else 'ReLU', bottom))
        bottom = name
    files = make_net(nets.net(*chain))
    write_hdf5(open_network(*files), tmp_path / 'x.h5')
    with h5py.File(tmp_path / 'x.h5') as file:
        assert 'layer_names' not in file.attrs
        assert len(file.attrs['layer_names0']) > len(file.attrs['layer_names1']) > 0
    model = convert(*files)
    empty = _zeroed(model)
    empty.load_weights(tmp_path / 'x.h5')
    assert all(np.array_equal(a, b) for a, b in zip(empty.weights, model.weights, strict=True))


def test_hdf5_of_the_same_network_has_the_same_bytes(small_vgg, tmp_path):
    for name in ('a.h5', 'b.h5'):
        write_hdf5(open_network(*small_vgg), tmp_path / name)
        time.sleep(1.1)  # HDF5 would store the time in seconds
    assert (tmp_path / 'a.h5').read_bytes() == (tmp_path / 'b.h5').read_bytes()


def test_pickle_holds_plain_dictionaries(small_vgg, tmp_path):
    network = open_network(*small_vgg)
    write_pickle(network, tmp_path / 'x.pkl')
    write_pickle(network, tmp_path / 'all.pkl', include_non_weight=True)
    layers = pickle.loads((tmp_path / 'x.pkl').read_bytes())  # noqa: S301 - written above
    everything = pickle.loads((tmp_path / 'all.pkl').read_bytes())  # noqa: S301
    assert type(layers) is list and type(layers[0]) is dict
    assert [len(layers), len(everything)] == [16, 39]
    assert layers[13]['name'] == 'fc6' and layers[13]['type'] == 'InnerProduct'
    assert layers[13]['bottoms'] == [{'name': 'pool5', 'shape': (2, 2, 64)}]
    assert layers[13]['tops'] == [{'name': 'fc6', 'shape': (40,)}]
    weights = read_weights(*small_vgg)
    assert list(weights) == [layer['name'] for layer in layers]
    for layer in layers:
        for got, want in zip(layer['weights'], weights[layer['name']], strict=True):
            np.testing.assert_array_equal(got, want)
    assert weights['fc6'][0].shape == (256, 40)
    assert everything[1] == {
        'name': 'relu1_1', 'type': 'ReLU', 'weights': [],
        'bottoms': [{'name': 'conv1_1', 'shape': (64, 64, 8)}], 'tops': [{'name': 'conv1_1', 'shape': (64, 64, 8)}],
    }  # fmt: skip


def test_pickle_lists_both_bottoms_of_crop(make_net, tmp_path):
    write_pickle(open_network(*make_net(nets.OPENCV['Crop'])), tmp_path / 'x.pkl', include_non_weight=True)
    (crop,) = pickle.loads((tmp_path / 'x.pkl').read_bytes())  # noqa: S301 - written above
    assert [blob['name'] for blob in crop['bottoms']] == ['data', 'p']
    assert [blob['shape'] for blob in [*crop['bottoms'], *crop['tops']]] == [(11, 8, 6), (6, 4, 6), (6, 4, 6)]


@pytest.mark.parametrize('shape', [(3, 3, 70, 300), (5, 70, 3, 300), (70_000, 33), (90, 5, 7, 40), (3,), ()])
def test_contiguous_equals_numpys_copy(shape):
    for order in ((3, 2, 0, 1), (3, 0, 1, 2), (2, 3, 1, 0)):
        axes = tuple(axis for axis in order if axis < len(shape))
        memory = np.random.default_rng(0).normal(size=[shape[axis] for axis in axes]).astype(np.float32)
        view = memory.transpose(np.argsort(axes)) if axes else memory
        assert view.shape == shape
        copy = contiguous(view)
        assert copy.flags.c_contiguous
        np.testing.assert_array_equal(copy, view)


def test_only_the_weights_of_an_unknown_layer_are_missing(make_net, tmp_path, capsys):
    """-u with -f hdf5 and -f pickle; with -f keras, the model ends before the layer."""
    convolution = 'convolution_param { num_output: 4 kernel_size: 3 }'
    text = nets.net(
        nets.layer('c', 'Convolution', 'data', params=convolution),
        nets.layer('c2', 'ReLU', 'c'),
        nets.layer('d', 'Convolution', 'c2', params=convolution),
        nets.layer('n', 'BatchNorm', 'd'),
        nets.layer('f', 'InnerProduct', 'n', params='inner_product_param { num_output: 5 }'),
        nets.layer('g', 'InnerProduct', 'f', params='inner_product_param { num_output: 2 }'),
    )
    files = make_net(text)
    want = read_weights(*files)
    assert list(want) == ['c', 'd', 'n', 'f', 'g']
    files[0].write_text(text.replace('"ReLU"', '"Mystery"'))
    arguments = [str(tmp_path / 'x'), *map(str, files), '-u']
    assert main([*arguments, '-f', 'pickle']) == 0
    stderr = capsys.readouterr().err
    assert "left out: layer 'c2' (Mystery), line " in stderr and ': it has no weights\n' in stderr
    assert [line for line in stderr.splitlines() if line.startswith('check: ')] == [
        line for line in stderr.splitlines() if line.startswith("check: layer 'f' (InnerProduct), line ")
    ]
    layers = pickle.loads((tmp_path / 'x.pkl').read_bytes())  # noqa: S301 - written above
    assert [layer['name'] for layer in layers] == list(want)
    for layer in layers:
        for got, expected in zip(layer['weights'], want[layer['name']], strict=True):
            np.testing.assert_array_equal(got, expected)
    assert main([*arguments, '-n']) == 0
    capsys.readouterr()
    with h5py.File(tmp_path / 'x.h5') as file:
        assert [name.decode() for name in file.attrs['layer_names']] == ['c', 'c2', 'd', 'n', 'f', 'g']
        np.testing.assert_array_equal(file['f/f/kernel:0'], want['f'][0])
    assert main([*arguments, '-f', 'keras']) == 0
    assert 'it has no weights; the model ends before it' in capsys.readouterr().err
    assert [layer.name for layer in keras.models.load_model(tmp_path / 'x.keras').layers[1:]] == ['c']


def test_a_layer_whose_shape_an_unknown_layer_hides(make_net, tmp_path, capsys):
    """An unknown layer that changes the size: InnerProduct does not fit the guess, and what follows it still does."""
    product = 'inner_product_param { num_output: %d }'
    text = nets.net(
        nets.layer('u', 'Pooling', 'data', params='pooling_param { kernel_size: 2 stride: 2 }'),
        nets.layer('f', 'InnerProduct', 'u', params=product % 5),
        nets.layer('g', 'InnerProduct', 'f', params=product % 2),
    )
    files = make_net(text)
    want = read_weights(*files)
    files[0].write_text(text.replace('"Pooling"', '"Mystery"'))
    assert main([str(tmp_path / 'x'), *map(str, files), '-u', '-f', 'pickle']) == 0
    assert "left out: layer 'f' (InnerProduct), line " in (stderr := capsys.readouterr().err)
    assert ': 2 blobs of weights are not converted' in stderr
    (layer,) = pickle.loads((tmp_path / 'x.pkl').read_bytes())  # noqa: S301 - written above
    assert layer['name'] == 'g'
    np.testing.assert_array_equal(layer['weights'][0], want['g'][0])


def test_networks_of_stock_layers_need_no_import(make_net):
    """Rounded-up pooling, pads, crops, sums and factors as GoogLeNet, ResNet, SqueezeNet and FCN have them."""
    custom = {}
    for name, text in {**nets.OPENCV, **nets.NUMPY}.items():
        if name.startswith(('Crop', 'Power', 'Pooling')):
            custom[name] = custom_layers(convert(*make_net(text)))
    assert sum(not found for found in custom.values()) >= 10, custom
    size = nets.net(
        nets.layer('p', 'Pooling', 'data', params='pooling_param { kernel_size: 3 stride: 2 }'),
        nets.layer('q', 'Pooling', 'p', params='pooling_param { kernel_size: 3 stride: 1 pad: 1 }'),
        nets.layer('r', 'Pooling', 'q', params='pooling_param { pool: AVE kernel_size: 2 stride: 2 }'),
        shape=(3, 16, 14),
    )
    assert custom_layers(convert(*make_net(size))) == []


def test_an_unknown_layer_without_inputs(make_net, tmp_path):
    """Caffe's Parameter layer, whose shape only its weights give."""
    text = nets.net(
        nets.layer('c', 'Convolution', 'data', params='convolution_param { num_output: 4 kernel_size: 3 }'),
        nets.layer('s', 'Eltwise', 'c c'),
        nets.layer('d', 'Convolution', 's', params='convolution_param { num_output: 2 kernel_size: 1 }'),
    )
    files = make_net(text)
    want = read_weights(*files)
    parameter = 'layer { name: "p" type: "Parameter" top: "p" }\nlayer { name: "s"'
    files[0].write_text(
        text.replace('bottom: "c" bottom: "c"', 'bottom: "c" bottom: "p"').replace('layer { name: "s"', parameter)
    )
    assert 'bottom: "p"' in files[0].read_text()
    assert main([str(tmp_path / 'x'), *map(str, files), '-u', '-f', 'pickle']) == 0
    layers = pickle.loads((tmp_path / 'x.pkl').read_bytes())  # noqa: S301 - written above
    assert [layer['name'] for layer in layers] == ['c', 'd']
    np.testing.assert_array_equal(layers[1]['weights'][0], want['d'][0])
