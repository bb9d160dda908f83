# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A folded network computes what the unfolded one computes, and only what may be folded is."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from components.caffe_converter import convert
from components.caffe_converter.keras_layers import Convolution, PReLU, Scale
from components.embedding_gen.embedder import Embedder
from components.embedding_gen.folding import folded
from components.embedding_gen.settings import Settings

_INPUT = (9, 7, 4)
_CUSTOM = {'filters': 8, 'kernel_size': (3, 3), 'padding': 'same'}
_CONVOLUTIONS = {
    'dense': lambda bias: layers.Conv2D(8, 3, strides=2, padding='same', use_bias=bias),
    'groups': lambda bias: layers.Conv2D(8, 3, groups=2, use_bias=bias),
    'depthwise': lambda bias: layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=bias),
    'ours, groups': lambda bias: Convolution(**_CUSTOM, stride=(1, 1), dilation=(1, 1), groups=2, use_bias=bias),
    'ours, dilation': lambda bias: Convolution(**_CUSTOM, stride=(2, 2), dilation=(2, 2), groups=1, use_bias=bias),
}


def _scale(scale=True, bias=True, shape=(8,), second=''):
    return Scale(shape=shape, scale=scale, bias=bias, second=second)


_NORMS = [
    lambda center=center, scale=scale: layers.BatchNormalization(center=center, scale=scale, epsilon=0.01)
    for center, scale in itertools.product([True, False], repeat=2)
]
_SCALES = [
    lambda scale=scale, bias=bias, shape=shape: _scale(scale, bias, shape)
    for scale, bias, shape in itertools.product([True, False], [True, False], [(8,), (1,)])
    if scale or bias
]
_CHAINS = [
    *([make] for make in (*_NORMS, *_SCALES)),
    *itertools.product(_NORMS[::3], _SCALES[::2]),
    [_SCALES[0], _NORMS[0], _SCALES[2]],
]


def _model(outputs, inputs, seed=0):
    """The network with random weights; variances are positive."""
    model = keras.Model(inputs, outputs)
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        low = 0.1 if 'variance' in weight.path else -1
        weight.assign(rng.uniform(low, 1, weight.shape))
    model.trainable = False
    return model


def _images(model):
    return np.random.default_rng(1).normal(size=(2, *model.input_shape[1:])).astype(np.float32)


@pytest.mark.parametrize('bias', [True, False])
@pytest.mark.parametrize('kind', _CONVOLUTIONS)
def test_every_chain_is_folded_into_every_convolution(kind, bias):
    for chain in _CHAINS:
        inputs = keras.Input(_INPUT)
        x = _CONVOLUTIONS[kind](bias)(inputs)
        for make in chain:
            x = make()(x)
        base = _model(layers.LeakyReLU()(x), inputs)
        before = base.get_weights()
        model = folded(base)
        assert [type(layer) for layer in model.layers] == [layers.InputLayer, type(base.layers[1]), layers.LeakyReLU]
        images = _images(base)
        want = base(images).numpy()
        assert want.std() > 0.1
        np.testing.assert_allclose(model(images), want, rtol=0, atol=1e-5 * np.abs(want).max(), err_msg=str(chain))
        # The base, which may be trained further, stays as it is.
        assert len(base.layers) == len(chain) + 3
        for weight, value in zip(base.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, value)


def _two_users(x):
    return layers.Add()([layers.BatchNormalization()(x), x])


def _called_twice(x):
    normalise = layers.BatchNormalization()
    return normalise(layers.ReLU()(normalise(x)))


_KEPT = {
    'two users': _two_users,
    'also an output': lambda x: [x, layers.BatchNormalization()(x)],
    'called twice': _called_twice,
    'an activation between': lambda x: layers.BatchNormalization()(layers.ReLU()(x)),
    'normalises rows': lambda x: layers.BatchNormalization(axis=1)(x),
    'scales each place': lambda x: _scale(shape=(9, 7, 8))(x),
    'a second input': lambda x: _scale(False, False, second='gamma')([x, layers.GlobalAveragePooling2D()(x)]),
    'no affine layer': layers.MaxPooling2D(),
}


@pytest.mark.parametrize('case', _KEPT)
def test_a_network_with_nothing_to_fold_is_returned_itself(case):
    inputs = keras.Input(_INPUT)
    base = _model(_KEPT[case](layers.Conv2D(8, 3, padding='same')(inputs)), inputs)
    assert folded(base) is base


def test_a_convolution_with_activation_or_two_calls_stays():
    inputs = keras.Input(_INPUT)
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, padding='same', activation='relu')(inputs))
    shared = layers.Conv2D(4, 3, padding='same')
    x = layers.BatchNormalization()(shared(layers.ReLU()(shared(x))))
    base = _model(x, inputs)
    assert folded(base) is base


def test_a_sequential_network_is_returned_itself():
    base = keras.Sequential([keras.Input(_INPUT), layers.Conv2D(8, 3), layers.BatchNormalization()])
    assert folded(base) is base


@pytest.mark.parametrize('largest', [1.0, 1.5])
def test_prelu_without_its_branch_computes_the_same_and_slopes_above_one_keep_the_branch(largest):
    inputs = keras.Input(_INPUT)
    base = _model(PReLU(shared_axes=[1, 2])(layers.Conv2D(8, 3)(inputs)), inputs)
    base.layers[-1].set_weights([np.linspace(-0.5, largest, 8, dtype=np.float32).reshape(1, 1, 8)])
    model = folded(base)
    graph = tf.function(model).get_concrete_function(tf.TensorSpec([2, *_INPUT])).graph
    operations = {operation.type for operation in graph.get_operations()}
    assert bool(operations & {'If', 'StatelessIf'}) == (largest > 1)
    images = _images(base)
    np.testing.assert_array_equal(model(images), base(images))


def test_folding_stops_where_a_result_has_two_users():
    inputs = keras.Input(_INPUT, name='data')
    x = layers.BatchNormalization(name='folded')(layers.Conv2D(8, 3, name='conv')(inputs))
    base = _model(layers.Add(name='sum')([_scale()(x), x]), inputs)
    model = folded(base)
    assert {layer.name for layer in base.layers} - {layer.name for layer in model.layers} == {'folded'}
    images = _images(base)
    want = base(images).numpy()
    np.testing.assert_allclose(model(images), want, rtol=0, atol=1e-5 * np.abs(want).max())


@pytest.mark.parametrize(
    ('folder', 'weights', 'end', 'left'),
    [
        # The first layer of ResNet-10 and the last ones of both have no convolution before them.
        ('mobilefacenet', 'mobilefacenet', 'fc1_scale', 1),
        ('res10_face_detector', 'res10_300x300_ssd_iter_140000', 'last_relu', 5),
    ],
)
def test_published_networks(shared, folder, weights, end, left):
    files = (shared / 'models' / folder / name for name in ('deploy.prototxt', f'{weights}.caffemodel'))
    base = convert(*files, output_layer=end)
    model = folded(base)
    assert sum(isinstance(layer, layers.BatchNormalization) for layer in model.layers) == left
    images = _images(base)
    want = base(images).numpy()
    assert np.abs(model(images) - want).max() < 1e-5 * np.abs(want).max()


@pytest.fixture
def normalised():
    inputs = keras.Input((24, 32, 3))
    x = layers.Conv2D(8, 3, strides=2, use_bias=False)(inputs)
    return _model(layers.ReLU()(layers.BatchNormalization()(x)), inputs)


@pytest.mark.parametrize(('precision', 'tolerance'), [('float32', 1e-5), ('bfloat16', 0.02)])
def test_the_embedder_folds_in_every_precision(normalised, minus_100, jpegs, precision, tolerance):
    made = Embedder(normalised, minus_100, Settings(precision=precision))
    assert made.batch_normalised
    assert not any(isinstance(layer, layers.BatchNormalization) for layer in made.pooled_base.layers)
    assert {weight.dtype for weight in made.pooled_base.weights} == {'float32'}
    want = normalised(made.images(tf.constant(jpegs))).numpy().mean(axis=(1, 2))
    assert np.abs(made(tf.constant(jpegs)) - want).max() < tolerance * want.max()


def test_the_identity_covers_folded_statistics(normalised, minus_100):
    identities = set()
    for index in range(len(normalised.layers[2].weights)):
        identities.add(Embedder(normalised, minus_100, Settings()).identity())
        weight = normalised.layers[2].weights[index]
        weight.assign(weight + 0.01)
    identities.add(Embedder(normalised, minus_100, Settings()).identity())
    assert len(identities) == 5
