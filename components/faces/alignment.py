# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Similarity transforms between landmarks, and the crop that one makes of a picture."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from components.faces.detector import Point

#: [2, 3], float64: x' = a·x - b·y + c, y' = b·x + a·y + d, as rows (a, -b, c), (b, a, d).
Matrix = np.ndarray

# Points beyond this many standard deviations of the best half are outliers (Rousseeuw, "Least Median of Squares
# Regression", 1984); the factor makes the median of a normal distribution's residuals its deviation.
_OUTLIER = 2.5 * 1.4826
_LEAST_DEVIATION = 0.02  # of the target's size, so that points in place are no outliers of each other


def least_squares(source: Sequence[Point], target: Sequence[Point]) -> Matrix:
    """The similarity transform (scale, rotation, shift) from `source` to `target` with the least squares.

    Umeyama, "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns" (1991), in the plane,
    where complex numbers solve it.
    """
    z, w = (np.array([complex(x, y) for x, y in points]) for points in (source, target))
    centred = z - z.mean()
    spread = float((abs(centred) ** 2).sum())
    turn = (centred.conj() * (w - w.mean())).sum() / spread if spread else 1.0
    shift = w.mean() - turn * z.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def similarity(source: Sequence[Point], target: Sequence[Point]) -> Matrix:
    """The similarity transform from `source` to `target` without outliers.

    Of the transforms through every two points, the one with the least median of squared residuals says which points
    fit; those give the least squares.
    """
    source, target = list(source), list(target)
    pairs = itertools.combinations(range(len(source)), 2)
    fits = [least_squares([source[i], source[j]], [target[i], target[j]]) for i, j in pairs]
    residuals = [np.hypot(*(apply(fit, source) - np.array(target)).T) for fit in fits]
    best = min(residuals, key=lambda errors: float(np.median(errors)))
    size = float(np.ptp(np.array(target), axis=0).max())
    limit = _OUTLIER * max(float(np.median(best)), _LEAST_DEVIATION * size)
    kept = [number for number, error in enumerate(best) if error <= limit]
    return least_squares([source[number] for number in kept], [target[number] for number in kept])


def box_to_box(source: Sequence[float], target: Sequence[float]) -> Matrix:
    """The scale and shift that put the lower edge of a box (left, top, right, bottom) onto another's.

    Detectors agree on chin and cheeks, not on the upper end: OpenCV's SSD begins at the forehead, mtcnn in the hair.
    """
    scale = (target[2] - target[0]) / max(source[2] - source[0], 1e-6)
    shift = (target[0] + target[2]) / 2 - scale * (source[0] + source[2]) / 2, target[3] - scale * source[3]
    return np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])


def apply(matrix: Matrix, points: Sequence[Point]) -> np.ndarray:
    """The transformed points, [N, 2]."""
    return np.array(points) @ matrix[:, :2].T + matrix[:, 2]


def crop(picture: Image.Image, matrix: Matrix, size: tuple[int, int]) -> Image.Image:
    """What a similarity transform makes of a picture.

    Args:
      picture: RGB.
      matrix: from pixels of the picture to pixels of the result.
      size: width and height of the result.

    Returns:
      RGB, interpolated bicubically, where the picture is larger after averaging; its edge continues where it ends.
    """
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    turn = matrix[:, :2].T / scale**2  # the inverse of the linear part
    corners = np.array([(0, 0), (size[0], 0), (0, size[1]), size]) - matrix[:, 2]
    seen = corners @ turn.T
    margin = 2 / min(scale, 1) + 2  # pixels that bicubic interpolation reads beyond
    low = np.floor(seen.min(axis=0) - margin).astype(int)
    high = np.ceil(seen.max(axis=0) + margin).astype(int)
    part = _with_edges(picture, low, high)
    shrink = min(scale, 1.0)
    width, height = (max(1, round(side * shrink)) for side in part.size)
    if (width, height) != part.size:
        part = part.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    factor = np.array([width, height]) / (high - low)
    # From pixels of the result to pixels of `part`.
    linear = turn * factor[:, None]
    shift = (-turn @ matrix[:, 2] - low) * factor
    coefficients = (*linear[0], shift[0], *linear[1], shift[1])
    return part.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC)


def _with_edges(picture: Image.Image, low: np.ndarray, high: np.ndarray) -> Image.Image:
    """The part of a picture from `low` to `high`, (x, y), with its edge repeated outside."""
    inside_low = np.clip(low, 0, np.array(picture.size) - 1)
    inside_high = np.clip(high, inside_low + 1, picture.size)
    part = picture.crop((*inside_low.tolist(), *inside_high.tolist()))
    (left, top), (right, bottom) = np.maximum(inside_low - low, 0), np.maximum(high - inside_high, 0)
    if not (left or top or right or bottom):
        return part
    return Image.fromarray(np.pad(np.asarray(part), ((top, bottom), (left, right), (0, 0)), mode='edge'))
