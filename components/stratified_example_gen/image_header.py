# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What the readers of image headers share: result, error, and Exif's orientation (tag 0x0112 of CIPA DC-008).

Files come from strangers, so headers are checked before any decoder: the checks bound what a decoder allocates, refuse
what it would crash on, and see details that decoders hide (scans, chunks). Pillow 12.3 cannot replace them. It dies of
lossless JPEGs, ignores truncated and damaged PNG data that TensorFlow refuses, and its `Image.Exif` copies every tag's
value: 400 tags that share 4 MB took 1.5 GB.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

JPEG, PNG, BMP = 'JPEG', 'PNG', 'BMP'

# Longer colour profiles count as damaged. Those of printing presses have up to 3 MB.
MAX_PROFILE_BYTES = 4 * 1024 * 1024


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
      progressive: stored as scans of increasing quality (JPEG).
      scan_ends: the byte after the data of each scan (JPEG).
      hidden_chunks: first byte and end of ancillary chunks that Pillow refuses a file for, but other decoders ignore:
        those with a wrong checksum, and the colour profile (PNG).
      colour_space: of the stored components, as the signature of an ICC profile: 'GRAY', 'RGB ' or 'CMYK'.
      profile: the ICC profile; empty if there is none, None if it is damaged.
    """

    format: str
    width: int
    height: int
    channels: int
    depth: int = 8
    orientation: int = 1
    may_be_transparent: bool = False
    interlaced: bool = False
    progressive: bool = False
    scan_ends: tuple[int, ...] = ()
    hidden_chunks: tuple[tuple[int, int], ...] = ()
    colour_space: str = 'RGB '
    profile: bytes | None = b''


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
