# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Layers that rearrange values: Concat, Slice, Flatten, Reshape, Permute, ShuffleChannel, Tile, Crop."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from itertools import pairwise

from components.caffe_converter.layers.base import (
    MAX_AXES,
    Blob,
    Layer,
    Plan,
    Shape,
    describe,
    planner,
    stored_axis,
    stored_order,
)


def _legacy_axis(
    layer: Layer, param_name: str, axis_name: str, legacy: str, rank: int, *known: str, low: int = 1
) -> int:
    """Reads `axis_name` from `low` on, or the older field `legacy` in its place."""
    param = layer.param(param_name, axis_name, legacy, *known)
    if axis_name in param and legacy in param:
        raise layer.error(f'{axis_name} and {legacy} are both given; keep one', param.line_of(legacy))
    return layer.axis(param, legacy if legacy in param else axis_name, 1, rank, low)


@planner('Concat', bottoms=(1, 1000))
def concat(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """concat_layer.cpp: concatenates the inputs along an axis."""
    shape = list(bottoms[0].shape)
    # One input on the batch axis stays as it is.
    axis = _legacy_axis(layer, 'concat_param', 'axis', 'concat_dim', len(shape), low=min(len(bottoms) - 1, 1))
    for bottom in bottoms[1:]:
        other = bottom.shape
        if len(other) != len(shape) or any(
            at != axis and a != b for at, (a, b) in enumerate(zip(shape, other, strict=True))
        ):
            raise layer.error(
                f'inputs may differ only on axis {axis}; found {describe(bottoms[0].shape)} and {describe(other)}'
            )
        shape[axis] += other[axis]
    return Plan([layer.top(shape)], options={'axis': stored_axis(axis, len(shape))})


@planner('Slice')
def slice_(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """slice_layer.cpp: cuts an axis at slice_point, or into equal parts."""
    shape = bottoms[0].shape
    axis = _legacy_axis(
        layer, 'slice_param', 'axis', 'slice_dim', len(shape), 'slice_point', low=min(len(layer.tops) - 1, 1)
    )
    param = layer.message.message('slice_param')
    points = param.integers('slice_point')
    count, size = len(layer.tops), shape[axis]
    if points:
        if len(points) != count - 1:
            raise layer.error(f'{count} tops need {count - 1} slice_points, found {len(points)}', param.line)
        bounds = [0, *points, size]
        if any(a >= b for a, b in pairwise(bounds)):
            raise layer.error(f'slice_points must increase between 0 and {size}, found {points}', param.line)
    else:
        if count < 1 or size % count:
            raise layer.error(f'an axis of {size} cannot be cut into {count} equal parts', param.line)
        bounds = [size // count * at for at in range(count + 1)]
    tops = [layer.top((*shape[:axis], b - a, *shape[axis + 1 :])) for a, b in pairwise(bounds)]
    return Plan(tops, options={'axis': stored_axis(axis, len(shape)), 'bounds': bounds})


def _flattened(layer: Layer, bottom: Blob, shape: Shape) -> Plan:
    """The plan of a change of shape; in H×W×C order if the network allows it and the output is a vector."""
    top, chw = layer.top(shape), None
    if len(shape) == 2 or (len(shape) == 4 and shape[2:] == (1, 1)):
        chw = bottom.chw or (layer.image(bottom) if not layer.keep_order and len(bottom.shape) == 4 else None)
    return Plan([Blob(top.shape, chw)], options={'to': shape, 'keras_order': chw is not None})


@planner('Flatten')
def flatten(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """flatten_layer.cpp: merges the axes from `axis` to `end_axis`."""
    param = layer.param('flatten_param', 'axis', 'end_axis')
    shape = bottoms[0].shape
    axis = layer.axis(param, 'axis', 1, len(shape))
    end = layer.axis(param, 'end_axis', -1, len(shape))
    if end < axis:
        raise layer.error(f'end_axis {end} is before axis {axis}', param.line)
    return _flattened(layer, bottoms[0], (*shape[:axis], math.prod(shape[axis : end + 1]), *shape[end + 1 :]))


@planner('Reshape')
def reshape(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """reshape_layer.cpp: replaces `num_axes` axes from `axis` on; 0 copies the input's size, -1 takes the rest."""
    param = layer.param('reshape_param', 'shape', 'axis', 'num_axes')
    shape = bottoms[0].shape
    rank = len(shape)
    axis = param.integer('axis', 0, -MAX_AXES, MAX_AXES)
    start = axis if axis >= 0 else rank + axis + 1  # may be the end, where new axes are appended
    count = param.integer('num_axes', -1, -1, MAX_AXES)
    end = rank if count == -1 else start + count
    if not 0 <= start <= end <= rank:
        raise layer.error(f'axis {axis} and num_axes {count} go beyond the {rank} axes of the input', param.line)
    inner = param.message('shape')
    inner.expect(('dim',), 'shape')
    wish = inner.integers('dim', -1)
    if len(wish) > MAX_AXES:
        raise layer.error(f'a shape may have at most {MAX_AXES} axes, found {len(wish)}', inner.line)
    if wish.count(-1) > 1:
        raise layer.error('only one dim may be -1', inner.line)
    dims = []
    for at, dim in enumerate(wish):
        if dim == 0 and start + at >= rank:
            raise layer.error(f'dim 0 copies axis {start + at}, the input has {rank} axes', inner.line)
        dims.append(shape[start + at] if dim == 0 else dim)
    total, known = math.prod(shape), math.prod(shape[:start]) * math.prod(shape[end:])
    if -1 in dims:
        rest = -math.prod(dims) * known
        dims[dims.index(-1)] = total // rest if rest and total % rest == 0 else 0
    result = (*shape[:start], *dims, *shape[end:])
    if math.prod(result) != total or min(result, default=0) < 1:
        raise layer.error(f'{describe(shape)} cannot become {describe(result)}', inner.line)
    if not result or result[0] != shape[0]:
        raise layer.error(
            f'{describe(shape)} would become {describe(result)}: the layer would mix the images of a batch', inner.line
        )
    return _flattened(layer, bottoms[0], result)


@planner('Permute')
def permute(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """SSD's permute_layer.cpp: puts the axes in the given order, then those not named."""
    param = layer.param('permute_param', 'order')
    shape = bottoms[0].shape
    order = param.integers('order', 0, max(len(shape) - 1, 0))
    if len(set(order)) < len(order):
        raise layer.error(f'order must name each axis once, found {order}', param.line_of('order'))
    order += [axis for axis in range(len(shape)) if axis not in order]
    if order[:1] != [0]:
        raise layer.error('order must leave the batch axis (0) first', param.line_of('order'))
    top = layer.top([shape[axis] for axis in order])
    # Keras' axis → Caffe's axis of the output → Caffe's axis of the input → Keras' axis of the input.
    rank = len(shape)
    moved = [stored_axis(order[axis], rank) for axis in stored_order(rank)]
    return Plan([top], options={'order': moved})


@planner('ShuffleChannel')
def shuffle_channel(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """ShuffleNet's shuffle_channel_layer.cpp: the first channel of each group, then the second of each, and so on."""
    param = layer.param('shuffle_channel_param', 'group')
    channels, _, _ = layer.image(bottoms[0])
    group = param.integer('group', 1, 1)
    if channels % group:
        raise layer.error(f'group {group} must divide the {channels} channels', param.line_of('group'))
    return Plan([Blob(bottoms[0].shape)], options={'group': group})


@planner('Tile')
def tile(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """tile_layer.cpp: repeats the whole of an axis `tiles` times."""
    param = layer.param('tile_param', 'axis', 'tiles')
    shape = bottoms[0].shape
    axis = layer.axis(param, 'axis', 1, len(shape))
    tiles = param.integer('tiles', 0, 1)
    if 'tiles' not in param:
        raise layer.error('expected tiles, found none', param.line)
    top = layer.top((*shape[:axis], shape[axis] * tiles, *shape[axis + 1 :]))
    return Plan([top], options={'axis': stored_axis(axis, len(shape)), 'tiles': tiles, 'to': top.shape})


@planner('Crop', bottoms=(2, 2))
def crop(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """crop_layer.cpp: crops the first input to the second one's size from `axis` on, at `offset`.

    The forks of FCN and HED, of before Caffe had this layer, crop the centre and know no crop_param.
    """
    param = layer.param('crop_param', 'axis', 'offset')
    shape, other = bottoms[0].shape, bottoms[1].shape
    axis = layer.axis(param, 'axis', 2, len(shape))
    offsets = param.integers('offset')
    if len(other) != len(shape):
        raise layer.error(f'both inputs must have equally many axes; found {describe(shape)} and {describe(other)}')
    if len(offsets) > 1 and len(offsets) != len(shape) - axis:
        raise layer.error(f'expected one offset or {len(shape) - axis}, found {len(offsets)}', param.line_of('offset'))
    spans: list[tuple[int, int]] = []
    for at, size in enumerate(shape):
        start, length = 0, size
        if at >= axis:
            length = other[at]
            start = offsets[at - axis] if len(offsets) > 1 else (offsets or [0])[0]
            if start + length > size:
                raise layer.error(f'axis {at}: {length} values from {start} on exceed its size of {size}')
        spans.append((start, length))
    top = layer.top([length for _, length in spans])
    if 'crop_param' not in layer.message and top.shape != shape:
        centre = ' '.join(f'offset: {(a - b) // 2}' for a, b in zip(shape[2:], top.shape[2:], strict=True))
        logging.warning(
            '%s line %d: %s: without crop_param it keeps the top left, as Caffe; HED and FCN were made for forks that '
            'keep the centre: add crop_param { %s } for them', layer.message.path, layer.line, layer, centre
        )  # fmt: skip
    return Plan([top], options={'spans': [spans[axis] for axis in stored_order(len(shape))][1:]})
