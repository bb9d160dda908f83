# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Recognizes common image formats that ingestion does not accept, for a better message than "not an image"."""

from __future__ import annotations

import io

from PIL import Image

_FORMATS = (
    (b'II*\0', 'TIFF'),
    (b'MM\0*', 'TIFF'),
    (b'\0\0\1\0', 'icon'),
    (b'8BPS', 'Photoshop'),
    (b'\xff\x0a', 'JPEG XL'),
    (b'\0\0\0\x0cJXL ', 'JPEG XL'),
    (b'\0\0\0\x0cjP  ', 'JPEG 2000'),
    (b'%PDF-', 'PDF'),
)

# Beginnings of files that stand where an image should, in lower case.
_IMPOSTORS = (
    (b'version https://git-lfs', 'a Git LFS pointer; fetch the image with `git lfs pull`'),
    (b'/annex/objects/', 'a git-annex pointer; fetch the image with `git annex get`'),
    (b'<!doctype html', 'an HTML page, as a failed download leaves; download the image again'),
    (b'<html', 'an HTML page, as a failed download leaves; download the image again'),
    (b'<svg', 'an SVG drawing; convert it to PNG'),
    (b'<?xml', 'an XML document, as a failed download leaves; download the image again'),
    (b'{', 'text that looks like JSON, as a failed download leaves; download the image again'),
    (b'pk\x03\x04', 'a ZIP archive; unpack it'),
    (b'\x1f\x8b', 'a gzip file; unpack it'),
)


def identify(data: bytes) -> tuple[str, str]:
    """The reason and detail for rejecting a file that is not JPEG, PNG or BMP."""
    if data[:6] in (b'GIF87a', b'GIF89a'):
        return ('animated', 'an animated GIF') if _is_animated_gif(data) else _convert('GIF')
    if data[:4] == b'RIFF' and data[8:12] == b'WEBP':
        # Read from the header: Pillow's decoder would allocate the canvas, up to 2 GB.
        animated = data[12:16] == b'VP8X' and len(data) > 20 and data[20] & 0x02
        return ('animated', 'an animated WebP') if animated else _convert('WebP')
    if data[4:8] == b'ftyp':
        return _convert('HEIF, AVIF or a video')
    for magic, name in _FORMATS:
        if data.startswith(magic):
            return _convert(name)
    start = data[:512].removeprefix(b'\xef\xbb\xbf').lstrip().lower()
    for beginning, cause in _IMPOSTORS:
        if start.startswith(beginning):
            return 'not_an_image', cause
    if not data.strip(b'\0'):
        return 'not_an_image', 'only zero bytes, as an interrupted copy leaves; copy the image again'
    return 'not_an_image', f'begins with {data[:8]!r}'


def _convert(name: str) -> tuple[str, str]:
    return 'unsupported_format', f'{name}; convert it to PNG'


def _is_animated_gif(data: bytes) -> bool:
    # Pillow skips to the second frame without decoding the first, and refuses absurd sizes.
    try:
        return bool(Image.open(io.BytesIO(data), formats=('GIF',)).is_animated)  # type: ignore[attr-defined]
    except Exception:  # Pillow's parsers raise many types
        return False
