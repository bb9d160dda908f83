# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Records that Beam steps exchange: metadata only, never image bytes.

Paths are bytes relative to the data root, separated by '/', because Linux file names need not be UTF-8. Records are
tuples, which every Beam runner can encode.
"""

from __future__ import annotations

from typing import NamedTuple

# Kinds of notes. Only REJECTED counts towards `max_bad_fraction`.
REJECTED = 'rejected'  # an unusable file
DUPLICATE = 'duplicate'  # a copy with the same label
CONFLICT = 'conflict'  # a copy with a different label
MALFORMED = 'malformed'  # a name that does not match the layout
OUTSIDE_AGE = 'outside_age'  # a name whose age is outside 1-70
PROFILE = 'profile'  # an ignored colour profile
MANIFEST = 'manifest'  # a mismatch between manifest.csv and the files


class LabelledFile(NamedTuple):
    """A file whose path contains its labels.

    `stratum` is the path of its age-gender folder, or of a virtual one in a flat layout. `columns` has the
    values of the selected manifest columns, in their order, or is () without a manifest row.
    """

    path: bytes
    stratum: bytes
    gender: int
    age: int
    columns: tuple[str, ...] = ()


class Photo(NamedTuple):
    """An accepted image.

    `sha256` is the digest (32 bytes) of the file; `convert`: a converted PNG is stored instead of the file's bytes;
    `recoloured`: its colour profile is applied; `perceptual_hash` has 64 bits, or is 0 if it is not needed.
    """

    path: bytes
    stratum: bytes
    gender: int
    age: int
    columns: tuple[str, ...]
    sha256: bytes
    convert: bool = False
    recoloured: bool = False
    perceptual_hash: int = 0


class Note(NamedTuple):
    """A row of rejected.csv or remarks.csv: a path that was left out or does not fit."""

    kind: str
    reason: str
    path: bytes
    detail: str = ''
