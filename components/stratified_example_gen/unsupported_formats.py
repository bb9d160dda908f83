# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a file is that is none of the formats read here, so that its owner is told more than "not an image"."""

from __future__ import annotations

_FORMATS = (
    (b'II*\0', 'TIFF'),
    (b'MM\0*', 'TIFF'),
    (b'\0\0\1\0', 'icon'),
    (b'8BPS', 'Photoshop'),
    (b'\xff\x0a', 'JPEG XL'),
    (b'\0\0\0\x0cJXL ', 'JPEG XL'),
    (b'\0\0\0\x0cjP  ', 'JPEG 2000'),
)
_GIF_EXTENSION, _GIF_IMAGE = 0x21, 0x2C


def what_it_is(data: bytes) -> tuple[str, str]:
    """The reason and the detail for which a file is refused that does not begin as JPEG, PNG or BMP."""
    if data[:6] in (b'GIF87a', b'GIF89a'):
        if _gif_images(data, 2) > 1:
            return 'animated', 'an animated GIF'
        return 'unsupported_format', 'GIF; convert it to PNG'
    if data[:4] == b'RIFF' and data[8:12] == b'WEBP':
        if data[12:16] == b'VP8X' and len(data) > 20 and data[20] & 0x02:
            return 'animated', 'an animated WebP'
        return 'unsupported_format', 'WebP; convert it to PNG'
    if data[4:8] == b'ftyp':
        return 'unsupported_format', 'HEIF, AVIF or a film; convert it to PNG'
    for magic, name in _FORMATS:
        if data.startswith(magic):
            return 'unsupported_format', f'{name}; convert it to PNG'
    return 'not_an_image', f'begins with {data[:8]!r}'


def _gif_images(data: bytes, enough: int) -> int:
    """Counts the images in a GIF by its blocks (GIF89a specification, section 12), up to `enough`."""
    if len(data) < 13:
        return 0
    images = 0
    at = 13 + _gif_colours(data[10])
    while at + 10 < len(data) and images < enough:
        if data[at] == _GIF_IMAGE:
            images += 1
            at += 11 + _gif_colours(data[at + 9])
        elif data[at] == _GIF_EXTENSION:
            at += 2
        else:
            break
        while at < len(data) and data[at]:  # sub-blocks: a length and as many bytes; 0 ends them
            at += 1 + data[at]
        at += 1
    return images


def _gif_colours(flags: int) -> int:
    """The bytes of the colour table that the flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
