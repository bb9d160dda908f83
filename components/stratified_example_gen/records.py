# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Records that Beam steps exchange: metadata only, never image bytes.

Paths are bytes relative to the data root, separated by '/', because Linux file names need not be UTF-8. Records are
tuples, which every Beam runner can encode.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from components import names

_LETTERS = {gender: letter.encode() for letter, gender in names.GENDER_LETTERS.items()}

# Kinds of notes. Only REJECTED counts towards `max_bad_fraction`.
REJECTED = 'rejected'  # an unusable file
DUPLICATE = 'duplicate'  # a copy with the same label
CONFLICT = 'conflict'  # a copy with a different label
MALFORMED = 'malformed'  # a name that does not match the layout
OUTSIDE_AGE = 'outside_age'  # a name whose age is outside 1-70
PROFILE = 'profile'  # an ignored colour profile
AGES_DIFFER = 'ages_differ'  # an image whose copies have different ages
FACES = 'faces'  # an image without a face, with several, or with one that is framed unlike the others
MANIFEST = 'manifest'  # a mismatch between manifest.csv and the files

# Reasons of notes about faces.
NO_FACE, SEVERAL_FACES, FRAMED_DIFFERENTLY = 'no_face', 'several_faces', 'framed_differently'


def folder_of(directory: bytes, gender: int, age: int) -> bytes:
    """The path of the folder `AA_M` or `AA_F` of a directory; `00` is the unknown age."""
    return os.path.join(directory, b'%02d_%s' % (age, _LETTERS[gender]))


class LabelledFile(NamedTuple):
    """A file whose path contains its labels.

    `stratum` is the path of its age-gender folder, or of a virtual one: see `folder_of`. `age` is in years, or
    `names.UNKNOWN_AGE`. `columns` has the values of `Settings.columns`, only the first
    ones without a manifest row.
    """

    path: bytes
    stratum: bytes
    gender: int
    age: int
    columns: tuple[str, ...] = ()


class Measures(NamedTuple):
    """Properties of an image for statistics; those of its pixels at 64×64 pixels, scaled by averaging.

    So they depend little on the size of the file, and not on detail that a network with a small input cannot see.

    Attributes:
      width: pixels per row as displayed.
      height: rows as displayed.
      brightness: mean luma (ITU-R BT.601) as displayed, 0-255; a JPEG is decoded at a
        fraction of its size, which changes the mean by less than 1.
      saturation: mean saturation of HSV, 0-255; 0 for gray images.
      sharpness: mean magnitude of the Laplacian (four neighbours) of the luma, 0-1020.
    """

    width: int
    height: int
    brightness: float
    saturation: float
    sharpness: float


class Photo(NamedTuple):
    """An accepted image.

    `sha256` is the digest (32 bytes) of the file; `convert`: a converted PNG is stored instead of the file's bytes;
    `recoloured`: its colour profile is applied; `measures` are of the image as displayed; `perceptual_hash` has 64
    bits, or is 0 if it is not needed; `landmarks`: x and y of the five landmarks by which the image is aligned, in
    pixels as displayed, or nothing.
    """

    path: bytes
    stratum: bytes
    gender: int
    age: int
    columns: tuple[str, ...]
    sha256: bytes
    measures: Measures
    convert: bool = False
    recoloured: bool = False
    perceptual_hash: int = 0
    landmarks: tuple[float, ...] = ()


class Note(NamedTuple):
    """A row of rejected.csv or remarks.csv: a path that was left out or does not fit."""

    kind: str
    reason: str
    path: bytes
    detail: str = ''
