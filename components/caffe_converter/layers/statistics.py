# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Forks' BN, and MVN."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from components.caffe_converter.layers.base import Blob, Layer, Plan, Shape, Weight, plain, planner, stored_axis
from components.caffe_converter.message import Message

# Fields of PSPNet's two versions of BN, whose four blobs are slope, bias, mean and variance.
_PSPNET_2017 = ('slope_filler', 'bias_filler', 'frozen', 'momentum', 'eps')
_PSPNET_2016 = ('moving_average', 'decay', 'var_eps')
_FILLERS = ('scale_filler', 'shift_filler')  # of SegNet and of PSPNet's first version


@planner('BN')
def bn(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """bn_layer.cpp of SegNet and ENet, and of PSPNet; the number of blobs tells them apart.

    Two blobs, scale and shift: SegNet's x · scale + shift (bn_mode: INFERENCE). Four, slope, bias, mean and variance:
    PSPNet's (x - mean) / sqrt(variance + eps) · slope + bias. All are Keras' BatchNormalization. Without a file of
    weights, and where only the prototxt's fields can tell, those decide; the file must then have as many blobs.
    """
    param = layer.param('bn_param', 'bn_mode', 'axis', *_FILLERS, *_PSPNET_2016, *_PSPNET_2017)
    shape, channels = bottoms[0].shape, layer.channels(bottoms[0])
    if param.integer('axis', 1) != 1:
        raise layer.error('axis must be 1 (channels)', param.line_of('axis'))
    count = _blobs(layer, param)
    eps = _checked_eps(layer, param, count)
    draws = [plain(at) for at in range(count)]
    if count == 2:
        draws += [lambda blobs: np.zeros(channels, np.float32), lambda blobs: np.ones(channels, np.float32)]
    return Plan(
        [Blob(shape)],
        [_stored_shape(layer, at, channels) for at in range(count)],
        [
            Weight(name, (channels,), draw)
            for name, draw in zip(('gamma', 'beta', 'moving_mean', 'moving_variance'), draws, strict=True)
        ],
        count * math.prod(shape[1:]),
        {'eps': eps, 'axis': stored_axis(1, len(shape))},
    )


def _blobs(layer: Layer, param: Message) -> int:
    if any(name in param for name in (*_PSPNET_2017, *_PSPNET_2016)):
        return 4
    if 'bn_mode' not in param and len(layer.stored) in (2, 4):
        return len(layer.stored)
    return 2


def _checked_eps(layer: Layer, param: Message, count: int) -> float:
    """What is added to the variance. Raises InputError for statistics of each test batch."""
    if count == 2:
        if param.enum('bn_mode', {0: 'LEARN', 1: 'INFERENCE'}, 'LEARN') == 'LEARN':
            raise layer.error(
                "bn_mode: LEARN computes statistics from each test batch; compute them once (SegNet's "
                'compute_bn_statistics.py) and set bn_mode: INFERENCE',
                param.line_of('bn_mode'),
            )
        return 0.0
    old = any(name in param for name in (*_FILLERS, *_PSPNET_2016))
    if old and not param.boolean('moving_average', False):
        raise layer.error(
            'moving_average: false computes statistics from each test batch; set it to use the stored ones',
            param.line_of('moving_average'),
        )
    name, default = ('var_eps', 1e-10) if old else ('eps', 1e-5)
    eps = param.number(name, default)
    if eps < 0:
        raise layer.error(f'{name} must not be negative, found {eps:g}', param.line_of(name))
    return eps


def _stored_shape(layer: Layer, at: int, channels: int) -> Shape:
    """1×C×1×1, or the file's C or 1×C: each fork writes another."""
    stored = layer.stored[at] if at < len(layer.stored) else ()
    same = stored and math.prod(stored) == max(stored) == channels
    return stored if same else (1, channels, 1, 1)


@planner('MVN')
def mvn(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """mvn_layer.cpp: (x - mean) / (deviation + eps) of each channel, or across channels of each image."""
    param = layer.param('mvn_param', 'normalize_variance', 'across_channels', 'eps')
    shape = bottoms[0].shape
    start = 1 if param.boolean('across_channels', False) else 2
    if len(shape) <= start:
        raise layer.error(f'expected an input of more than {start} axes, found {len(shape)}')
    axes = sorted(stored_axis(axis, len(shape)) for axis in range(start, len(shape)))
    options = {
        'axes': axes,
        'variance': param.boolean('normalize_variance', True),
        'eps': param.number('eps', 1e-9),
    }
    return Plan([Blob(shape)], flops=5 * math.prod(shape[1:]), options=options)
