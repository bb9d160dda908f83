# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Decodes BMP files whose header says which bits hold which colour (BI_BITFIELDS); Pillow reads only common layouts."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from components.stratified_example_gen.image_header import HeaderError

BIT_FIELDS = 3  # the value of biCompression


def is_used(data: bytes) -> bool:
    """Whether a BMP with an accepted header stores bit fields."""
    return len(data) >= 66 and struct.unpack_from('<I', data, 14)[0] >= 40 and data[30] == BIT_FIELDS


def decode(data: bytes) -> Image.Image:
    """The pixels as RGB, or as RGBA if the header has a mask for alpha. Each is scaled to 0-255 and rounded.

    Raises:
      HeaderError: truncated, or other than 16 or 32 bits per pixel.
    """
    offset, size, width, height, _, bits = struct.unpack_from('<IIiiHH', data, 10)
    if bits not in (16, 32):
        raise HeaderError('damaged', f'a BMP with bit fields of {bits} bits')
    masks = list(struct.unpack_from('<III', data, 54))
    if size >= 56 and len(data) >= 70:
        masks += filter(None, struct.unpack_from('<I', data, 66))
    stride = -(-width * bits // 32) * 4  # bytes: rows are padded to four
    if offset + stride * abs(height) > len(data):
        raise HeaderError('truncated', 'the BMP ends inside its pixels')
    stored = np.frombuffer(data, np.uint8, stride * abs(height), offset).reshape(abs(height), stride)
    pixels = stored.view('<u2' if bits == 16 else '<u4')[:: -1 if height > 0 else 1, :width]  # upwards by default
    planes = np.empty((*pixels.shape, len(masks)), np.uint8)
    for number, mask in enumerate(masks):
        shift = (mask & -mask).bit_length() - 1 if mask else 0
        largest = mask >> shift
        plane = (pixels & mask).astype(np.uint64) >> shift
        planes[..., number] = (plane * 255 + largest // 2) // max(largest, 1)
    return Image.fromarray(planes)
