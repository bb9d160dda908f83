# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Changes a face as other data sets would have it: framing, resizing, compression, colour, light."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

#: The name of the unchanged faces.
UNTOUCHED = 'as they are'

# Shares of the side: of each margin that is added, and of each that is cut off.
_MARGIN, _CUT = 0.15, 0.12

_SMALL = 64  # pixels of the shorter side
_QUALITY = 30  # of JPEG, 1-95
_LIGHT = 0.5


def _wider(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image)
    height, width = (round(_MARGIN * side) for side in pixels.shape[:2])
    return Image.fromarray(np.pad(pixels, [(height, height), (width, width), (0, 0)], mode='symmetric'))


def _tighter(image: Image.Image) -> Image.Image:
    width, height = round(_CUT * image.width), round(_CUT * image.height)
    return image.crop((width, height, image.width - width, image.height - height))


def _smaller(image: Image.Image) -> Image.Image:
    factor = _SMALL / min(image.size)
    return image.resize([max(1, round(factor * side)) for side in image.size], Image.Resampling.BICUBIC)


def _compressed(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, 'JPEG', quality=_QUALITY)
    return Image.open(stream)


#: What is done to an RGB image, by the name of the frame.
FRAMES: dict[str, Callable[[Image.Image], Image.Image]] = {
    'wider margin': _wider,
    'tighter crop': _tighter,
    f'resized to {_SMALL} pixels': _smaller,
    f'JPEG, quality {_QUALITY}': _compressed,
    'gray': lambda image: image.convert('L'),
    'half as bright': lambda image: image.point(lambda value: round(_LIGHT * value)),
}


def change(encoded: bytes, frame: str) -> bytes:
    """Returns an encoded image, JPEG or PNG as displayed, in another frame as a lossless PNG.

    Args:
      encoded: the image.
      frame: a key of `FRAMES`.
    """
    with Image.open(io.BytesIO(encoded)) as image:
        changed = FRAMES[frame](image.convert('RGB'))
    stream = io.BytesIO()
    changed.convert('RGB').save(stream, 'PNG', compress_level=1)
    return stream.getvalue()
