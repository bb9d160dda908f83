# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Pooling (pooling_layer.cpp) and SPP: MAX and AVE; rounds up and clips windows at the padded border."""

from __future__ import annotations

import math
from collections.abc import Sequence

from components.caffe_converter.layers.base import Blob, Layer, Mask, Plan, describe, planner
from components.caffe_converter.layers.linear import pair


def pooled_size(size: int, kernel: int, stride: int, pad: int, ceil: bool, clip: bool) -> int:
    """The number of windows along an axis.

    With padding on either axis (`clip`), the last window starts inside the image or its left padding.
    """
    span = size + 2 * pad - kernel  # negative for a kernel wider than the image: one clipped window may be left
    count = (-(-span // stride) if ceil else span // stride) + 1
    if clip and (count - 1) * stride >= size + pad:
        count -= 1
    return count


@planner('Pooling')
def pooling(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """Some forks write `ceil_mode`, as in PyTorch, for round_mode."""
    param = layer.param(
        'pooling_param', 'pool', 'pad', 'pad_h', 'pad_w', 'kernel_size', 'kernel_h', 'kernel_w', 'stride', 'stride_h',
        'stride_w', 'global_pooling', 'round_mode', 'ceil_mode',
    )  # fmt: skip
    method = param.enum('pool', {0: 'MAX', 1: 'AVE', 2: 'STOCHASTIC'}, 'MAX')
    if method == 'STOCHASTIC':
        raise layer.error('STOCHASTIC pooling is not supported; expected MAX or AVE', param.line_of('pool'))
    masked = len(layer.tops) > 1
    if masked and method != 'MAX':
        raise layer.error('a second top (a mask) needs MAX pooling', param.line_of('pool'))
    batch = bottoms[0].shape[0]
    channels, height, width = layer.image(bottoms[0])
    whole = param.boolean('global_pooling', False)
    pad = pair(layer, param, 'pad', 0, 0)
    stride = pair(layer, param, 'stride', 1, 1)
    if whole:
        if any(name in param for name in ('kernel_size', 'kernel_h', 'kernel_w')):
            raise layer.error('global_pooling takes no kernel size', param.line_of('global_pooling'))
        if pad != (0, 0) or stride != (1, 1):
            raise layer.error('global_pooling takes no pad and only stride 1', param.line_of('global_pooling'))
        kernel = (height, width)
    else:
        kernel = pair(layer, param, 'kernel_size', None, 1, 'kernel')
    if pad[0] >= kernel[0] or pad[1] >= kernel[1]:
        raise layer.error(f'pad {describe(pad)} must be less than the kernel {describe(kernel)}')
    ceil = param.enum('round_mode', {0: 'CEIL', 1: 'FLOOR'}, 'CEIL') == 'CEIL'
    if 'ceil_mode' in param:
        ceil = param.boolean('ceil_mode', True)
    sizes = tuple(
        pooled_size(n, k, s, p, ceil, pad != (0, 0))
        for n, k, s, p in zip((height, width), kernel, stride, pad, strict=True)
    )
    for n, s, p, count in zip((height, width), stride, pad, sizes, strict=True):
        if count < 1 or (count - 1) * s - p >= n:
            hint = (
                'round_mode: FLOOR leaves it out' if ceil and count > 1 else 'set the input size with --input-size H W'
            )
            raise layer.error(
                f'kernel {describe(kernel)}, stride {describe(stride)} and pad {describe(pad)} give a window '
                f'outside the input of {height}×{width}, which has no value; {hint}'
            )
    top = layer.top((batch, channels, *sizes))
    options = {
        'method': method, 'kernel': kernel, 'stride': stride, 'pad': pad, 'size': (height, width), 'sizes': sizes,
        'ceil': ceil, 'mask': masked,
    }  # fmt: skip
    overlap = any(k > s for k, s in zip(kernel, stride, strict=True))
    mask = [Blob(top.shape, mask=Mask((height, width), overlap))] if masked else []
    return Plan([top, *mask], flops=channels * math.prod(sizes) * math.prod(kernel), options=options)


@planner('SPP')
def spatial_pyramid(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """spp_layer.cpp: pools into 1×1, 2×2, 4×4… windows; with two levels or more, flattens and concatenates them."""
    param = layer.param('spp_param', 'pyramid_height', 'pool')
    channels, *size = layer.image(bottoms[0])
    method = param.enum('pool', {0: 'MAX', 1: 'AVE', 2: 'STOCHASTIC'}, 'MAX')
    if method == 'STOCHASTIC':
        raise layer.error('STOCHASTIC pooling is not supported; expected MAX or AVE', param.line_of('pool'))
    height = param.integer('pyramid_height', 0, 1)
    if 'pyramid_height' not in param:
        raise layer.error('expected a pyramid_height, found none', param.line)
    levels = []
    for level in range(height):
        kernel = tuple(-(-n >> level) for n in size)
        pad = tuple(((k << level) - n + 1) // 2 for k, n in zip(kernel, size, strict=True))
        if any(p >= k for p, k in zip(pad, kernel, strict=True)):
            raise layer.error(
                f'{2**level}×{2**level} windows do not fit an input of {describe(size)}; expected a pyramid_height of '
                f'at most {level}',
                param.line_of('pyramid_height'),
            )
        sizes = [pooled_size(n, k, k, p, True, any(pad)) for n, k, p in zip(size, kernel, pad, strict=True)]
        levels.append((kernel, pad, channels * math.prod(sizes)))
    shape = (channels, 1, 1) if height == 1 else (sum(count for _, _, count in levels),)
    top = layer.top((bottoms[0].shape[0], *shape))
    return Plan([top], flops=height * math.prod(bottoms[0].shape[1:]), options={'method': method, 'levels': levels})
