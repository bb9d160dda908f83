# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Faces of encoded images: where they are, and each as a crop in a framing."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from components.faces import alignment, detector as faces
from components.faces.detector import Detector, Face
from components.faces.framing import Template
from components.stratified_example_gen import images

#: The lengths of the longer side at which to search, the next one where the one before shows no face.
PHOTOGRAPHS = (faces.PHOTOGRAPH, faces.PHOTOGRAPH // 2, faces.CROP)
CROPS = (faces.CROP, faces.PHOTOGRAPH // 2, faces.PHOTOGRAPH)


def find(detector: Detector, pictures: Sequence[bytes], sides: Sequence[int]) -> list[list[Face]]:
    """The faces of encoded images, in pixels as displayed, the largest first.

    Args:
      detector: finds them.
      pictures: accepted images, see `images.inspect`. One at a time is in memory at its full size.
      sides: `PHOTOGRAPHS` or `CROPS`.

    Raises:
      InputError: an image does not decode.
    """
    found: list[list[Face]] = [[] for _ in pictures]
    sizes = [images.upright_size(picture) for picture in pictures]
    for place, side in enumerate(sides):
        # A small picture has the same size at several sides.
        searched = [{min(before, max(size)) for before in sides[:place]} for size in sizes]
        again = [n for n, size in enumerate(sizes) if not found[n] and min(side, max(size)) not in searched[n]]
        if not again:
            continue
        small = [_small(pictures[number], side) for number in again]
        for number, picture, here in zip(again, small, detector.detect(small, side), strict=True):
            width, height = sizes[number]
            found[number] = [face.scaled(width / picture.shape[1], height / picture.shape[0]) for face in here]
    return found


def _small(data: bytes, side: int) -> np.ndarray:
    """The image in RGB, uint8 [H, W, 3], with sides of at most `side` pixels."""
    picture = images.displayed(data, side)
    picture.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=None)
    return np.asarray(picture)


def aligned(data: bytes, face: Face, template: Template) -> bytes:
    """The crop of a face, a PNG.

    Args:
      data: an accepted image.
      face: in its pixels as displayed.
      template: where the landmarks go.
    """
    width, height = images.upright_size(data)
    matrix = template.matrix(face)
    longer = max(width, height) * min(1.0, 1.5 * math.hypot(matrix[0, 0], matrix[1, 0]))
    picture = images.displayed(data, max(1, math.ceil(longer)))
    here = template.matrix(face.scaled(picture.width / width, picture.height / height))
    buffer = io.BytesIO()
    alignment.crop(picture, here, template.size).save(buffer, 'PNG')
    return buffer.getvalue()
