# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The detector of the package `mtcnn`: boxes and five landmarks.

Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks" (2016).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from importlib import metadata, resources

import numpy as np
from mtcnn import MTCNN
from mtcnn.stages import StageONet, StagePNet, StageRNet
from PIL import Image

from components.faces.detector import Face

# Pictures of one call are searched on equal square canvases: mtcnn 1.0.0 mistakes the padding of unequal ones when one
# of them has no face, and calls of one size share its fixed cost (one crop: 90 ms, in a batch of 16: 12 ms).
_STEP = 32  # canvas sides are multiples of this
_BATCH_PIXELS = 16 * 128 * 128
_GRAY = 127  # close to the networks' zero


class MtcnnDetector:
    """A `Detector`. The result of a picture depends on the others of its call only by rounding."""

    def __init__(self) -> None:
        self.name = f'mtcnn {metadata.version("mtcnn")}'
        # With absolute paths, because the package prefers a file of the same name in the working directory.
        weights = resources.files('mtcnn.assets.weights')
        self._network = MTCNN(
            stages=[
                kind(weights=str(weights / file))
                for kind, file in ((StagePNet, 'pnet.lz4'), (StageRNet, 'rnet.lz4'), (StageONet, 'onet.lz4'))
            ]
        )

    def detect(self, pictures: Sequence[np.ndarray], side: int) -> list[list[Face]]:
        """See `Detector`."""
        canvases = [_canvas(picture, side) for picture in pictures]
        found: list[list[Face]] = [[] for _ in pictures]
        by_size = sorted(range(len(pictures)), key=lambda number: (len(canvases[number][0]), number))
        for size, group in itertools.groupby(by_size, key=lambda number: len(canvases[number][0])):
            numbers = list(group)
            step = max(1, _BATCH_PIXELS // size**2)
            for start in range(0, len(numbers), step):
                batch = numbers[start : start + step]
                rows = self._network.detect_faces([canvases[number][0] for number in batch], output_type='numpy',
                                                  box_format='xyxy', fit_to_image=False)  # fmt: skip
                if rows.shape[1] != _COLUMNS:
                    continue  # no picture has a face
                for row in rows:
                    number = batch[int(row[0])]
                    found[number].append(_face(row).scaled(*[1 / canvases[number][1]] * 2))
        return [sorted(faces, key=lambda face: -face.area) for faces in found]


# A row: picture, left, top, right, bottom, confidence, five x, five y.
_COLUMNS = 16


def _face(row: np.ndarray) -> Face:
    left, top, right, bottom, confidence, *points = (float(value) for value in row[1:])
    return Face((left, top, right, bottom), confidence, tuple(zip(points[:5], points[5:], strict=True)))


def _canvas(picture: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """The picture, shrunk to `side` at most, in the corner of a gray square; and by what it was scaled."""
    height, width = picture.shape[:2]
    longer = max(height, width)
    size = -(-min(longer, side) // _STEP) * _STEP
    scale = min(1.0, side / longer)
    if scale < 1:
        shape = max(1, round(width * scale)), max(1, round(height * scale))
        picture = np.asarray(Image.fromarray(picture).resize(shape, Image.Resampling.BILINEAR))
    canvas = np.full((size, size, 3), _GRAY, np.uint8)
    canvas[: picture.shape[0], : picture.shape[1]] = picture
    return canvas, scale
