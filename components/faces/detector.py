# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a face detector is. Imports no framework."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

#: The five landmarks in order. Left and right are the viewer's.
LANDMARKS = ('left eye', 'right eye', 'nose', 'left mouth corner', 'right mouth corner')

#: Pixels of the longer side at which photographs are searched: faces of a thirtieth of it are found.
PHOTOGRAPH = 640
#: The same for crops, of which a face fills at least a fifth.
CROP = 112

Point = tuple[float, float]


@dataclass(frozen=True)
class Face:
    """A found face.

    Attributes:
      box: left, top, right, bottom in pixels from the picture's upper left corner; may reach beyond the picture.
      confidence: the detector's, 0 to 1.
      landmarks: (x, y) of each of `LANDMARKS` in pixels, or None from a detector of boxes.
    """

    box: tuple[float, float, float, float]
    confidence: float
    landmarks: tuple[Point, ...] | None = None

    @property
    def area(self) -> float:
        """The area of the box in pixels."""
        return (self.box[2] - self.box[0]) * (self.box[3] - self.box[1])

    def scaled(self, x: float, y: float) -> Face:
        """The face in a picture of x times the width and y times the height."""
        left, top, right, bottom = self.box
        points = self.landmarks and tuple((px * x, py * y) for px, py in self.landmarks)
        return Face((left * x, top * y, right * x, bottom * y), self.confidence, points)


class Detector(Protocol):
    """Finds faces in pictures."""

    name: str

    def detect(self, pictures: Sequence[np.ndarray], side: int) -> list[list[Face]]:
        """The faces of each picture, the largest first.

        Args:
          pictures: RGB, uint8 [H, W, 3] of any sizes.
          side: larger pictures are searched at this length of the longer side: `PHOTOGRAPH` or `CROP`.
        """
        ...
