# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Applies colour profiles (ICC), because every later stage takes values for sRGB.

An image in Display P3, Adobe RGB, ProPhoto or XYB has false colours without its profile: skin is up to 11 levels
off in Display P3, 21 in Adobe RGB, 59 in ProPhoto. Uses LittleCMS through Pillow, with the perceptual intent, the
default of viewers.
"""

from __future__ import annotations

import functools
import io

from PIL import Image, ImageCms

from components.stratified_example_gen.image_header import Header

# A profile that changes no colour by more than this counts as sRGB. The sRGB profiles in use differ by rounding.
_TOLERANCE = 2
_STEPS = 17  # per channel of the colours that are compared
_MODES = {'GRAY': 'L', 'RGB ': 'RGB', 'CMYK': 'CMYK'}
_DEVICES = frozenset({'scnr', 'mntr', 'prtr', 'spac'})  # classes of profiles that describe the colours of images


def problem(header: Header) -> str:
    """Why the profile of an image cannot be used, or '' if it can or there is none."""
    return _find(header)[1]


def is_applied(header: Header) -> bool:
    """Whether the profile of an image changes its colours."""
    return _find(header)[0] is not None


def to_srgb(image: Image.Image, header: Header) -> Image.Image:
    """The colours of a decoded image as RGB, by its profile if `is_applied`; drops alpha."""
    transform = _find(header)[0]
    if transform is None:
        return image.convert('RGB')
    return transform.apply(image.convert(_MODES[header.colour_space]))


def _find(header: Header) -> tuple[ImageCms.ImageCmsTransform | None, str]:
    """The transform to sRGB, None if values are to be kept; and the problem of an unusable profile."""
    if header.profile is None:
        return None, 'the colour profile is incomplete, damaged or too long'
    return _transform(header.profile, header.colour_space) if header.profile else (None, '')


@functools.lru_cache(maxsize=16)  # a data set has few; each takes up to a few MB
def _transform(profile: bytes, space: str) -> tuple[ImageCms.ImageCmsTransform | None, str]:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        # Not from Pillow, which decodes them as ASCII.
        kind, own = (profile[at : at + 4].decode('latin-1') for at in (12, 16))
        if kind not in _DEVICES or own != space:
            return None, f'the colour profile describes {own!r} values (of {kind!r}), not {space!r}'
        srgb = ImageCms.createProfile('sRGB')
        transform = ImageCms.buildTransform(source, srgb, _MODES[space], 'RGB')
    except (OSError, ImageCms.PyCMSError) as error:
        return None, f'the colour profile is damaged ({" ".join(str(error).split())})'
    return (transform if space == 'CMYK' or _changes(transform, space) else None), ''


def _changes(transform: ImageCms.ImageCmsTransform, space: str) -> bool:
    import numpy as np

    levels = np.arange(256) if space == 'GRAY' else np.indices((_STEPS,) * 3).reshape(3, -1).T * 255 // (_STEPS - 1)
    image = Image.fromarray(levels[np.newaxis].astype(np.uint8))  # [1, 256] or [1, 4913, 3]
    before, after = (np.asarray(one, np.int16) for one in (image.convert('RGB'), transform.apply(image)))
    return bool(np.abs(after - before).max() > _TOLERANCE)
