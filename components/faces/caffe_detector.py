# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""An SSD detector in Caffe format, such as OpenCV's ResNet-10, converted: boxes without landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from components.caffe_converter.api import convert
from components.errors import InputError
from components.faces.detector import Face

# Of OpenCV's face detector, in the order of the channels, BGR (opencv/samples/dnn/face_detector).
_MEAN = np.array((104, 177, 123), np.float32)
_LEAST_CONFIDENCE = 0.5
_BATCH = 8
_ROW = 7  # picture, label, confidence, left, top, right, bottom as fractions


class CaffeDetector:
    """A `Detector` of a network that ends in DetectionOutput; pictures are stretched to its input, BGR minus a mean."""

    def __init__(self, prototxt: Path, caffemodel: Path):
        """Converts the network; raises InputError if it is not such a detector."""
        self.name = prototxt.name
        self._model = convert(prototxt, caffemodel)
        shapes = [tuple(tensor.shape) for tensor in (*self._model.inputs, *self._model.outputs)]
        if len(shapes) != 2 or len(shapes[0]) != 4 or shapes[0][-1] != len(_MEAN) or shapes[1][-1] != _ROW:
            raise InputError(f'{prototxt}: expected a network from an image to DetectionOutput (SSD), found {shapes}')
        self._height, self._width = shapes[0][1:3]

    def detect(self, pictures: Sequence[np.ndarray], side: int) -> list[list[Face]]:
        """See `Detector`; the network's input replaces `side`."""
        found = []
        for start in range(0, len(pictures), _BATCH):
            batch = pictures[start : start + _BATCH]
            for picture, rows in zip(batch, np.asarray(self._model(self._inputs(batch), training=False)), strict=True):
                height, width = picture.shape[:2]
                kept = [[float(value) for value in row] for row in rows if row[2] >= _LEAST_CONFIDENCE and _inside(row)]
                faces = [Face((row[3], row[4], row[5], row[6]), row[2]).scaled(width, height) for row in kept]
                found.append(sorted(faces, key=lambda face: -face.area))
        return found

    def _inputs(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        size = (self._width, self._height)
        resized = [Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR) for picture in pictures]
        return np.stack([np.asarray(picture, np.float32)[:, :, ::-1] for picture in resized]) - _MEAN


def _inside(row: np.ndarray) -> bool:
    """Whether the box's centre is in the picture: where a face fills it, the network also finds some far outside."""
    return bool(0 < row[3] + row[5] < 2 and 0 < row[4] + row[6] < 2)
