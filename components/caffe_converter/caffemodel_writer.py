# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Writes .caffemodel files of both generations with one blob in memory at a time."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from components.caffe_converter.layer_names import V1_TYPES
from components.io.files import atomic_path


@dataclass(frozen=True)
class LazyBlob:
    """A blob that is made while it is written.

    Attributes:
      shape: Caffe's.
      draw: yields its float32 numbers in order, in arrays of any lengths.
    """

    shape: tuple[int, ...]
    draw: Callable[[], Iterator[np.ndarray]]


@dataclass(frozen=True)
class LayerRecord:
    """A layer to write: name, V2 type name, blobs, and the names of its bottoms and tops."""

    name: str
    type: str
    blobs: Sequence[np.ndarray | LazyBlob]
    bottoms: Sequence[str] = ()
    tops: Sequence[str] = ()


def write_caffemodel(
    path: str | os.PathLike[str],
    layers: Iterable[LayerRecord | tuple[str, str, Sequence[np.ndarray | LazyBlob]]],
    generation: str = 'v2',
    *,
    name: str = '',
    double: bool = False,
) -> None:
    """Writes a NetParameter with the layers' weights, atomically.

    Args:
      path: the file; replaced if it exists.
      layers: LayerRecords or (name, V2 type, blobs), read one by one. Blobs are arrays (written as float32) or
        LazyBlobs.
      generation: 'v1' writes `layers` with enum types and legacy 4-D shapes (ones in front), 'v2' `layer` with N-D
        shapes.
      name: the network's name.
      double: write double_data instead of data.

    Raises:
      ValueError: the generation has no place for a type or a shape.
      OSError: the file cannot be written.
    """
    if generation not in ('v1', 'v2'):
        raise ValueError(f"expected generation 'v1' or 'v2', found {generation!r}")
    with atomic_path(path) as temporary, open(temporary, 'wb') as stream:
        if name:
            stream.write(_text(1, name))
        for layer in layers:
            record = layer if isinstance(layer, LayerRecord) else LayerRecord(*layer)
            _write_layer(stream, record, generation == 'v1', double)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _head(number: int, length: int) -> bytes:
    """The tag and length of a length-delimited field."""
    return _varint(number << 3 | 2) + _varint(length)


def _text(number: int, text: str) -> bytes:
    data = text.encode('utf-8')
    return _head(number, len(data)) + data


def _write_layer(stream: BinaryIO, record: LayerRecord, v1: bool, double: bool) -> None:
    if v1:
        if record.type not in V1_TYPES:
            raise ValueError(f'V1 has no layer type {record.type!r} (layer {record.name!r})')
        start = b''.join(_text(2, bottom) for bottom in record.bottoms)
        start += b''.join(_text(3, top) for top in record.tops)
        start += _text(4, record.name) + _varint(5 << 3) + _varint(V1_TYPES.index(record.type))
    else:
        start = _text(1, record.name) + _text(2, record.type)
        start += b''.join(_text(3, bottom) for bottom in record.bottoms)
        start += b''.join(_text(4, top) for top in record.tops)
    width = 8 if double else 4
    heads = []
    for blob in record.blobs:
        count = math.prod(blob.shape)
        head = _shape(tuple(blob.shape), v1, record.name) + _head(8 if double else 5, count * width)
        heads.append((_head(6 if v1 else 7, len(head) + count * width) + head, count))
    total = len(start) + sum(len(head) + count * width for head, count in heads)
    stream.write(_head(2 if v1 else 100, total))
    stream.write(start)
    for (head, count), blob in zip(heads, record.blobs, strict=True):
        stream.write(head)
        written = 0
        for part in blob.draw() if isinstance(blob, LazyBlob) else [blob]:
            values = np.ascontiguousarray(part, '<f8' if double else '<f4')
            stream.write(values.data if values.ndim else values.tobytes())
            written += values.size
        if written != count:
            raise ValueError(f'layer {record.name!r}: drew {written} numbers for a blob of {count}')


def _shape(shape: tuple[int, ...], v1: bool, name: str) -> bytes:
    if v1:
        if len(shape) > 4:
            raise ValueError(f'V1 has no place for {len(shape)} axes (layer {name!r})')
        legacy = (1,) * (4 - len(shape)) + shape
        return b''.join(_varint(number << 3) + _varint(dim) for number, dim in enumerate(legacy, start=1))
    packed = b''.join(_varint(dim) for dim in shape)
    inner = _head(1, len(packed)) + packed if shape else b''
    return _head(7, len(inner)) + inner
