# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Reads and checks image headers without decoding pixels.

Files come from strangers, so these checks run before any decoder: they bound what a decoder allocates, and see details
that decoders hide (scans, chunks). Pillow 12.3 cannot replace them. It ignores truncated and damaged PNG data that
TensorFlow refuses, and its `Image.Exif` copies every tag's value: 400 tags that share 4 MB took 1.5 GB.

Formats: JPEG is ITU-T T.81 annex B with Exif's APP1 segment; PNG is the W3C recommendation, third edition (acTL, eXIf);
BMP is BITMAPINFOHEADER and its relatives; Exif orientation is tag 0x0112 of CIPA DC-008.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, replace

from components.stratified_example_gen import unsupported_formats

JPEG, PNG, BMP = 'JPEG', 'PNG', 'BMP'

# A progressive JPEG has about ten scans. Each scan costs a pass over all pixels, and hostile files have thousands.
_MAX_JPEG_SCANS = 100

_JPEG_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})
_JPEG_END_OF_SCAN = re.compile(rb'\xff+[^\x00\xd0-\xd7\xff]')

_PNG_BLOCK = 1 << 16
# The seven passes of an interlaced PNG: first column, first row, steps across and down.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


class HeaderError(ValueError):
    """The file cannot be used. `reason` is a key of `images.REASONS`."""

    def __init__(self, reason: str, detail: str):
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Header:
    """The relevant fields of an image header.

    Attributes:
      format: JPEG, PNG or BMP.
      width: pixels per row as stored, before Exif rotation.
      height: rows as stored.
      channels: stored components (1 gray or palette, 2 gray and alpha, 3 colour, 4 CMYK or colour and alpha).
      depth: bits per component.
      orientation: Exif orientation 1-8; 1 if absent.
      may_be_transparent: has an alpha channel or a transparent colour.
      interlaced: stored in seven passes (PNG).
    """

    format: str
    width: int
    height: int
    channels: int
    depth: int = 8
    orientation: int = 1
    may_be_transparent: bool = False
    interlaced: bool = False


def read_header(data: bytes) -> Header:
    """Reads the header of an encoded JPEG, PNG or BMP.

    Raises:
      HeaderError: not one of these formats, animated, or visibly truncated or damaged.
    """
    if not data:
        raise HeaderError('zero_bytes', 'the file is empty')
    if data.startswith(b'\xff\xd8\xff'):
        return _jpeg(data)
    if data.startswith(b'\x89PNG\r\n\x1a\n'):
        return _png(data)
    if data.startswith(b'BM'):
        return _bmp(data)
    raise HeaderError(*unsupported_formats.identify(data))


def _jpeg(data: bytes) -> Header:
    header: Header | None = None
    orientation = 1
    scans = 0
    at = 2
    while True:
        at = data.find(b'\xff', at)  # skip stray bytes between segments, as every decoder does
        if at < 0 or at + 2 > len(data):
            raise HeaderError('truncated', 'the JPEG has no end marker')
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        at += 2
        if marker == 0xD9:
            break
        if marker in _JPEG_BARE_MARKERS:
            continue
        if at + 2 > len(data):
            raise HeaderError('truncated', 'the JPEG ends inside a segment')
        (length,) = struct.unpack_from('>H', data, at)
        body = data[at + 2 : at + length]
        if length < 2:
            raise HeaderError('damaged', f'a JPEG segment of {length} bytes at byte {at}')
        if len(body) < length - 2:
            raise HeaderError('truncated', 'the JPEG ends inside a segment')
        at += length
        if marker in _JPEG_SIZE_MARKERS and header is None:
            header = _jpeg_frame(body)
        elif marker == 0xE1 and body.startswith(b'Exif\0\0') and orientation == 1:
            orientation = exif_orientation(body[6:])
        elif marker == 0xDA:
            scans += 1
            if scans > _MAX_JPEG_SCANS:
                raise HeaderError('damaged', f'more than {_MAX_JPEG_SCANS} scans')
            end = _JPEG_END_OF_SCAN.search(data, at)
            if end is None:
                raise HeaderError('truncated', 'the JPEG ends inside its image data')
            at = end.end() - 2
    if header is None or not scans:
        raise HeaderError('damaged', 'a JPEG without image data')
    return replace(header, orientation=orientation)


def _jpeg_frame(body: bytes) -> Header:
    if len(body) < 6:
        raise HeaderError('damaged', 'the JPEG frame header is too short')
    depth, height, width, channels = struct.unpack_from('>BHHB', body)
    if not width or not height:
        raise HeaderError('damaged', f'a JPEG of {width}×{height} pixels')
    return Header(JPEG, width, height, channels, depth)


def _png(data: bytes) -> Header:
    fields: tuple[int, ...] | None = None
    orientation = 1
    transparent = palette = False
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
            raise HeaderError('damaged', f'the checksum of the {kind.decode("latin-1")!r} chunk is wrong')
        if fields is None:
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
            palette = True
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
    return Header(
        PNG, width, height, channels, depth, orientation, transparent or colour in (4, 6), interlaced=interlace == 1
    )


def check_png_pixels(data: bytes, header: Header) -> None:
    """Checks that the compressed pixels of a PNG have the right length and checksum.

    Pillow accepts truncated or damaged data that TensorFlow refuses. Decompresses block by block without keeping any.

    Args:
      data: the file.
      header: what `read_header` returned for it.

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
    height = abs(height)  # negative: rows from the top
    if width <= 0 or not height:
        raise HeaderError('damaged', f'a BMP of {width}×{height} pixels')
    return Header(BMP, width, height, 1 if bits <= 8 else 4 if bits == 32 else 3, may_be_transparent=bits == 32)


def exif_orientation(exif: bytes) -> int:
    """The orientation 1-8 of an Exif block, from its TIFF header on; 1 if absent or invalid. Allocates nothing."""
    order = {b'II*\0': '<', b'MM\0*': '>'}.get(exif[:4])
    if order is None or len(exif) < 8:
        return 1
    (at,) = struct.unpack_from(order + 'I', exif, 4)
    if at + 2 > len(exif):
        return 1
    (entries,) = struct.unpack_from(order + 'H', exif, at)
    for entry in range(at + 2, min(at + 2 + 12 * entries, len(exif) - 11), 12):
        tag, kind, count, value = struct.unpack_from(order + 'HHIH', exif, entry)
        if tag == 0x0112:
            return value if kind == 3 and count == 1 and 1 <= value <= 8 else 1
    return 1
