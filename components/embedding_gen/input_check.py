# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Finds a base that gets its input in another range than in its training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Fewer images say too little.
MIN_IMAGES = 8

# The spread of embeddings relative to their size, measured on faces: 0.74 and 0.19 for a recogniser and a detector with
# their right input, 0.03 and 0.01 with an input 128 times smaller.
_LEAST_SPREAD = 0.05

# What doubling the pixels changes beside the size, measured in the same way: 0.58 and 0.51 with the right input, 0.04
# for the recogniser with pixels up to 128 instead of 1. A network without batch normalisation, such as VGG, may be
# almost linear with its right input.
_LEAST_BEND = 0.1

SMALL, LARGE = 'input_too_small', 'input_too_large'

_TRY = 'compare transform.scale, mean and channels with the training of the base'

#: What to tell the user.
WARNINGS = {
    SMALL: f'the embeddings hardly vary between images, as if the pixels were too small for this base: {_TRY}',
    LARGE: f'twice the pixels give twice the embeddings, as if the pixels were too large for this base: {_TRY}',
}


def doubt(images: np.ndarray, embeddings: np.ndarray, embed: Callable[[np.ndarray], np.ndarray] | None) -> str:
    """Returns `SMALL`, `LARGE`, or '' if the input's range looks right. A wrong order of channels cannot be seen.

    Args:
      images: float32 [B, H, W, 3], the base's input; fewer than `MIN_IMAGES` different ones are not judged.
      embeddings: float32 [B, C], what the base makes of them.
      embed: makes embeddings of images; None for a base without batch normalisation, whose input is never too large.
    """
    different = [*{image.tobytes(): index for index, image in enumerate(images)}.values()]
    if len(different) < MIN_IMAGES:
        return ''
    images, embeddings = images[different], embeddings[different]
    if _size(embeddings - embeddings.mean(axis=0)) < _LEAST_SPREAD * _size(embeddings):
        return SMALL
    if embed and _size(embed(2 * images) - 2 * embeddings) < _LEAST_BEND * _size(2 * embeddings):
        return LARGE
    return ''


def _size(values: np.ndarray) -> float:
    """The root of the mean square."""
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
