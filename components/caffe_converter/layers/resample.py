# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Forks' layers that enlarge images: Upsample and Interp."""

from __future__ import annotations

import math
from collections.abc import Sequence

from components.caffe_converter.layers.base import Blob, Layer, Plan, describe, planner
from components.caffe_converter.message import Message


@planner('Upsample', bottoms=(1, 2))
def upsample(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """SegNet's upsample_layer.cpp: puts each value where the mask of MAX pooling says.

    With one bottom, YOLO's: repeats each value scale × scale times.
    """
    param = layer.param(
        'upsample_param', 'scale', 'scale_h', 'scale_w', 'upsample_h', 'upsample_w', 'pad_out_h', 'pad_out_w'
    )
    batch = bottoms[0].shape[0]
    channels, height, width = layer.image(bottoms[0])
    if len(bottoms) == 1:
        if other := [name for name in param.fields if name != 'scale']:
            raise layer.error(f'{other[0]} needs a mask of MAX pooling as the second bottom', param.line_of(other[0]))
        scale = param.integer('scale', 1, 1)
        return Plan([layer.top((batch, channels, height * scale, width * scale))], options={'scale': scale})
    if bottoms[1].shape != bottoms[0].shape:
        raise layer.error(
            f'expected a mask of {describe(bottoms[0].shape)} as the second bottom, found {describe(bottoms[1].shape)}'
        )
    mask = bottoms[1].mask
    if mask is None:
        raise layer.error('expected the second top of a MAX Pooling as the second bottom')
    size = _size(layer, param, height, width)
    if math.prod(size) < math.prod(mask.size):
        raise layer.error(
            f'the mask has places in an image of {describe(mask.size)}, the output has {describe(size)}; '
            f'set upsample_h: {mask.size[0]} upsample_w: {mask.size[1]}'
        )
    top = layer.top((batch, channels, *size))
    return Plan([top], flops=math.prod(bottoms[0].shape[1:]), options={'size': size, 'overlap': mask.overlap})


def _size(layer: Layer, param: Message, height: int, width: int) -> tuple[int, int]:
    """upsample_h and upsample_w, or the scale less a row or column (pad_out)."""
    given = [name in param for name in ('upsample_h', 'upsample_w')]
    if any(given):
        if not all(given):
            raise layer.error('upsample_h and upsample_w must both be given', param.line)
        return param.integer('upsample_h', 0, 2), param.integer('upsample_w', 0, 2)
    given = [name in param for name in ('scale_h', 'scale_w')]
    if any(given) and ('scale' in param or not all(given)):
        raise layer.error('give scale, or scale_h and scale_w', param.line)
    both = param.integer('scale', 2, 2)
    sizes = []
    for name, n in (('h', height), ('w', width)):
        scale = param.integer(f'scale_{name}', both, 2)
        cut = param.boolean(f'pad_out_{name}', False)
        if cut and scale != 2:
            raise layer.error(f'pad_out_{name} needs a scale of 2, found {scale}', param.line_of(f'pad_out_{name}'))
        sizes.append(n * scale - cut)
    return sizes[0], sizes[1]


@planner('Interp', bottoms=(1, 2))
def interp(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """interp_layer.cpp of DeepLab and PSPNet: bilinear with the corners aligned, after cutting -pad_beg and -pad_end.

    The size is given, that of the second bottom, or n → (n - 1) · zoom / shrink + 1 rounded down.
    """
    param = layer.param(
        'interp_param', 'height', 'width', 'zoom_factor', 'shrink_factor', 'pad_beg', 'pad_end', 'interp_type'
    )
    batch = bottoms[0].shape[0]
    channels, height, width = layer.image(bottoms[0])
    if 'interp_type' in param and param.string('interp_type', '') != 'bilinear':
        raise layer.error('interp_type must be "bilinear"', param.line_of('interp_type'))
    crop = [-param.integer(name, 0, -(2**31), 0) for name in ('pad_beg', 'pad_end')]
    inner = [height - sum(crop), width - sum(crop)]
    if min(inner) < 1:
        raise layer.error(f'pad_beg and pad_end leave nothing of an input of {height}×{width}', param.line)
    by_size = [name in param for name in ('height', 'width')]
    by_factor = 'zoom_factor' in param or 'shrink_factor' in param
    if any(by_size) + by_factor + (len(bottoms) == 2) != 1 or any(by_size) != all(by_size):
        raise layer.error('give height and width, or zoom_factor or shrink_factor, or a second bottom', param.line)
    if len(bottoms) == 2:
        layer.image(bottoms[1])
        size = list(bottoms[1].shape[2:])
    elif by_factor:
        zoom, shrink = param.integer('zoom_factor', 1, 1), param.integer('shrink_factor', 1, 1)
        size = [(n - 1) // shrink * zoom + 1 for n in inner]
    else:
        size = [param.integer('height', 0, 1), param.integer('width', 0, 1)]
    top = layer.top((batch, channels, *size))
    return Plan([top], flops=6 * math.prod(top.shape[1:]), options={'size': size, 'crop': crop})
