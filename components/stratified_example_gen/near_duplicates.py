# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Images that look alike though their bytes differ: found by a perceptual hash, kept on one side of the split.

The hash is the usual "pHash" (C. Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010):
the image as 32×32 gray levels, its discrete cosine transform (DCT-II), and of the 8×8 lowest frequencies one bit each:
above their median or not. Another size, compression or a little brightness changes a few of the 64 bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_SIDE = 32
_KEPT = 8
_BLOCK = 64  # rows of the distance matrix at a time: 64 × 22,000 are 11 MB


def perceptual_hash(data: bytes) -> int:
    """The 64-bit perceptual hash of an encoded image that `images.inspect` accepted, as people see it.

    Raises:
      InputError: the image does not decode.
    """
    import numpy as np

    from components.stratified_example_gen import images

    # Never larger than needed: JPEG decodes at an eighth, a quarter or half of its size in a fraction of the time.
    gray = images.thumbnail(data, 2 * _SIDE).convert('L').resize((_SIDE, _SIDE), resample=1)  # 1: Lanczos
    place = np.arange(_SIDE)
    cosines = np.cos(math.pi / _SIDE * np.outer(np.arange(_KEPT), place + 0.5))  # [8, 32]
    low = cosines @ np.asarray(gray, dtype=np.float64) @ cosines.T  # [8, 8]
    bits = (low > np.median(low)).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), 'big')


def alike(hashes: Sequence[int], distance: int) -> list[int]:
    """Groups hashes that are connected by steps of at most `distance` different bits.

    Compares every pair: 22,000 hashes take about a second, and time grows with the square.

    Returns:
      For each hash the index of the first member of its group.
    """
    import numpy as np

    values = np.array(hashes, dtype=np.uint64)
    first = list(range(len(hashes)))

    def root(i: int) -> int:
        while first[i] != i:
            first[i] = first[first[i]]
            i = first[i]
        return i

    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        near = np.bitwise_count(block[:, None] ^ values[None, start:]) <= distance
        for i, j in zip(*np.nonzero(near), strict=True):
            a, b = root(start + int(i)), root(start + int(j))
            first[max(a, b)] = min(a, b)
    return [root(i) for i in range(len(hashes))]
