# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What travels between the steps: metadata only, never the bytes of an image.

Paths are bytes, relative to the data root, with `/` between the parts: file names are bytes on Linux and need not be
UTF-8. Every record is a plain tuple, so that any Beam runner can carry it.
"""

from __future__ import annotations

import os
from typing import NamedTuple

# Kinds of notes. Only the first counts towards `max_bad_fraction`.
REJECTED = 'rejected'  # a file that cannot be used
DUPLICATE = 'duplicate'  # the same content again under the same label
CONFLICT = 'conflict'  # the same content under different labels
MALFORMED = 'malformed'  # a name that is not of the layout
MANIFEST = 'manifest'  # a row without a file, a file without a row


class Found(NamedTuple):
    """A file whose name carries labels.

    `stratum` is its age-gender folder, or what stands for it in a flat layout; `columns` are its values of the chosen
    manifest columns in their order, or () when the manifest has no row for it.
    """

    path: bytes
    stratum: bytes
    gender: int
    age: int
    columns: tuple[str, ...] = ()


class Photo(NamedTuple):
    """An image that was found, read and accepted.

    `sha256` is of the file's bytes (32 bytes); `convert` says that it is stored as a converted PNG; `look` is its
    64-bit perceptual hash (0 unless asked for).
    """

    path: bytes
    stratum: bytes
    gender: int
    age: int
    columns: tuple[str, ...]
    sha256: bytes
    convert: bool = False
    look: int = 0


class Note(NamedTuple):
    """Something left out or strange, for a person: one row of rejected.csv or remarks.csv."""

    kind: str
    reason: str
    path: bytes
    detail: str = ''


def shown(path: bytes | str) -> str:
    """A path as printable text on one line: whatever does not print (newlines, bytes that are not UTF-8) is escaped."""
    text = os.fsdecode(path)
    return ''.join(
        c if c.isprintable() else ascii(c)[1:-1].replace('\\udc', '\\x') if c != '\\' else '\\\\' for c in text
    )
