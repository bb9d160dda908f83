# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A canvas in face coordinates: shapes move, turn and scale with the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw

Colour = tuple[int, int, int]

_OVERSAMPLING = 2  # shapes are drawn at twice the size and averaged: Pillow's polygons have hard edges
_SOFT_REDUCTION = 4  # the masks of soft patches are this much smaller than the drawing
_UNIT = 0.35  # half a face height as a part of the image's side

_ANGLES = np.linspace(0, 2 * np.pi, 28, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], -1)
_T = np.linspace(0, 1, 12)
_BEZIER = np.stack([(1 - _T) ** 2, 2 * _T * (1 - _T), _T**2], -1)


@dataclass(frozen=True)
class Pose:
    """The head's shift as a part of the image's side, its scale factor, its rotation in radians (clockwise)."""

    dx: float
    dy: float
    scale: float
    rotation: float


@dataclass(frozen=True)
class Patch:
    """A soft spot: its opacity is a Gaussian with the standard deviations `rx`, `ry` in face coordinates."""

    x: float
    y: float
    rx: float
    ry: float
    colour: Colour
    opacity: float


class Canvas:
    """An RGB image of `size` × `size` pixels to draw on.

    Face coordinates: the origin is the middle of the face, x points to the image's right, y down, and the unit is half
    a face height. The chin is at (0, 1), the crown at (0, -1). Colours are RGB 0-255, opacities 0..1.
    """

    def __init__(self, size: int, pose: Pose):
        side = size * _OVERSAMPLING
        unit = side * _UNIT * pose.scale
        cos, sin = np.cos(pose.rotation), np.sin(pose.rotation)
        self._matrix = unit * np.array([[cos, sin], [-sin, cos]])  # for row vectors
        self._origin = side * np.array([0.5 + pose.dx, 0.5 + pose.dy])
        self._unit = unit
        self._image = Image.new('RGB', (side, side))
        self._draw = ImageDraw.Draw(self._image, 'RGBA')
        # Coarse masks are enough for soft patches. The face coordinates of their pixels, [2, side, side]:
        pixels = (np.arange(side // _SOFT_REDUCTION) + 0.5) * _SOFT_REDUCTION
        centred = np.stack(np.meshgrid(pixels, pixels), -1) - self._origin
        self._soft_grid = np.moveaxis(centred @ np.linalg.inv(self._matrix), -1, 0).astype(np.float32)

    def gradient(self, above: Colour, below: Colour) -> None:
        """Fills the whole image from `above` at its top edge to `below` at its bottom edge; ignores the pose."""
        ends = Image.fromarray(np.array([[above], [below]], np.uint8))
        self._image.paste(ends.resize(self._image.size, Image.Resampling.BILINEAR))

    def polygon(self, points: np.ndarray, colour: Colour, opacity: float = 1.0) -> None:
        """Fills the polygon through `points` [n, 2]."""
        self._draw.polygon(self._place(points), fill=_rgba(colour, opacity))

    def line(self, points: np.ndarray, colour: Colour, width: float, opacity: float = 1.0) -> None:
        """Draws an open line through `points` [n, 2]."""
        pixels = max(1, round(width * self._unit))
        self._draw.line(self._place(points), fill=_rgba(colour, opacity), width=pixels, joint='curve')

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour, opacity: float = 1.0) -> None:
        """Fills an ellipse with the half axes `rx`, `ry`."""
        self.polygon(ellipse(x, y, rx, ry), colour, opacity)

    def soft(self, patches: Sequence[Patch], within: np.ndarray) -> None:
        """Blends in `patches`, one over the other, inside the polygon through `within` [n, 2]."""
        centres = np.array([(p.x, p.y) for p in patches], np.float32)[:, :, None, None]
        spreads = np.array([(p.rx, p.ry) for p in patches], np.float32)[:, :, None, None]
        # [patches, 2, side, side] -> [patches, side, side]
        falloff = np.exp(-0.5 * np.square((self._soft_grid - centres) / spreads).sum(1))
        colour, cover = np.zeros((*falloff.shape[1:], 3), np.float32), np.zeros(falloff.shape[1:], np.float32)
        for patch, alpha in zip(patches, falloff, strict=True):
            alpha *= min(patch.opacity, 1.0)
            colour += alpha[..., None] * (np.array(patch.colour, np.float32) - colour)  # premultiplied by `cover`
            cover += alpha * (1 - cover)
        colour /= np.maximum(cover, 1e-3)[..., None]
        layer = Image.fromarray(np.minimum(colour, 255).astype(np.uint8))
        mask = Image.fromarray((255 * cover).astype(np.uint8)).resize(self._image.size, Image.Resampling.BILINEAR)
        inside = Image.new('L', self._image.size)
        ImageDraw.Draw(inside).polygon(self._place(within), fill=255)
        self._image.paste(
            layer.resize(self._image.size, Image.Resampling.BILINEAR), mask=ImageChops.multiply(mask, inside)
        )

    def pixels(self) -> np.ndarray:
        """The drawing as float32 [size, size, 3] in 0-255."""
        return np.asarray(self._image.reduce(_OVERSAMPLING), np.float32)

    def _place(self, points: np.ndarray) -> Sequence[float]:
        return (np.asarray(points) @ self._matrix + self._origin).ravel().tolist()


def ellipse(x: float, y: float, rx: float, ry: float) -> np.ndarray:
    """The outline of an ellipse, [28, 2]."""
    return _CIRCLE * (rx, ry) + (x, y)


def curve(start: Sequence[float], control: Sequence[float], end: Sequence[float]) -> np.ndarray:
    """A quadratic Bézier curve from `start` to `end`, [12, 2]."""
    return _BEZIER @ np.array([start, control, end])


def _rgba(colour: Colour, opacity: float) -> tuple[int, int, int, int]:
    return (*colour, round(255 * min(max(opacity, 0.0), 1.0)))
