# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Reads and checks the segments of a JPEG (ITU-T T.81, annex B) without decoding pixels.

Exif is in an APP1 segment, an ICC profile in APP2 segments.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field, replace

from components.stratified_example_gen.image_header import (
    JPEG,
    MAX_PROFILE_BYTES,
    Header,
    HeaderError,
    exif_orientation,
)

# A progressive JPEG has about ten scans. Each scan costs a pass over all pixels, and hostile files have thousands.
_MAX_SCANS = 100

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_DECODED_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended and progressive, all with Huffman codes
_PROGRESSIVE = 0xC2
_HIERARCHICAL = 0xDE
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})
_END_OF_SCAN = re.compile(rb'\xff+[^\x00\xd0-\xd7\xff]')
_RESTART = re.compile(rb'\xff[\xd0-\xd7]')
# Any bytes that no decoder takes for zeros; without 0xFF, so that they contain no marker.
_FILLER = bytes((37 * i * i + 101 * i + 85) % 255 for i in range(96))
_NEVER = 16  # the lowest bit of a frequency without data


@dataclass
class _Frame:
    """The frame header, and what the scans have delivered so far."""

    header: Header
    factors: dict[int, tuple[int, int]]  # horizontal and vertical sampling by component
    lowest_bit: dict[int, list[int]] = field(default_factory=dict)  # by component and frequency; 0 if complete


def read(data: bytes) -> Header:
    """Reads the header of a file that begins with SOI; see `headers.read_header`."""
    frame: _Frame | None = None
    orientation = 1
    restart_interval = 0
    scan_ends: list[int] = []
    profile: list[bytes] = []
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
        if marker in _BARE_MARKERS:
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
        if marker in _FRAMES or marker == _HIERARCHICAL:
            if frame is not None:
                raise HeaderError('damaged', 'a JPEG with two frame headers')
            frame = _frame(marker, body)
        elif marker == 0xDD and len(body) == 2:
            (restart_interval,) = struct.unpack('>H', body)
        elif marker == 0xE1 and body.startswith(b'Exif\0\0') and orientation == 1:
            orientation = exif_orientation(body[6:])
        elif marker == 0xE2 and body.startswith(b'ICC_PROFILE\0'):
            profile.append(body[12:])
        elif marker == 0xDA:
            end = _END_OF_SCAN.search(data, at)
            if end is None:
                raise HeaderError('truncated', 'the JPEG ends inside its image data')
            if frame is None:
                raise HeaderError('damaged', 'a JPEG scan before its frame header')
            components = _scan(frame, body)
            if len(scan_ends) >= _MAX_SCANS:
                raise HeaderError('damaged', f'more than {_MAX_SCANS} scans')
            if restart_interval:
                _check_restarts(frame, components, restart_interval, len(_RESTART.findall(data, at, end.start())))
            scan_ends.append(end.start())
            at = end.end() - 2
    if frame is None or not scan_ends:
        raise HeaderError('damaged', 'a JPEG without image data')
    if any(map(any, frame.lowest_bit.values())):
        raise HeaderError('truncated', 'the JPEG lacks scans')
    return replace(frame.header, orientation=orientation, scan_ends=tuple(scan_ends), profile=_profile(profile))


def with_fillers(data: bytes, header: Header) -> bytes:
    """The file with arbitrary bytes after the data of each scan.

    A decoder skips them if the scan is complete. If not, it decodes them instead of the missing data, so its result
    differs from that of `data`. libjpeg only warns of missing data, and Pillow and TensorFlow keep that to themselves.
    """
    parts = []
    start = 0
    for end in header.scan_ends:
        parts += [data[start:end], _FILLER]
        start = end
    return b''.join([*parts, data[start:]])


def _profile(parts: list[bytes]) -> bytes | None:
    """The ICC profile from its segments, each with its number from 1, their count, and data (ICC.1:2022, B.4)."""
    if [part[:2] for part in sorted(parts)] != [bytes((n, len(parts))) for n in range(1, min(len(parts), 255) + 1)]:
        return None
    profile = b''.join(part[2:] for part in sorted(parts))
    return profile if len(profile) <= MAX_PROFILE_BYTES else None


def _frame(marker: int, body: bytes) -> _Frame:
    if marker not in _DECODED_FRAMES:
        kind = 'hierarchical' if marker == _HIERARCHICAL or 0xC5 <= marker & 0xF7 <= 0xC7 else 'arithmetic-coded'
        kind = 'lossless' if marker in (0xC3, 0xCB) else kind
        raise HeaderError('unsupported_format', f'a {kind} JPEG; convert it to PNG')
    if len(body) < 6 or len(body) != 6 + 3 * body[5]:
        raise HeaderError('damaged', 'the JPEG frame header has a wrong length')
    depth, height, width, channels = struct.unpack_from('>BHHB', body)
    if depth != 8:
        raise HeaderError('unsupported_format', f'a JPEG of {depth} bits; convert it to PNG')
    if channels not in (1, 3, 4):
        raise HeaderError('unsupported_format', f'a JPEG of {channels} components; convert it to PNG')
    if not width or not height:
        raise HeaderError('damaged', f'a JPEG of {width}×{height} pixels')
    factors = {body[at]: (body[at + 1] >> 4, body[at + 1] & 15) for at in range(6, len(body), 3)}
    for own, largest in ((side, max(column)) for column in zip(*factors.values(), strict=True) for side in column):
        if not 1 <= own <= 4 or largest % own:
            raise HeaderError('damaged', 'the JPEG has invalid sampling factors')
    if len(factors) != channels:
        raise HeaderError('damaged', 'two JPEG components have one number')
    space = {1: 'GRAY', 3: 'RGB ', 4: 'CMYK'}[channels]
    header = Header(JPEG, width, height, channels, depth, progressive=marker == _PROGRESSIVE, colour_space=space)
    return _Frame(header, factors, {number: [_NEVER] * 64 for number in factors})


def _scan(frame: _Frame, body: bytes) -> list[int]:
    """Notes what a scan delivers; returns its components."""
    if len(body) < 4 or len(body) != 4 + 2 * body[0]:
        raise HeaderError('damaged', 'a JPEG scan header has a wrong length')
    components = list(body[1:-3:2])
    if not components or not frame.factors.keys() >= set(components):
        raise HeaderError('damaged', 'a JPEG scan of unknown components')
    first, last, bit = (body[-3], body[-2], body[-1] & 15) if frame.header.progressive else (0, 63, 0)
    if not first <= last <= 63:
        raise HeaderError('damaged', f'a JPEG scan of the frequencies {first} to {last}')
    for number in components:
        frame.lowest_bit[number][first : last + 1] = [bit] * (last + 1 - first)
    return components


def _check_restarts(frame: _Frame, components: list[int], interval: int, found: int) -> None:
    """Checks that a scan has all its restart markers: data that ends at one would look complete to `with_fillers`."""
    across, down = (max(column) for column in zip(*frame.factors.values(), strict=True))
    width, height = frame.header.width, frame.header.height
    if len(components) == 1:
        own_across, own_down = frame.factors[components[0]]
        units = -(-width * own_across // (8 * across)) * -(-height * own_down // (8 * down))
    else:
        units = -(-width // (8 * across)) * -(-height // (8 * down))
    expected = -(-units // interval) - 1
    if found < expected:
        raise HeaderError('truncated', f'a JPEG scan has {found} of {expected} restart markers')
