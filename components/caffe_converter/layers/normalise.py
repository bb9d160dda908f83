# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""BatchNorm, Scale, Bias, LRN and SSD's Normalize."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from components.caffe_converter.layers.base import (
    MAX_AXES,
    Blob,
    Layer,
    Plan,
    Shape,
    Weight,
    describe,
    planner,
    stored_axis,
    stored_order,
)
from components.caffe_converter.message import Message


@planner('BatchNorm')
def batch_norm(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """batch_norm_layer.cpp with stored statistics: (x - mean/f) / sqrt(var/f + eps), f the third blob (0: both are 0).

    Keras' BatchNormalization without gamma and beta computes the same from the moving mean and variance.
    """
    param = layer.param('batch_norm_param', 'use_global_stats', 'moving_average_fraction', 'eps')
    shape = bottoms[0].shape
    if not param.boolean('use_global_stats', True):
        raise layer.error(
            'use_global_stats: false computes statistics from each test batch; remove the field to use the stored ones',
            param.line_of('use_global_stats'),
        )
    eps = param.number('eps', 1e-5)
    if eps < 0:
        raise layer.error(f'eps must not be negative, found {eps:g}', param.line_of('eps'))
    channels = layer.channels(bottoms[0])

    def statistic(index: int) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
        def draw(blobs: Sequence[np.ndarray]) -> np.ndarray:
            factor = blobs[2].reshape(-1)[0]
            return blobs[index] * (np.float32(0) if factor == 0 else np.float32(1) / factor)

        return draw

    return Plan(
        [Blob(shape)],
        [(channels,), (channels,), (1,)],
        [Weight('moving_mean', (channels,), statistic(0)), Weight('moving_variance', (channels,), statistic(1))],
        2 * math.prod(shape[1:]),
        {'eps': eps, 'axis': stored_axis(1, len(shape))},
    )


def _span(layer: Layer, param: Message, shape: Shape) -> tuple[int, int]:
    """The axes [axis, end) that a Scale or Bias of one bottom covers."""
    count = param.integer('num_axes', 1, -1)
    axis = layer.axis(param, 'axis', 1, len(shape), low=0 if count == 0 else 1)
    end = len(shape) if count == -1 else axis + count
    if end > len(shape):
        raise layer.error(f'axis {axis} and num_axes {count} go beyond the {len(shape)} axes of the input', param.line)
    return axis, end


def _spread(shape: Shape, axis: int, end: int) -> tuple[Shape, tuple[int, ...], Shape]:
    """How a blob over the axes [axis, end) broadcasts with the stored input; the batch is left out.

    Returns (padded, order, kept). `padded` has Caffe's axes, 1 for those outside [axis, end). The blob reshaped to it
    and transposed by `order` broadcasts with the input. `kept` is the resulting shape without leading ones.
    """
    padded = tuple(n if axis <= at < end else 1 for at, n in enumerate(shape))[1:]
    order = tuple(at - 1 for at in stored_order(len(shape)) if at)
    kept = tuple(padded[at] for at in order)
    while len(kept) > 1 and kept[0] == 1:
        kept = kept[1:]
    return padded, order, kept


@planner('Scale', 'Bias', bottoms=(1, 2))
def scale(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """scale_layer.cpp, bias_layer.cpp: x · a (+ b), or x + b; a (b) is learned or is the second bottom."""
    scales = layer.type == 'Scale'
    extra = ('bias_term', 'bias_filler') if scales else ()
    param = layer.param('scale_param' if scales else 'bias_param', 'axis', 'num_axes', 'filler', *extra)
    shape = bottoms[0].shape
    with_bias = scales and param.boolean('bias_term', False)
    learned = ['gamma', 'beta'] if with_bias else ['gamma' if scales else 'beta']
    if len(bottoms) == 2:
        other = bottoms[1].shape
        if param.integer('axis', 1, -MAX_AXES, MAX_AXES) not in (0, -len(shape)):
            raise layer.error('a second bottom must start at the batch axis (axis: 0)', param.line_of('axis'))
        if shape[: len(other)] != other or not other:
            expected = describe(shape[: max(len(other), 1)])
            raise layer.error(f'expected a second bottom of {expected}, found {describe(other)}')
        if with_bias:
            raise layer.error(
                'bias_term with a second bottom (one bias for each image of the batch) is not supported',
                param.line_of('bias_term'),
            )
        learned = []
        axis = end = 1
    else:
        axis, end = _span(layer, param, shape)
    padded, order, kept = _spread(shape, axis, end)

    def at(index: int) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
        return lambda blobs: blobs[index].reshape(padded).transpose(order)

    return Plan(
        [Blob(shape)],
        [shape[axis:end]] * len(learned),
        [Weight(name, kept, at(index)) for index, name in enumerate(learned)],
        math.prod(shape[1:]) * (2 if with_bias else 1),
        {'kept': kept, 'learned': learned, 'second': '' if learned else 'gamma' if scales else 'beta'},
    )


@planner('LRN')
def lrn(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """lrn_layer.cpp: x / (k + alpha/n · Σ x²)^beta across channels; within a channel, n² for n and 1 for k."""
    param = layer.param('lrn_param', 'local_size', 'alpha', 'beta', 'norm_region', 'k')
    layer.image(bottoms[0])
    size = param.integer('local_size', 5, 1)
    if size % 2 == 0:
        raise layer.error(f'local_size must be odd, found {size}', param.line_of('local_size'))
    region = param.enum('norm_region', {0: 'ACROSS_CHANNELS', 1: 'WITHIN_CHANNEL'}, 'ACROSS_CHANNELS')
    options = {key: param.number(key, default) for key, default in (('alpha', 1.0), ('beta', 0.75), ('k', 1.0))}
    window = size if region == 'ACROSS_CHANNELS' else size * size
    return Plan(
        [Blob(bottoms[0].shape)],
        flops=math.prod(bottoms[0].shape[1:]) * (window + 4),
        options={**options, 'size': size, 'across': region == 'ACROSS_CHANNELS'},
    )


@planner('Normalize')
def normalize(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """SSD's normalize_layer.cpp: x / sqrt(Σ x² + eps) · scale; Σ over C, H, W or over the channels of each place."""
    param = layer.param('norm_param', 'across_spatial', 'scale_filler', 'channel_shared', 'eps')
    shape = bottoms[0].shape
    channels, _, _ = layer.image(bottoms[0])
    shared = param.boolean('channel_shared', True)
    eps = param.number('eps', 1e-10)
    if eps < 0:
        raise layer.error(f'eps must not be negative, found {eps:g}', param.line_of('eps'))
    blob: Shape = () if shared else (channels,)
    return Plan(
        [Blob(shape)],
        [blob],
        [Weight('scale', (1,) if shared else (channels,), lambda blobs: blobs[0])],
        4 * math.prod(shape[1:]),
        {'eps': eps, 'across': param.boolean('across_spatial', True), 'shared': shared},
    )
