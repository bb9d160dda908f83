# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Builds a Keras model from planned Caffe layers: a table of layer types, with stock Keras layers if they are exact."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from components.caffe_converter import keras_layers as custom
from components.caffe_converter.copying import owned
from components.caffe_converter.keras_base import PACKAGE
from components.caffe_converter.keras_plan import helpers, is_plain_transpose, is_same_padding
from components.caffe_converter.layers.base import stored_shape
from components.caffe_converter.network import Network, Step
from components.caffe_converter.preprocessing import Preprocessing, preprocessing_of
from components.errors import InputError
from components.progress import Progress

# (step, Keras name, name for a helper layer by suffix, inputs) → output or list of outputs
Builder = Callable[[Step, str, Callable[[str], str], list[Any]], Any]
_ZEROS = {'kernel_initializer': 'zeros', 'bias_initializer': 'zeros'}  # the weights come from the file


def build_model(network: Network, quiet: bool = True, with_preprocessing: bool = False) -> keras.Model:
    """Builds a Keras model with its weights.

    Args:
      network: from open_network.
      quiet: show no progress.
      with_preprocessing: put the data layer's mean, scale and channel order into the model.

    Returns:
      A functional model: an Input for each of the network's inputs (float32 [B, H, W, C] for an image), one output for
      each of its outputs (a list if there are several).

    Raises:
      InputError: the network is too deep for Keras' recursion (700 layers in a row are not), or has no data layer for
        with_preprocessing.
    """
    preprocessing = preprocessing_of(network) if with_preprocessing else {}
    if with_preprocessing and not preprocessing:
        raise InputError(
            f'{network.graph.path}: expected a data layer with a transform_param, found none; '
            'give the train_val prototxt, or omit --with-preprocessing'
        )
    try:
        model = _functional(network, preprocessing)
    except RecursionError:
        raise InputError(
            f'{network.graph.path}: expected a network that Keras can build, found {len(network.steps)} layers, '
            'too many in a row for its recursion; convert only the weights (-f hdf5), or a part with --output-layer'
        ) from None
    _load(network, model, quiet)
    return model


def custom_layers(model: keras.Model) -> list[str]:
    """The kinds of layers for which loading the saved model needs `import components.caffe_converter.keras_layers`."""
    kinds = {type(layer) for layer in model.layers}
    own = [kind for kind in kinds if keras.saving.get_registered_name(kind).startswith(f'{PACKAGE}>')]
    return sorted(kind.__name__ for kind in own)


def _functional(network: Network, preprocessing: dict[int, Preprocessing]) -> keras.Model:
    taken = {*network.names.values(), *network.input_names}
    tensors: dict[int, Any] = {}
    inputs = []
    for (_, blob, shape), name in zip(network.inputs, network.input_names, strict=True):
        tensors[blob] = keras.Input(stored_shape(shape)[1:], name=name, dtype='float32')
        inputs.append(tensors[blob])
        if blob in preprocessing:
            tensors[blob] = _preprocess(preprocessing[blob], network.graph.path, name, taken, tensors[blob])
    for step in network.steps:
        bottoms = [tensors[blob] for blob in step.node.inputs]
        outputs = _build(step, network.names[step.layer.name], taken, bottoms)
        tensors.update(zip(step.node.outputs, outputs, strict=True))
    ends = [tensors[blob] for _, blob, _ in network.outputs]
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], ends if len(ends) > 1 else ends[0])


def _preprocess(one: Preprocessing, prototxt: str, name: str, taken: set[str], x: Any) -> Any:
    """Stock Keras layers from RGB (or gray), 0-255, to what the network reads."""
    if x.shape[-1] == 3:
        x = keras.ops.flip(x, axis=-1)
    mean = one.mean(prototxt)
    if mean.any():
        layer = keras.layers.Normalization((1, 2, 3) if mean.ndim == 3 else -1, name=_unique(f'{name}_mean', taken))
        layer.build(x.shape)
        layer.adapt_mean.assign(np.broadcast_to(mean, layer.adapt_mean.shape))
        layer.adapt_variance.assign(np.ones(layer.adapt_variance.shape))
        layer.finalize_state()
        x = layer(x)
    return x if one.scale == 1 else keras.layers.Rescaling(one.scale, name=_unique(f'{name}_scale', taken))(x)


def _unique(wish: str, taken: set[str]) -> str:
    name, number = wish, 2
    while name in taken:
        name, number = f'{wish}_{number}', number + 1
    taken.add(name)
    return name


def _build(step: Step, name: str, taken: set[str], bottoms: list[Any]) -> list[Any]:
    def helper(suffix: str) -> str:
        return _unique(f'{name}_{suffix}', taken)

    result = BUILDERS[step.layer.type](step, name, helper, bottoms)
    results = result if isinstance(result, list) else [result]
    return results * len(step.node.outputs) if len(results) < len(step.node.outputs) else results


def _load(network: Network, model: keras.Model, quiet: bool) -> None:
    with_weights = [step for step in network.steps if step.plan.weights]
    with Progress('Converting', len(with_weights), 'layers', quiet) as progress:
        for step in with_weights:
            layer = model.get_layer(network.names[step.layer.name])
            for variable, (weight, values) in zip(layer.weights, network.weights(step), strict=True):
                variable.assign(owned(values).reshape(weight.shape))
            progress.update()


def _convolution(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    before, _ = helpers(step)
    pad = keras.layers.ZeroPadding2D(o['pad'], name=helper('pad')) if before else None
    layer: Any
    border = 'same' if is_same_padding(step) else 'valid'
    if o['depthwise']:
        layer = keras.layers.DepthwiseConv2D(
            o['kernel'], o['stride'], border, depth_multiplier=o['filters'] // o['group'],
            dilation_rate=o['dilation'], use_bias=o['bias'], name=name, depthwise_initializer='zeros',
        )  # fmt: skip
    elif o['group'] > 1 or (max(o['stride']) > 1 and max(o['dilation']) > 1):
        layer = custom.Convolution(
            filters=o['filters'], kernel_size=o['kernel'], stride=o['stride'], padding=border, dilation=o['dilation'],
            groups=o['group'], use_bias=o['bias'], name=name,
        )  # fmt: skip
    else:
        layer = keras.layers.Conv2D(
            o['filters'], o['kernel'], o['stride'], border, dilation_rate=o['dilation'], use_bias=o['bias'], name=name,
            **_ZEROS,
        )  # fmt: skip
    return [layer(pad(each) if pad else each) for each in x]


def _deconvolution(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    if not is_plain_transpose(step):
        layer = custom.Deconvolution(
            filters=o['filters'], kernel_size=o['kernel'], stride=o['stride'], pad=o['pad'], dilation=o['dilation'],
            groups=o['group'], use_bias=o['bias'], name=name,
        )  # fmt: skip
        return [layer(each) for each in x]
    layer = keras.layers.Conv2DTranspose(
        o['filters'], o['kernel'], o['stride'], 'valid', use_bias=o['bias'], name=name, **_ZEROS
    )
    _, after = helpers(step)
    crop = keras.layers.Cropping2D(o['pad'], name=helper('crop')) if after else None
    return [crop(layer(each)) if crop else layer(each) for each in x]


def _inner_product(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    if o['axis'] > 1:
        return custom.InnerProduct(units=o['units'], axis=o['axis'], use_bias=o['bias'], name=name)(x[0])
    before, _ = helpers(step)
    flat = keras.layers.Flatten(name=helper('flatten'))(x[0]) if before else x[0]
    return keras.layers.Dense(o['units'], use_bias=o['bias'], name=name, **_ZEROS)(flat)


def _pooling(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    method, kernel, stride, pad = o['method'], o['kernel'], o['stride'], o['pad']
    axes = list(zip(o['size'], kernel, stride, pad, o['sizes'], strict=True))
    outside = [max((count - 1) * s + k - n, 0) for n, k, s, _, count in axes]
    # TensorFlow's 'same' puts the smaller half of the padding first. Its average leaves out padding; Caffe's does not.
    same = (method == 'MAX' or pad == (0, 0)) and all(
        count == -(-n // s) and p == border // 2 for (n, _, s, p, count), border in zip(axes, outside, strict=True)
    )
    if o['mask']:
        layer = custom.PoolingWithMask(kernel=kernel, stride=stride, pad=pad, ceil=o['ceil'], name=name)
    elif kernel == o['size'] and pad == (0, 0):
        kind = keras.layers.GlobalMaxPooling2D if method == 'MAX' else keras.layers.GlobalAveragePooling2D
        layer = kind(keepdims=True, name=name)
    elif same or (pad == (0, 0) and max(outside) == 0):
        kind = keras.layers.MaxPooling2D if method == 'MAX' else keras.layers.AveragePooling2D
        layer = kind(kernel, stride, 'same' if max(outside) else 'valid', name=name)
    else:
        layer = custom.Pooling(method=method, kernel=kernel, stride=stride, pad=pad, ceil=o['ceil'], name=name)
    return layer(x[0])


def _spatial_pyramid(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    several = len(o['levels']) > 1
    results = []
    for kernel, pad, count in o['levels']:
        pool = custom.Pooling(
            method=o['method'],
            kernel=kernel,
            stride=kernel,
            pad=pad,
            ceil=True,
            name=helper('pool') if several else name,
        )
        results.append(pool(x[0]))
        if several:
            results[-1] = custom.Reshape(target=[count], name=helper('flatten'))(results[-1])
    return keras.layers.Concatenate(name=name)(results) if several else results[0]


def _scale(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    layer = custom.Scale(
        shape=o['kept'], scale='gamma' in o['learned'], bias='beta' in o['learned'], second=o['second'], name=name
    )
    return layer(x if o['second'] else x[0])


def _eltwise(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    if o['coefficients'] and tuple(o['coefficients']) == (1, -1):
        return keras.layers.Subtract(name=name)(x)
    if o['coefficients']:
        return custom.WeightedSum(coefficients=o['coefficients'], name=name)(x)
    kind = {'PROD': keras.layers.Multiply, 'SUM': keras.layers.Add, 'MAX': keras.layers.Maximum}[o['operation']]
    return kind(name=name)(x)


def _axpy(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    scale = x[0]
    if step.plan.options['flat']:
        scale = keras.layers.Reshape((1, 1, scale.shape[-1]), name=helper('reshape'))(scale)
    product = keras.layers.Multiply(name=helper('multiply'))([scale, x[1]])
    return keras.layers.Add(name=name)([product, x[2]])


def _reshape(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    if not o['keras_order']:
        return custom.Reshape(target=o['to'][1:], name=name)(x[0])
    if len(o['to']) == 2:
        return keras.layers.Flatten(name=name)(x[0])
    return keras.layers.Reshape(stored_shape(o['to'])[1:], name=name)(x[0])


def _slice(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    if len(o['bounds']) == 2:
        return keras.layers.Identity(name=name)(x[0])
    return custom.Slice(axis=o['axis'], bounds=o['bounds'], name=name)(x[0])


def _concat(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    if len(x) == 1:
        return keras.layers.Identity(name=name)(x[0])
    return keras.layers.Concatenate(step.plan.options['axis'], name=name)(x)


def _shuffle_channel(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    group, (_, *size, channels) = step.plan.options['group'], x[0].shape
    y = keras.layers.Reshape((*size, group, channels // group), name=helper('group'))(x[0])
    y = keras.layers.Permute((1, 2, 4, 3), name=helper('swap'))(y)
    return keras.layers.Reshape((*size, channels), name=name)(y)


def _tile(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    before, after = math.prod(x[0].shape[1 : o['axis']]), math.prod(x[0].shape[o['axis'] :])
    y = keras.layers.Reshape((before, 1, after), name=helper('rows'))(x[0])
    y = keras.layers.UpSampling2D((1, o['tiles']), name=helper('repeat'))(y)
    return keras.layers.Reshape(stored_shape(o['to'])[1:], name=name)(y)


def _upsample(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    if len(x) == 1:
        return keras.layers.UpSampling2D(o['scale'], name=name)(x[0])
    return custom.Upsample(**o, name=name)(x)


def _embed(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    before, after = helpers(step)
    # An image's numbers are stored as H×W×C; Embed's output has Caffe's order, unless it has four axes itself.
    y = keras.layers.Permute((3, 1, 2), name=helper('order'))(x[0]) if before else x[0]
    y = keras.layers.Embedding(o['inputs'], o['outputs'], embeddings_initializer='zeros', name=name)(y)
    return keras.layers.Permute((2, 3, 1), name=helper('order'))(y) if after else y


def _exp(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o, y = step.plan.options, x[0]
    if helpers(step)[0]:
        y = keras.layers.Rescaling(o['scale'], o['shift'], name=helper('scale'))(y)
    return keras.layers.Activation('exponential', name=name)(y)


def _swish(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    beta = step.plan.options['beta']
    if beta == 1:
        return keras.layers.Activation('swish', name=name)(x[0])
    if beta == 0:
        return keras.layers.Rescaling(0.5, name=name)(x[0])
    y = keras.layers.Rescaling(beta, name=helper('scale'))(x[0])
    return keras.layers.Rescaling(1 / beta, name=name)(keras.layers.Activation('swish', name=helper('swish'))(y))


def _dropout(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    dropped = keras.layers.Dropout(o['ratio'], name=name)(x[0])
    # Keras divides by 1 - ratio in training: times the factor, both phases are those of scale_train: false.
    return keras.layers.Rescaling(o['factor'], name=helper('scale'))(dropped) if o['factor'] != 1 else dropped


def _crop(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    spans, size = step.plan.options['spans'], x[0].shape[1:]
    if len(size) != 3 or tuple(spans[2]) != (0, size[2]):
        return custom.Crop(spans=spans, name=name)(x[0])
    borders = [(start, n - start - length) for (start, length), n in zip(spans, size, strict=True)]
    return keras.layers.Cropping2D(borders[:2], name=name)(x[0])


def _power(o: dict[str, Any], name: str) -> Any:
    return (
        keras.layers.Rescaling(o['scale'], o['shift'], name=name) if o['power'] == 1 else custom.Power(**o, name=name)
    )


def _relu(o: dict[str, Any], name: str) -> Any:
    if o['slope'] == 0:
        return keras.layers.ReLU(name=name)
    if o['slope'] < 0:
        return custom.Rectifier(slope=o['slope'], name=name)
    return keras.layers.LeakyReLU(negative_slope=o['slope'], name=name)


def _of(layer: Callable[[dict[str, Any], str], Any]) -> Builder:
    """A builder for one layer with one input."""
    return lambda step, name, helper, x: layer(step.plan.options, name)(x[0])


def _same(kind: Any) -> Builder:
    """A builder for a layer whose constructor takes the plan's options."""
    return _of(lambda o, name: kind(**o, name=name))


BUILDERS: dict[str, Builder] = {
    'Convolution': _convolution,
    'ConvolutionDepthwise': _convolution,
    'DepthwiseConvolution': _convolution,
    'HoleConvolution': _convolution,
    'Deconvolution': _deconvolution,
    'InnerProduct': _inner_product,
    'Pooling': _pooling,
    'Scale': _scale,
    'Bias': _scale,
    'Eltwise': _eltwise,
    'Flatten': _reshape,
    'Reshape': _reshape,
    'Concat': _concat,
    'ReLU': _of(_relu),
    'ReLU6': _of(lambda o, name: keras.layers.ReLU(6.0, o['slope'], name=name)),
    'Sigmoid': _of(lambda o, name: keras.layers.Activation('sigmoid', name=name)),
    'TanH': _of(lambda o, name: keras.layers.Activation('tanh', name=name)),
    'BNLL': _of(lambda o, name: keras.layers.Activation('softplus', name=name)),
    'Exp': _exp,
    'Log': _same(custom.Log),
    'Threshold': _same(custom.Threshold),
    'Swish': _swish,
    'Dropout': _dropout,
    'Axpy': _axpy,
    'ShuffleChannel': _shuffle_channel,
    'Tile': _tile,
    'Upsample': _upsample,
    'Interp': _same(custom.Interp),
    'Embed': _embed,
    'SPP': _spatial_pyramid,
    'Permute': _of(lambda o, name: keras.layers.Permute(o['order'][1:], name=name)),
    'BatchNorm': _of(
        lambda o, name: keras.layers.BatchNormalization(
            o['axis'], epsilon=o['eps'], center=False, scale=False, name=name
        )
    ),
    'BN': _of(lambda o, name: keras.layers.BatchNormalization(o['axis'], epsilon=o['eps'], name=name)),
    'MVN': _same(custom.MVN),
    'PReLU': _same(custom.PReLU),
    'ELU': _same(keras.layers.ELU),
    'Softmax': _same(keras.layers.Softmax),
    'Split': _same(keras.layers.Identity),
    'AbsVal': _same(custom.Absolute),
    'Power': _of(_power),
    'LRN': _same(custom.LRN),
    'Normalize': _same(custom.Normalize),
    'Slice': _slice,
    'Crop': _crop,
    'ArgMax': _same(custom.ArgMax),
    'Reduction': _same(custom.Reduction),
    'PriorBox': _same(custom.PriorBox),
    'DetectionOutput': lambda step, name, helper, x: custom.DetectionOutput(**step.plan.options, name=name)(x),
}
