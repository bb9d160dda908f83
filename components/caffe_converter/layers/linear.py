# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Convolution, Deconvolution and InnerProduct, which hold nearly all weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from components.caffe_converter.layers.base import Blob, Layer, Plan, Shape, Weight, describe, plain, planner
from components.caffe_converter.message import Message

# DeepLab's and PSPNet's forks, from before Caffe had `dilation`.
_HOLE = ('hole', 'hole_h', 'hole_w')

_CONVOLUTION = (
    'num_output', 'bias_term', 'pad', 'kernel_size', 'stride', 'dilation', 'pad_h', 'pad_w', 'kernel_h', 'kernel_w',
    'stride_h', 'stride_w', 'group', 'weight_filler', 'bias_filler', 'axis', 'force_nd_im2col', *_HOLE,
)  # fmt: skip


def pair(layer: Layer, param: Message, name: str, default: int | None, low: int, short: str = '') -> tuple[int, int]:
    """Reads (height, width): `name` given once or twice, or `<short>_h` and `<short>_w`, but not both."""
    values = param.integers(name, low)
    short = short or name
    by_axis = [f'{short}_h', f'{short}_w']
    if any(key in param for key in by_axis):
        if values:
            raise layer.error(f'{name} and {short}_h/{short}_w are both given; keep one', param.line_of(name))
        if default is None and not all(key in param for key in by_axis):
            raise layer.error(f'{short}_h and {short}_w must both be given', param.line)
        return param.integer(by_axis[0], default or 0, low), param.integer(by_axis[1], default or 0, low)
    if not values:
        if default is None:
            raise layer.error(f'expected a {name}, found none', param.line)
        return default, default
    if len(values) > 2:
        raise layer.error(f'{name} must be given once or twice, found {len(values)} times', param.line_of(name))
    return values[0], values[-1]


# Forks' layers: a Convolution with as many groups as channels. ConvolutionDepthwise needs no `group`.
DEPTHWISE = ('ConvolutionDepthwise', 'DepthwiseConvolution')


@planner('Convolution', 'HoleConvolution', 'Deconvolution', *DEPTHWISE, bottoms=(1, 1000))
def convolution(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """conv_layer.cpp, deconv_layer.cpp, base_conv_layer.cpp: two spatial axes; all inputs share one kernel.

    A convolution of single channels has the kernel of Keras' DepthwiseConv2D, which on a processor is many times as
    fast as a Conv2D of that many groups. Caffe's output c · multiplier + m is that of channel c and its kernel m.
    """
    param = layer.param('convolution_param', *_CONVOLUTION)
    channels, height, width = layer.image(bottoms[0])
    if any(bottom.shape != bottoms[0].shape for bottom in bottoms):
        raise layer.error('all bottom blobs must have the same shape')
    if param.integer('axis', 1, -4, 3) not in (1, -3):
        raise layer.error('axis must be 1 (channels)', param.line_of('axis'))
    outputs = _num_output(layer, param)
    kernel = pair(layer, param, 'kernel_size', None, 1, 'kernel')
    stride = pair(layer, param, 'stride', 1, 1)
    pad = pair(layer, param, 'pad', 0, 0)
    holes = [name for name in _HOLE if name in param]
    if holes and 'dilation' in param:
        raise layer.error(f'dilation and {holes[0]} are both given; keep one', param.line_of(holes[0]))
    given = pair(layer, param, 'hole' if holes else 'dilation', 1, 1)
    dilation = tuple(d if k > 1 else 1 for d, k in zip(given, kernel, strict=True))
    group = param.integer('group', channels if layer.type in DEPTHWISE else 1, 1)
    if layer.type in DEPTHWISE and group != channels:
        raise layer.error(
            f'expected a group for each of the {channels} channels, found {group}', param.line_of('group')
        )
    if channels % group or outputs % group:
        raise layer.error(
            f'group {group} must divide the {channels} input channels and num_output {outputs}', param.line_of('group')
        )
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    up = layer.type == 'Deconvolution'
    sizes = []
    for size, e, s, p in zip((height, width), extent, stride, pad, strict=True):
        sizes.append(s * (size - 1) + e - 2 * p if up else (size + 2 * p - e) // s + 1 if size + 2 * p >= e else 0)
    if min(sizes) < 1:
        raise layer.error(
            f'kernel {describe(kernel)} with pad {describe(pad)} and dilation {describe(dilation)} leaves nothing of '
            f'an input of {height}×{width}; set the input size with --input-size H W'
        )
    top = layer.top((bottoms[0].shape[0], outputs, *sizes))
    bias = param.boolean('bias_term', True)
    # Keras: kernel [kh, kw, in/group, out] of a convolution, [kh, kw, out/group, in] of a transposed one.
    blobs: list[Shape] = [(channels, outputs // group, *kernel) if up else (outputs, channels // group, *kernel)]
    first, second = blobs[0][0], blobs[0][1]
    # TensorFlow's depthwise kernel takes one stride for both axes, and no dilation with it.
    depthwise = not up and group == channels > 1 and stride[0] == stride[1] and (stride == (1, 1) or max(dilation) == 1)
    if depthwise:
        each = (channels, outputs // channels, *kernel)
        weights = [
            Weight('kernel', (*kernel, *each[:2]), lambda b: b[0].reshape(each).transpose(2, 3, 0, 1)),
        ]
    else:
        weights = [Weight('kernel', (*kernel, second, first), lambda b: b[0].transpose(2, 3, 1, 0))]
    if bias:
        blobs.append((outputs,))
        weights.append(Weight('bias', (outputs,), plain(1)))
    places = height * width if up else sizes[0] * sizes[1]
    flops = 2 * math.prod(blobs[0]) * places + (outputs * sizes[0] * sizes[1] if bias else 0)
    return Plan(
        [top] * len(bottoms),
        blobs,
        weights,
        flops * len(bottoms),
        {
            'filters': outputs, 'kernel': kernel, 'stride': stride, 'pad': pad, 'dilation': dilation, 'group': group,
            'bias': bias, 'sizes': tuple(sizes), 'depthwise': depthwise,
        },
    )  # fmt: skip


def _num_output(layer: Layer, param: Message) -> int:
    if 'num_output' not in param:
        raise layer.error('expected a num_output, found none', param.line)
    return param.integer('num_output', 0, 1)


@planner('InnerProduct')
def inner_product(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """inner_product_layer.cpp: y = W·x over the axes from `axis` on.

    Keras flattens an image (axis 1) in H×W×C order, Caffe in C×H×W, so the rows of the kernel are permuted. The same
    holds for a blob that an earlier Flatten or Reshape flattened (`Blob.chw`).
    """
    param = layer.param(
        'inner_product_param', 'num_output', 'bias_term', 'weight_filler', 'bias_filler', 'axis', 'transpose'
    )
    (bottom,) = bottoms
    axis = layer.axis(param, 'axis', 1, len(bottom.shape))
    outputs = _num_output(layer, param)
    inputs = math.prod(bottom.shape[axis:])
    chw = bottom.chw or (bottom.shape[1:] if axis == 1 and len(bottom.shape) == 4 else None)
    turned = param.boolean('transpose', False)
    bias = param.boolean('bias_term', True)
    blobs: list[Shape] = [(inputs, outputs) if turned else (outputs, inputs)]
    weights = [Weight('kernel', (inputs, outputs), _matrix(chw, turned, outputs))]
    if bias:
        blobs.append((outputs,))
        weights.append(Weight('bias', (outputs,), plain(1)))
    places = math.prod(bottom.shape[1:axis])
    flops = places * outputs * (2 * inputs + bias)
    top = layer.top((*bottom.shape[:axis], outputs))
    return Plan([top], blobs, weights, flops, {'units': outputs, 'bias': bias, 'axis': axis, 'shape': bottom.shape})


def _matrix(chw: tuple[int, ...] | None, turned: bool, outputs: int) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
    def draw(blobs: Sequence[np.ndarray]) -> np.ndarray:
        matrix = blobs[0] if turned else blobs[0].T  # [inputs, outputs]
        if chw is None or chw[0] == 1 or chw[1] * chw[2] == 1:
            return matrix
        # Splitting the rows of a view copies nothing: [C, H, W, outputs] seen as [H, W, C, outputs].
        return matrix.reshape(*chw, outputs).transpose(1, 2, 0, 3)

    return draw
