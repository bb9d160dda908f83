# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Elementwise layers, PReLU and Softmax."""

from __future__ import annotations

import math
from collections.abc import Sequence

from components.caffe_converter.layers.base import Blob, Layer, Plan, Shape, Weight, plain, planner, stored_axis

# These may get a flattened image with its values in any order.
POINTWISE = frozenset({
    'AbsVal', 'BNLL', 'Dropout', 'ELU', 'Exp', 'Log', 'Power', 'ReLU', 'ReLU6', 'Sigmoid', 'Split', 'Swish', 'TanH',
    'Threshold',
})  # fmt: skip


def _count(blob: Blob) -> int:
    return math.prod(blob.shape[1:])


@planner('ReLU')
def relu(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """max(x, 0) + negative_slope · min(x, 0)."""
    param = layer.param('relu_param', 'negative_slope')
    slope = param.number('negative_slope', 0.0)
    return Plan([bottoms[0]], flops=_count(bottoms[0]), options={'slope': slope})


@planner('ReLU6')
def relu6(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """relu6_layer.cpp of MobileNetV2's forks: min(max(x, 0) + negative_slope · min(x, 0), 6)."""
    param = layer.param('relu6_param', 'negative_slope')
    slope = param.number('negative_slope', 0.0)
    if slope < 0:
        raise layer.error(f'negative_slope must not be negative, found {slope:g}', param.line_of('negative_slope'))
    return Plan([bottoms[0]], flops=2 * _count(bottoms[0]), options={'slope': slope})


@planner('ELU')
def elu(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """x for x > 0, else alpha · (exp(x) - 1)."""
    param = layer.param('elu_param', 'alpha')
    return Plan([bottoms[0]], flops=3 * _count(bottoms[0]), options={'alpha': param.number('alpha', 1.0)})


@planner('Sigmoid', 'TanH', 'AbsVal', 'BNLL')
def pointwise(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """1 / (1 + exp(-x)), tanh(x), |x|, ln(1 + exp(x))."""
    layer.param(f'{layer.type.lower()}_param')
    return Plan([bottoms[0]], flops=_count(bottoms[0]) * (1 if layer.type == 'AbsVal' else 4))


@planner('Power')
def power(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """(shift + scale · x) ^ power."""
    param = layer.param('power_param', 'power', 'scale', 'shift')
    options = {key: param.number(key, default) for key, default in (('power', 1.0), ('scale', 1.0), ('shift', 0.0))}
    return Plan([bottoms[0]], flops=3 * _count(bottoms[0]), options=options)


@planner('Exp', 'Log')
def exponential(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """exp_layer.cpp, log_layer.cpp: base ^ (shift + scale · x), log_base(shift + scale · x); base -1 is e."""
    param = layer.param(f'{layer.type.lower()}_param', 'base', 'scale', 'shift')
    base = param.number('base', -1.0)
    if (base <= 0 and base != -1) or (layer.type == 'Log' and base == 1):
        raise layer.error(f'base must be above 0 (for Log, not 1) or -1 for e, found {base:g}', param.line_of('base'))
    factor = 1.0 if base == -1 else math.log(base)
    scale, shift = param.number('scale', 1.0), param.number('shift', 0.0)
    if layer.type == 'Exp':
        options = {'scale': scale * factor, 'shift': shift * factor}
    else:
        options = {'scale': scale, 'shift': shift, 'factor': 1 / factor}
    return Plan([bottoms[0]], flops=6 * _count(bottoms[0]), options=options)


@planner('Threshold')
def threshold(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """1 for x above the threshold, else 0."""
    param = layer.param('threshold_param', 'threshold')
    options = {'threshold': param.number('threshold', 0.0)}
    return Plan([bottoms[0]], flops=_count(bottoms[0]), options=options)


@planner('Swish')
def swish(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """swish_layer.cpp: x / (1 + exp(-beta · x))."""
    param = layer.param('swish_param', 'beta')
    return Plan([bottoms[0]], flops=5 * _count(bottoms[0]), options={'beta': param.number('beta', 1.0)})


@planner('Dropout')
def dropout(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """The identity at test time, as Caffe scales in training; scale_train: false (a fork's) scales at test time."""
    param = layer.param('dropout_param', 'dropout_ratio', 'scale_train', 'sample_weights_test')
    if param.boolean('sample_weights_test', False):  # Bayesian SegNet's
        raise layer.error(
            'sample_weights_test: true makes it random at test time; remove the field',
            param.line_of('sample_weights_test'),
        )
    ratio = param.number('dropout_ratio', 0.5)
    if not 0 <= ratio < 1:
        raise layer.error(f'dropout_ratio must be at least 0 and below 1, found {ratio:g}', param.line)
    factor = 1.0 if param.boolean('scale_train', True) else 1.0 - ratio
    return Plan([bottoms[0]], options={'ratio': ratio, 'factor': factor})


@planner('Split')
def split(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """Every top is the bottom."""
    return Plan([bottoms[0]] * len(layer.tops))


@planner('PReLU')
def prelu(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """prelu_layer.cpp: a slope for each channel (axis 1), or one for all."""
    param = layer.param('prelu_param', 'filler', 'channel_shared')
    shape, channels = bottoms[0].shape, layer.channels(bottoms[0])
    shared = param.boolean('channel_shared', False)
    blob: Shape = () if shared else (channels,)
    axis = stored_axis(1, len(shape))
    # Keras keeps an axis of size 1 for every axis that shares the slope.
    alpha = tuple(channels if at == axis and not shared else 1 for at in range(1, len(shape)))
    shared_axes = [at for at in range(1, len(shape)) if at != axis or shared]
    return Plan(
        [Blob(shape)], [blob], [Weight('alpha', alpha, plain(0))], 2 * _count(bottoms[0]), {'shared_axes': shared_axes}
    )


@planner('Softmax')
def softmax(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """softmax_layer.cpp, along `axis` (default: channels)."""
    param = layer.param('softmax_param', 'axis')
    shape = bottoms[0].shape
    axis = layer.axis(param, 'axis', 1, len(shape))
    return Plan([Blob(shape)], flops=5 * _count(bottoms[0]), options={'axis': stored_axis(axis, len(shape))})
