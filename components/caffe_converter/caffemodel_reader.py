# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Reads a .caffemodel's weights from a memory map without a copy.

Reads only the fields of caffe.proto's NetParameter that carry weights, in the format of `wire.py`.

| message | field numbers read here |
| --- | --- |
| NetParameter | layers = 2 (V1), layer = 100 (V2) |
| V1LayerParameter | layer = 1 (V0LayerParameter), name = 4, blobs = 6 |
| V0LayerParameter | name = 1, blobs = 50 |
| LayerParameter | name = 1, blobs = 7 |
| BlobProto | num, channels, height, width = 1-4 (legacy), data = 5 (float), shape = 7, double_data = 8 |
| BlobProto of NVCaffe and of OpenCV's shrinkCaffeModel | raw_data_type = 10, raw_data = 12 (bytes) |
| BlobShape | dim = 1 |

It skips everything else (training state, gradients) and keeps only positions, so opening 580 MB takes milliseconds.
An HDF5 snapshot (`hdf5_snapshot.py`) gives positions in the file too.

Compared with protobuf 6.33 on VGG-Face's 580 MB: parsing alone takes protobuf 0.66 s of CPU time and 1.14 GB; opening
the file here and summing all weights takes 0.07 s and 0.42 GB, which are pages of the file.
"""

from __future__ import annotations

import math
import mmap
import os

import numpy as np

from components.caffe_converter.hdf5_snapshot import read_snapshot
from components.caffe_converter.input_file import map_caffemodel
from components.caffe_converter.message import shown
from components.caffe_converter.stored import (
    MAX_BLOBS,
    MAX_DIMS,
    MAX_LAYERS,
    MAX_PIECES,
    Piece,
    StoredBlob,
    StoredLayer,
)
from components.caffe_converter.wire import BYTES, FIXED32, FIXED64, VARINT, WireFile
from components.errors import InputError

# The fields of a layer's name and blobs.
_V0, _V1, _V2 = (1, 50), (4, 6), (1, 7)
_RAW_SIZES = {0: 8, 1: 4, 2: 2}  # NVCaffe's enum Type: DOUBLE, FLOAT, FLOAT16


class CaffeModel(WireFile):
    """An open .caffemodel.

    Args:
      path: the file.

    Raises:
      InputError: the file is missing, not a .caffemodel, truncated or malformed; names the layer if it is known.

    Attributes:
      path: as given.
      generation: 'v1' (`layers`), 'v2' (`layer`) or 'hdf5'.
      layers: every layer of the file in order, including repeated names.
      size: bytes.
    """

    def __init__(self, path: str | os.PathLike[str]):
        super().__init__(os.fspath(path), map_caffemodel(path))
        if self._map[:4] == b'\x89HDF':
            self.generation, self.layers = 'hdf5', read_snapshot(self.path, self.size)
        else:
            self.generation, self.layers = self._network()

    def _name_of_truncated(self, number: int, position: int) -> str:
        """Returns "layer 'x'" for a truncated layer, or '' if its name is missing too."""
        if number not in (2, 100):
            return ''
        wanted = 4 if number == 2 else 1
        try:
            while position < self.size:
                found, wire, start, position = self._field(position, self.size, 'a layer')
                if found == wanted and wire == BYTES:
                    return f'layer {shown(self._text(start, position, ""))}'
        except InputError:
            pass
        return ''

    def _network(self) -> tuple[str, list[StoredLayer]]:
        layers: list[StoredLayer] = []
        first: dict[int, int] = {}
        position = 0
        while position < self.size:
            number, wire, start, stop = self._field(position, self.size, '')
            if number in (2, 100):
                self._expect_bytes(number, wire, position, '')
                first.setdefault(number, position)
                if len(first) > 1:
                    raise InputError(
                        f'{self.path}: expected layers of one generation, found V1 layers and V2 layers (at byte '
                        f'{position}); Caffe ignores one of them: save the network again with one kind'
                    )
                if len(layers) == MAX_LAYERS:
                    raise self._error('', f'more than {MAX_LAYERS} layers', position)
                layers.append(self._layer(start, stop, _V1 if number == 2 else _V2))
            position = stop
        if not layers:
            raise InputError(
                f'{self.path}: expected a .caffemodel with layers, found none; are PROTOTXT and CAFFEMODEL swapped?'
            )
        return ('v1' if 2 in first else 'v2'), layers

    def _layer(self, start: int, end: int, numbers: tuple[int, int]) -> StoredLayer:
        offset, position = start, start
        name = ''
        blobs: list[tuple[int, int]] = []
        where = f'the layer at byte {offset}'
        while position < end:
            number, wire, value, stop = self._field(position, end, where)
            if number == numbers[0]:
                self._expect_bytes(number, wire, position, where)
                name = self._text(value, stop, where)
                where = f'layer {shown(name)}'
            elif number == numbers[1]:
                self._expect_bytes(number, wire, position, where)
                if len(blobs) == MAX_BLOBS:
                    raise self._error(where, f'more than {MAX_BLOBS} blobs', position)
                blobs.append((value, stop))
            elif number == 1 and numbers == _V1 and wire == BYTES:
                return self._layer(value, stop, _V0)
            position = stop
        found = [self._blob(*span, f'{where} blob {index}') for index, span in enumerate(blobs)]
        return StoredLayer(name, found, offset)

    def _blob(self, start: int, end: int, where: str) -> StoredBlob:
        blob = StoredBlob()
        legacy: dict[int, int] = {}
        shape: list[int] | None = None
        raw: tuple[int, int] | None = None
        raw_type = 0
        position = start
        while position < end:
            number, wire, value, stop = self._field(position, end, where)
            if number in (1, 2, 3, 4) and wire == VARINT:
                legacy[number] = self._signed(value)
            elif number == 7:
                self._expect_bytes(number, wire, position, where)
                shape = self._shape(value, stop, where)
            elif number in (5, 8):
                size, single = (4, FIXED32) if number == 5 else (8, FIXED64)
                if wire == BYTES:
                    if (stop - value) % size:
                        raise self._error(where, f'{stop - value} bytes are not whole numbers of {size} bytes', value)
                    piece = Piece(value, (stop - value) // size, size, size)
                elif wire == single:
                    piece = self._unpacked(position, end, size)
                    stop = position + piece.count * piece.stride
                else:
                    raise self._error(where, f'data has wire type {wire}', position)
                if piece.count:
                    blob.pieces.append(piece)
                if len(blob.pieces) > MAX_PIECES:
                    raise self._error(where, f'data in more than {MAX_PIECES} pieces', position)
                if len({piece.size for piece in blob.pieces}) > 1:
                    raise self._error(where, 'both float and double data', position)
            elif number == 10 and wire == VARINT:
                raw_type = value
            elif number == 12:
                self._expect_bytes(number, wire, position, where)
                raw = value, stop
            position = stop
        if raw and not blob.pieces:
            blob.pieces = self._raw(*raw, raw_type, where)
        if legacy:  # Caffe reads these first
            blob.shape = tuple(legacy.get(axis, 0) for axis in (1, 2, 3, 4))
            blob.legacy = True
        else:
            blob.shape = tuple(shape or ())
        return blob

    def _raw(self, start: int, stop: int, kind: int, where: str) -> list[Piece]:
        size = _RAW_SIZES.get(kind)
        if size is None:
            raise InputError(
                f'{self.path}: {where}: expected raw_data of type DOUBLE, FLOAT or FLOAT16, found type {kind}; save '
                'the network again in one of them'
            )
        if (stop - start) % size:
            raise self._error(where, f'{stop - start} bytes are not whole numbers of {size} bytes', start)
        return [Piece(start, (stop - start) // size, size, size)] if stop > start else []

    def _unpacked(self, position: int, end: int, size: int) -> Piece:
        """The run of numbers from `position`, each with its own tag byte, as written before protobuf 2.3."""
        stride = size + 1
        limit, run = (end - position) // stride, 0
        while run < limit:  # in blocks: a short run in a large blob costs little
            block = min(limit - run, 1 << 16)
            tags = np.frombuffer(self._map, np.uint8, block * stride, position + run * stride)[::stride]
            same = tags == self._map[position]
            if not same.all():
                run += int(np.argmin(same))
                break
            run += block
        return Piece(position + 1, run, stride, size)

    def _shape(self, position: int, end: int, where: str) -> list[int]:
        shape: list[int] = []
        while position < end:
            number, wire, value, stop = self._field(position, end, where)
            if number == 1 and wire == VARINT:
                shape.append(self._signed(value))
            elif number == 1 and wire == BYTES:
                while value < stop and len(shape) <= MAX_DIMS:
                    dim, value = self._varint(value, stop, where)
                    shape.append(self._signed(dim))
            if len(shape) > MAX_DIMS:
                raise self._error(where, f'more than {MAX_DIMS} dimensions', position)
            position = stop
        return shape

    def array(self, blob: StoredBlob, shape: tuple[int, ...]) -> np.ndarray:
        """A blob's numbers as float32 of `shape` (same count); a view of the file if possible."""
        parts = []
        for piece in blob.pieces:
            kind = np.dtype(f'<f{piece.size}')
            span = (piece.count - 1) * piece.stride + piece.size
            raw = np.frombuffer(self._map, np.uint8, span, piece.start)
            parts.append(np.ndarray((piece.count,), kind, raw, strides=(piece.stride,)))
        if not parts:
            return np.zeros(shape, np.float32)
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if whole.dtype.itemsize != 4:
            with np.errstate(over='ignore'):
                whole = whole.astype(np.float32)
        return whole.reshape(shape)

    def release(self, blob: StoredBlob) -> None:
        """Releases the memory of a blob's pages; the next access reads them from the file again."""
        if not hasattr(mmap, 'MADV_DONTNEED'):
            return
        for piece in blob.pieces:
            if piece.count * piece.stride > 1 << 20:
                start = piece.start - piece.start % mmap.PAGESIZE
                stop = piece.start + (piece.count - 1) * piece.stride + piece.size
                self._map.madvise(mmap.MADV_DONTNEED, start, stop - start)


class BlobFile(CaffeModel):
    """A file of one BlobProto, such as a mean image (.binaryproto). Raises InputError as CaffeModel does."""

    def _network(self) -> tuple[str, list[StoredLayer]]:
        return 'blob', [StoredLayer('', [self._blob(0, self.size, 'the blob')], 0)]

    def image(self) -> np.ndarray:
        """The numbers of one image, float32 [C, H, W]. Raises InputError if the blob is none."""
        blob = self.layers[0].blobs[0]
        size = blob.shape[-3:]
        if len(size) < 3 or not blob.count or blob.count != math.prod(size):
            raise InputError(
                f'{self.path}: expected a blob of an image, found {blob.count} numbers for the shape {blob.shape}; '
                'is this the .binaryproto of a mean image?'
            )
        return self.array(blob, size)
