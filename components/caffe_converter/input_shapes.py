# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The shapes of a network's inputs, from `input` fields, Input layers and data layers."""

from __future__ import annotations

from components.caffe_converter.layer_names import DATA_TYPES
from components.caffe_converter.layers.base import MAX_AXES, MAX_COUNT, Layer, Shape
from components.caffe_converter.message import Message

_UNKNOWN = 'its size is not in the prototxt; give height and width with --input-size H W'


def _dims(message: Message) -> Shape:
    message.expect(('dim',), 'a shape')
    dims = message.integers('dim', 1)
    if len(dims) > MAX_AXES:
        raise message.error(f'a shape may have at most {MAX_AXES} axes, found {len(dims)}')
    if not dims:
        raise message.error('expected a shape with a batch axis, found no dim')
    return tuple(dims)


def declared_shapes(net: Message) -> list[tuple[str, Shape | None]]:
    """The inputs from the network's `input` fields, with shapes from input_shape or input_dim (four per name)."""
    names = net.strings('input')
    shapes = [_dims(message) for message in net.messages('input_shape')]
    dims = net.integers('input_dim', 1)
    if shapes and dims:
        raise net.error('input_shape and input_dim are both given; keep one', net.line_of('input_dim'))
    if dims:
        if len(dims) != 4 * len(names):
            raise net.error(
                f'{len(names)} inputs need {4 * len(names)} input_dim, found {len(dims)}', net.line_of('input_dim')
            )
        shapes = [tuple(dims[at : at + 4]) for at in range(0, len(dims), 4)]
    if shapes and len(shapes) != len(names):
        raise net.error(
            f'{len(names)} inputs need {len(names)} input_shape, found {len(shapes)}', net.line_of('input_shape')
        )
    if len(set(names)) < len(names):
        raise net.error('two inputs have the same name; rename one', net.line_of('input'))
    return list(zip(names, shapes, strict=True)) if shapes else [(name, None) for name in names]


def data_shape(layer: Layer) -> list[tuple[str, Shape | None, str]]:
    """The inputs that an Input or data layer makes: (name, shape or None, reason for None).

    A data layer's first top is an image. Its height and width come from crop_size or the layer's own fields, or are 0;
    it has three channels, or one with force_gray. The other tops are labels. The tops of a layer of an unknown type
    (Python, a fork's data layer) have no shape.
    """
    if layer.type == 'Input':
        return _input(layer)
    if layer.type not in DATA_TYPES:
        reason = f'{layer} makes it, and its shape is not in the prototxt; give it with --input-shape NAME=C,H,W'
        return [(top, None, reason) for top in layer.tops]
    size = _image(layer)
    first = [(layer.tops[0], size, _UNKNOWN)] if layer.tops else []
    reason = (
        f'{layer} makes it for training; a deployed network has no labels. If it is an input, give its shape with '
        '--input-shape NAME=C,H,W'
    )
    return first + [(top, None, reason) for top in layer.tops[1:]]


def _input(layer: Layer) -> list[tuple[str, Shape | None, str]]:
    param = layer.param('input_param', 'shape')
    shapes = [_dims(message) for message in param.messages('shape')]
    if len(shapes) not in (0, 1, len(layer.tops)):
        raise layer.error(
            f'{len(layer.tops)} tops need one shape or {len(layer.tops)}, found {len(shapes)}', param.line
        )
    if len(shapes) == len(layer.tops):
        return [(top, shape, _UNKNOWN) for top, shape in zip(layer.tops, shapes, strict=True)]
    return [(top, shapes[0] if shapes else None, _UNKNOWN) for top in layer.tops]


def _image(layer: Layer) -> Shape | None:
    message = layer.message
    transform = message.message('transform_param')
    old = message.message({'Data': 'data_param', 'ImageData': 'image_data_param'}.get(layer.type, 'window_data_param'))
    if layer.type == 'MemoryData':
        memory = message.message('memory_data_param')
        return tuple(memory.integer(key, 0, 1, MAX_COUNT) for key in ('batch_size', 'channels', 'height', 'width'))
    if layer.type == 'DummyData':
        dummy = message.message('dummy_data_param')
        shapes = dummy.messages('shape')
        if shapes:
            return _dims(shapes[0])
        legacy = [dummy.integers(key, 1)[:1] for key in ('num', 'channels', 'height', 'width')]
        return tuple(value[0] for value in legacy) if all(legacy) else None
    crop = transform.integer('crop_size', 0) or old.integer('crop_size', 0)
    height, width = (crop, crop) if crop else (old.integer('new_height', 0), old.integer('new_width', 0))
    gray = transform.boolean('force_gray', False) or not old.boolean('is_color', True)
    return (1, 1 if gray else 3, height, width)
