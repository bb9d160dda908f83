# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Reads and checks the header of an image file, which says what decoders may do with it; see `image_header`.

BMP is BITMAPINFOHEADER and its relatives.
"""

from __future__ import annotations

import struct

from components.stratified_example_gen import bit_fields, jpeg_header, png_header, unsupported_formats
from components.stratified_example_gen.image_header import BMP, Header, HeaderError


def read_header(data: bytes) -> Header:
    """Reads the header of an encoded JPEG, PNG or BMP.

    Raises:
      HeaderError: not one of these formats, a kind that decoders do not read, animated, or visibly truncated or
        damaged.
    """
    if not data:
        raise HeaderError('zero_bytes', 'the file is empty')
    if data.startswith(b'\xff\xd8\xff'):
        return jpeg_header.read(data)
    if data.startswith(b'\x89PNG\r\n\x1a\n'):
        return png_header.read(data)
    if data.startswith(b'BM'):
        return _bmp(data)
    raise HeaderError(*unsupported_formats.identify(data))


def _bmp(data: bytes) -> Header:
    # Accept only existing header sizes: text may also begin with "BM".
    if len(data) < 26:
        raise HeaderError(
            'truncated' if len(data) >= 18 else 'not_an_image', f'begins with "BM" but has {len(data)} bytes'
        )
    (size,) = struct.unpack_from('<I', data, 14)
    if size == 12:
        width, height, _, bits = struct.unpack_from('<HHHH', data, 18)
    elif size in (16, 40, 52, 56, 64, 108, 124):
        if len(data) < 30:
            raise HeaderError('truncated', 'the BMP ends inside its header')
        width, height, _, bits = struct.unpack_from('<iiHH', data, 18)
    else:
        raise HeaderError('not_an_image', 'begins with "BM" but is not a bitmap')
    compression = struct.unpack_from('<I', data, 30)[0] if size >= 40 and len(data) >= 34 else 0
    if compression not in (0, bit_fields.BIT_FIELDS):
        # Pillow loses empty rows of run-length data, and decodes four bits to garbage.
        raise HeaderError('unsupported_format', 'a compressed BMP; convert it to PNG')
    height = abs(height)  # negative: rows from the top
    if width <= 0 or not height:
        raise HeaderError('damaged', f'a BMP of {width}×{height} pixels')
    return Header(BMP, width, height, 1 if bits <= 8 else 4 if bits == 32 else 3, may_be_transparent=bits == 32)
