# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""How the faces of a data set lie in their pictures, and whether another picture is framed like them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from components.errors import InputError
from components.faces import alignment
from components.faces.detector import Face, Point

#: Its name in an artifact, and in the folder `EXTRA` of an exported model.
FILE = 'framing.json'
#: The mean of the measured images, beside it in the artifact.
MEAN_FACE = 'mean_face.png'
#: The folder in a SavedModel for files that are not the model's.
EXTRA = 'assets.extra'

#: The distance of a picture without a face.
NO_FACE = 1.0

_QUANTILES = 1000
_FEWEST = 10  # faces that a template needs
# A face is framed differently if its distance exceeds this percentile of the data set's by this factor. Measured with
# 300 UTKFace crops: the limit is 0.08, the 99th percentile 0.081, and faces pasted at half the size have 0.129 or more.
_PERCENTILE = 95
_FACTOR = 1.5


@dataclass(frozen=True)
class Template:
    """Where landmarks lie in a crop; coordinates are fractions of its width and height.

    Attributes:
      size: width and height of the crop in pixels.
      landmarks: (x, y) of each of `detector.LANDMARKS`.
    """

    size: tuple[int, int]
    landmarks: tuple[Point, ...]

    def matrix(self, face: Face) -> alignment.Matrix:
        """The transform from pixels of a face's picture to pixels of the crop, which turns the face upright."""
        width, height = self.size
        assert face.landmarks  # noqa: S101 - `Framing` has the case of a box
        return alignment.similarity(face.landmarks, [(x * width, y * height) for x, y in self.landmarks])


@dataclass(frozen=True)
class Framing(Template):
    """The framing of a data set.

    Attributes:
      detector: its name and version.
      images: pictures looked at.
      found: those with a face.
      size: width and height of the pictures in pixels, medians.
      landmarks: medians.
      box: left, top, right, bottom of the detector's box, medians.
      distances: quantiles of the pictures' distances from the template, see `distance`; 1 without a face.
      spread: median of the distances of faces.
      limit: the distance from which on a face is framed differently.
    """

    box: tuple[float, float, float, float]
    distances: tuple[float, ...]
    spread: float
    limit: float
    images: int
    found: int
    detector: str

    def matrix(self, face: Face) -> alignment.Matrix:
        """See the base class; a face without landmarks is only moved and scaled."""
        if face.landmarks:
            return super().matrix(face)
        (width, height), (left, top, right, bottom) = self.size, self.box
        return alignment.box_to_box(face.box, (left * width, top * height, right * width, bottom * height))

    def to_json(self) -> str:
        """The content of `FILE`."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str, source: str) -> Framing:
        """Reads the content of `FILE`.

        Raises:
          InputError: it is not one; `source` names it.
        """
        try:
            values = _tuples(json.loads(text))
            framing = cls(**values)
            numbers = np.array([*framing.landmarks, framing.box[:2], framing.box[2:], framing.size], float)
            usable = numbers.shape == (8, 2) and np.isfinite(numbers).all() and min(framing.size) > 0
            usable = usable and framing.limit > 0 and all(value >= 0 for value in framing.distances)
        except (ValueError, TypeError, IndexError):
            usable = False
        if not usable:
            raise InputError(f'{source}: not the framing of a model; give {FILE} of a run, or the folder of its model')
        return framing

    def distance(self, face: Face, width: int, height: int) -> float:
        """The root mean square distance of a face's landmarks from the template, in fractions of the sides.

        Without landmarks, that of the box's lower corners.
        """
        points, own = (face.landmarks, self.landmarks) if face.landmarks else (_corners(face.box), _corners(self.box))
        return _distance(np.array(points) / (width, height), np.array(own))

    def matches(self, face: Face, width: int, height: int) -> bool:
        """Whether a face lies in a picture of this size as the data set's do in theirs."""
        return self.distance(face, width, height) <= self.limit


def measure(faces: Iterable[tuple[tuple[int, int], Face | None]], detector: str) -> Framing:
    """The framing of pictures.

    Args:
      faces: the size of each picture, width and height in pixels, and its largest face, in its pixels.
      detector: its name and version.

    Raises:
      InputError: too few have a face.
    """
    pictures = list(faces)
    found = [(size, face) for size, face in pictures if face and face.landmarks]
    if len(found) < _FEWEST:
        raise InputError(
            f'{detector} finds a face in only {len(found)} of {len(pictures)} training images; '
            'set framing.detector=off if they are no photographs of faces'
        )
    points = np.array([np.array(face.landmarks) / size for size, face in found])
    boxes = np.array([np.array(face.box) / (*size, *size) for size, face in found])
    landmarks = np.median(points, axis=0)
    distances = [_distance(one, landmarks) for one in points]
    everyone = distances + [NO_FACE] * (len(pictures) - len(found))
    quantiles = np.quantile(everyone, np.linspace(0, 1, min(len(everyone), _QUANTILES)))
    width, height = np.median([size for size, _ in pictures], axis=0)
    return Framing(
        detector=detector,
        images=len(pictures),
        found=len(found),
        size=(round(width), round(height)),
        landmarks=_rounded(landmarks),
        box=_rounded(np.median(boxes, axis=0)),
        distances=tuple(quantiles.round(4).tolist()),
        spread=round(float(np.median(distances)), 4),
        limit=round(float(np.percentile(distances, _PERCENTILE)) * _FACTOR, 4),
    )


def _distance(points: np.ndarray, template: np.ndarray) -> float:
    return float(np.sqrt(((points - template) ** 2).sum(axis=-1).mean()))


def _corners(box: Sequence[float]) -> list[Point]:
    left, _, right, bottom = box  # detectors differ in the upper end, see `alignment.box_to_box`
    return [(left, bottom), (right, bottom)]


def _rounded(values: np.ndarray) -> Any:
    return _tuples(values.round(5).tolist())


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
