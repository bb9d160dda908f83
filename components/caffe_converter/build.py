# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Planned Caffe layers as Keras layers: one function a type, plain Keras layers wherever they are exactly equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from components.caffe_converter import keras_layers as custom
from components.caffe_converter.build_plan import helpers, is_plain_transpose, is_same_padding
from components.caffe_converter.copying import owned
from components.caffe_converter.layers.base import stored_shape
from components.caffe_converter.network import Network, Step
from components.errors import InputError
from components.progress import Progress

# (step, Keras name, name for a helper layer by suffix, inputs) → output or outputs
Builder = Callable[[Step, str, Callable[[str], str], list[Any]], Any]
_ZEROS = {'kernel_initializer': 'zeros', 'bias_initializer': 'zeros'}  # the weights come from the file


def build_model(network: Network, quiet: bool = True) -> keras.Model:
    """A Keras model of a matched network, with its weights.

    Args:
      network: from open_network.
      quiet: show no progress.

    Returns:
      A functional model: an Input for each of the network's inputs (float32 [B, H, W, C] for an image), one output for
      each of its outputs (a list where there are several).

    Raises:
      InputError: the network is too deep for Keras' recursion (700 layers in a row are not).
    """
    try:
        model = _functional(network)
    except RecursionError:
        raise InputError(
            f'{network.graph.path}: expected a network that Keras can build, found {len(network.steps)} layers, '
            'too many in a row for its recursion; convert the weights alone (-f hdf5), or a part with --output-layer'
        ) from None
    _load(network, model, quiet)
    return model


def _functional(network: Network) -> keras.Model:
    taken = {*network.names.values(), *network.input_names}
    tensors: dict[int, Any] = {}
    inputs = []
    for (_, blob, shape), name in zip(network.inputs, network.input_names, strict=True):
        tensors[blob] = keras.Input(stored_shape(shape)[1:], name=name, dtype='float32')
        inputs.append(tensors[blob])
    for step in network.steps:
        bottoms = [tensors[blob] for blob in step.node.inputs]
        outputs = _build(step, network.names[step.layer.name], taken, bottoms)
        tensors.update(zip(step.node.outputs, outputs, strict=True))
    ends = [tensors[blob] for _, blob, _ in network.outputs]
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], ends if len(ends) > 1 else ends[0])


def _build(step: Step, name: str, taken: set[str], bottoms: list[Any]) -> list[Any]:
    def helper(suffix: str) -> str:
        wish, number = f'{name}_{suffix}', 2
        unique = wish
        while unique in taken:
            unique, number = f'{wish}_{number}', number + 1
        taken.add(unique)
        return unique

    result = BUILDERS[step.layer.type](step, name, helper, bottoms)
    results = result if isinstance(result, list) else [result]
    return results * len(step.node.outputs) if len(results) < len(step.node.outputs) else results


def _load(network: Network, model: keras.Model, quiet: bool) -> None:
    total = sum(bool(step.plan.weights) for step in network.steps)
    with Progress('Converting', total, 'layers', quiet) as progress:
        for step in network.steps:
            if not step.plan.weights:
                continue
            layer = model.get_layer(network.names[step.layer.name])
            for variable, (weight, values) in zip(layer.weights, network.weights(step), strict=True):
                variable.assign(owned(values).reshape(weight.shape))
            progress.update()


def _convolution(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    before, _ = helpers(step)
    pad = keras.layers.ZeroPadding2D(o['pad'], name=helper('pad')) if before else None
    border = 'same' if is_same_padding(step) else 'valid'
    layer: Any
    if max(o['stride']) > 1 and max(o['dilation']) > 1:
        layer = custom.Convolution(
            o['filters'], o['kernel'], o['stride'], o['dilation'], o['group'], o['bias'], name=name
        )
    else:
        layer = keras.layers.Conv2D(
            o['filters'], o['kernel'], o['stride'], border, dilation_rate=o['dilation'],
            groups=o['group'], use_bias=o['bias'], name=name, **_ZEROS,
        )  # fmt: skip
    return [layer(pad(each) if pad else each) for each in x]


def _deconvolution(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    if not is_plain_transpose(step):
        layer = custom.Deconvolution(
            o['filters'], o['kernel'], o['stride'], o['pad'], o['dilation'], o['group'], o['bias'], name=name
        )
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
        return custom.InnerProduct(o['units'], o['axis'], o['bias'], name=name)(x[0])
    before, _ = helpers(step)
    flat = keras.layers.Flatten(name=helper('flatten'))(x[0]) if before else x[0]
    return keras.layers.Dense(o['units'], use_bias=o['bias'], name=name, **_ZEROS)(flat)


def _pooling(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    largest = o['method'] == 'MAX'
    even = all(
        (count - 1) * s + k <= n for count, s, k, n in zip(o['sizes'], o['stride'], o['kernel'], o['size'], strict=True)
    )
    if o['pad'] != (0, 0) or not even:
        return custom.Pooling(o['method'], o['kernel'], o['stride'], o['pad'], o['ceil'], name=name)(x[0])
    if o['kernel'] == o['size']:
        kind = keras.layers.GlobalMaxPooling2D if largest else keras.layers.GlobalAveragePooling2D
        return kind(keepdims=True, name=name)(x[0])
    kind = keras.layers.MaxPooling2D if largest else keras.layers.AveragePooling2D
    return kind(o['kernel'], o['stride'], 'valid', name=name)(x[0])


def _scale(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    second = ('gamma' if o['scales'] else 'beta') if o['two'] else ''
    layer = custom.Scale(o['kept'], 'gamma' in o['learned'], 'beta' in o['learned'], second, name=name)
    return layer(x if o['two'] else x[0])


def _eltwise(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    if o['coefficients']:
        return custom.WeightedSum(o['coefficients'], name=name)(x)
    kind = {'PROD': keras.layers.Multiply, 'SUM': keras.layers.Add, 'MAX': keras.layers.Maximum}[o['operation']]
    return kind(name=name)(x)


def _reshape(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    if not o['keras_order']:
        return custom.Reshape(o['to'][1:], name=name)(x[0])
    if len(o['to']) == 2:
        return keras.layers.Flatten(name=name)(x[0])
    return keras.layers.Reshape(stored_shape(o['to'])[1:], name=name)(x[0])


def _concat(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    if len(x) == 1:
        return keras.layers.Identity(name=name)(x[0])
    return keras.layers.Concatenate(step.plan.options['axis'], name=name)(x)


def _relu(step: Step, name: str, helper: Callable[[str], str], x: list[Any]) -> Any:
    o = step.plan.options
    if o['slope'] == 0:
        return keras.layers.ReLU(name=name)(x[0])
    return keras.layers.LeakyReLU(negative_slope=o['slope'], name=name)(x[0])


def _of(layer: Callable[[dict[str, Any], str], Any]) -> Builder:
    """A builder for one layer on one input."""
    return lambda step, name, helper, x: layer(step.plan.options, name)(x[0])


BUILDERS: dict[str, Builder] = {
    'Convolution': _convolution,
    'Deconvolution': _deconvolution,
    'InnerProduct': _inner_product,
    'Pooling': _pooling,
    'Scale': _scale,
    'Bias': _scale,
    'Eltwise': _eltwise,
    'Flatten': _reshape,
    'Reshape': _reshape,
    'ReLU': _relu,
    'Concat': _concat,
    'PReLU': _of(lambda o, name: keras.layers.PReLU(shared_axes=o['shared_axes'], name=name)),
    'ELU': _of(lambda o, name: keras.layers.ELU(alpha=o['alpha'], name=name)),
    'Sigmoid': _of(lambda o, name: keras.layers.Activation('sigmoid', name=name)),
    'TanH': _of(lambda o, name: keras.layers.Activation('tanh', name=name)),
    'AbsVal': _of(lambda o, name: custom.Absolute(name=name)),
    'Power': _of(lambda o, name: custom.Power(**o, name=name)),
    'Dropout': _of(lambda o, name: keras.layers.Dropout(o['ratio'], name=name)),
    'Split': _of(lambda o, name: keras.layers.Identity(name=name)),
    'Softmax': _of(lambda o, name: keras.layers.Softmax(o['axis'], name=name)),
    'BatchNorm': _of(
        lambda o, name: keras.layers.BatchNormalization(
            o['axis'], epsilon=o['eps'], center=False, scale=False, name=name
        )
    ),
    'LRN': _of(lambda o, name: custom.LRN(o['size'], o['alpha'], o['beta'], o['k'], o['across'], name=name)),
    'Normalize': _of(lambda o, name: custom.Normalize(o['across'], o['shared'], o['eps'], name=name)),
    'Slice': _of(lambda o, name: custom.Slice(o['axis'], o['bounds'], name=name)),
    'Permute': _of(lambda o, name: keras.layers.Permute(o['order'][1:], name=name)),
    'Crop': _of(lambda o, name: custom.Crop(o['spans'], name=name)),
    'ArgMax': _of(lambda o, name: custom.ArgMax(o['axis'], o['top_k'], o['values'], o['to'][1:], name=name)),
    'Reduction': _of(lambda o, name: custom.Reduction(o['operation'], o['axis'], o['coefficient'], name=name)),
}
