# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Reads and checks the chunks of a PNG (W3C recommendation, third edition) without decoding pixels."""

from __future__ import annotations

import struct
import zlib

from components.stratified_example_gen.image_header import (
    MAX_PROFILE_BYTES,
    PNG,
    Header,
    HeaderError,
    exif_orientation,
)

_PNG_BLOCK = 1 << 16
# The seven passes of an interlaced PNG: first column, first row, steps across and down.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def read(data: bytes) -> Header:
    """Reads the header of a file that begins with PNG's signature; see `headers.read_header`."""
    fields: tuple[int, ...] | None = None
    orientation = 1
    transparent = palette = False
    hidden: list[tuple[int, int]] = []
    profile: bytes | None = b''
    at = 8
    while True:
        if at + 12 > len(data):
            raise HeaderError('truncated', 'the PNG has no IEND chunk')
        length, kind = struct.unpack_from('>I4s', data, at)
        if at + 12 + length > len(data):
            raise HeaderError('truncated', f'the PNG ends inside its {kind.decode("latin-1")!r} chunk')
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from('>I', data, at + 8 + length)
        if zlib.crc32(body, zlib.crc32(kind)) != checksum:
            if kind[:1].isupper() or fields is None:
                raise HeaderError('damaged', f'the checksum of the {kind.decode("latin-1")!r} chunk is wrong')
            hidden.append((at, at + 12 + length))
        elif fields is None:
            if kind != b'IHDR' or length != 13:
                raise HeaderError('damaged', 'the PNG does not begin with IHDR')
            fields = struct.unpack('>IIBBBBB', body)
        elif kind == b'IHDR':
            raise HeaderError('damaged', 'a PNG with two IHDR chunks')
        elif kind == b'acTL':
            raise HeaderError('animated', 'an animated PNG')
        elif kind == b'tRNS':
            transparent = True
        elif kind == b'PLTE':
            if palette or not length or length % 3 or length > 768:
                raise HeaderError('damaged', 'the PNG has two palettes, or one of a wrong length')
            palette = True
        elif kind == b'iCCP':
            hidden.append((at, at + 12 + length))
            profile = _profile(body)
        elif kind == b'eXIf':
            orientation = exif_orientation(body)
        elif kind == b'IEND':
            break
        elif kind[:1].isupper() and kind != b'IDAT':
            raise HeaderError('damaged', f'unknown critical chunk {kind.decode("latin-1")!r}')
        at += 12 + length
    width, height, depth, colour, compression, filtering, interlace = fields
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour)
    if not width or not height or channels is None or compression or filtering or interlace > 1:
        raise HeaderError('damaged', f'the IHDR chunk is {fields}')
    if colour == 3 and not palette:
        raise HeaderError('damaged', 'the PNG has no palette')
    if colour in (0, 4) and palette:
        raise HeaderError('damaged', 'a gray PNG with a palette')
    return Header(
        PNG, width, height, channels, depth, orientation, transparent or colour in (4, 6), interlaced=interlace == 1,
        hidden_chunks=tuple(hidden), colour_space='GRAY' if colour in (0, 4) else 'RGB ', profile=profile,
    )  # fmt: skip


def without_hidden_chunks(data: bytes, header: Header) -> bytes:
    """The file without `header.hidden_chunks`, for Pillow."""
    for start, end in reversed(header.hidden_chunks):
        data = data[:start] + data[end:]
    return data


def check_pixels(data: bytes, header: Header) -> None:
    """Checks that the compressed pixels of a PNG have the right length and checksum.

    Pillow accepts truncated or damaged data that TensorFlow refuses. Decompresses block by block without keeping any.

    Args:
      data: the file.
      header: what `read` returned for it.

    Raises:
      HeaderError: truncated or damaged.
    """
    bits = header.depth * header.channels
    passes = _ADAM7 if header.interlaced else ((0, 0, 1, 1),)
    expected = 0
    for left, top, across, down in passes:
        columns, rows = (header.width - left + across - 1) // across, (header.height - top + down - 1) // down
        expected += rows * (1 + (columns * bits + 7) // 8) if columns > 0 else 0
    stream = zlib.decompressobj()
    length = 0
    at = 8
    try:
        while not stream.eof and at + 12 <= len(data):
            (size, kind) = struct.unpack_from('>I4s', data, at)
            block = data[at + 8 : at + 8 + size] if kind == b'IDAT' else b''
            while block and not stream.eof and length <= expected:
                length += len(stream.decompress(block, _PNG_BLOCK))
                block = stream.unconsumed_tail
            at += 12 + size
    except zlib.error as error:
        raise HeaderError('damaged', f'the pixels do not decompress: {error}') from None
    if length > expected:
        raise HeaderError('damaged', f'the pixels decompress to more than {expected:,} bytes')
    if length < expected or not stream.eof:
        raise HeaderError('truncated', f'the pixels decompress to {length:,} of {expected:,} bytes')


def _profile(body: bytes) -> bytes | None:
    """The ICC profile of an iCCP chunk: a name, a zero, a zero for zlib, and compressed data."""
    _, _, compressed = body.partition(b'\0')
    stream = zlib.decompressobj()
    try:
        profile = stream.decompress(compressed[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return None
    return profile if compressed[:1] == b'\0' and stream.eof else None
