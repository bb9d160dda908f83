# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Brings the faces of photographs to the framing of a model's training images, before the model is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from components.errors import InputError
from components.faces import finding, loading
from components.faces.detector import Detector, Face
from components.faces.framing import EXTRA, FILE, Framing
from components.stratified_example_gen import images
from pipeline.serving.predict import Picture, version_folder

# What was done with an image.
ALIGNED = 'aligned'  # its faces were found and aligned
AS_IS = 'as it is'  # it is framed like the training images
DIFFERENT = 'different'  # it is not, and was not to be aligned
UNCHECKED = 'unchecked'  # no detector is installed

NO_FACE = 'no face found'


def read(path: Path) -> Framing:
    """Reads a framing: the file, the folder of a model's version, or a folder of versions, for the newest one.

    Raises:
      InputError: it is unreadable, or the model has none.
    """
    file = path
    if path.is_dir():
        found = of_model(path)
        if found is None:
            raise InputError(
                f'{path}: this model has no framing ({EXTRA}/{FILE}); train it with framing.detector=mtcnn'
            )
        return found
    try:
        return Framing.from_json(file.read_text('utf-8'), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'{file}: cannot be read ({getattr(error, "strerror", None) or error})') from None


def of_model(model: Path) -> Framing | None:
    """The framing in an exported model, or None; raises InputError if `model` is not one."""
    file = version_folder(model) / EXTRA / FILE
    return read(file) if file.is_file() else None


def overrides(framing: Framing) -> list[str]:
    """The settings with which ingestion aligns images to a framing, as for `config.override`."""
    landmarks = [value for point in framing.landmarks for value in point]
    values = {'detect': 'align', 'aligned_landmarks': landmarks, 'aligned_size': list(framing.size)}
    return [f'data.{key}={json.dumps(value)}' for key, value in values.items()]


class Framer:
    """Turns encoded images into those that the model is asked about.

    Args:
      framing: of the model's training images.
      detector: None if none is available; then images go to the model as they are.
      align: True: every face of every image is aligned. None: those of images that are framed otherwise. False: none,
        the framing is only checked.
      largest: take only the largest face of an image.
    """

    def __init__(self, framing: Framing, detector: Detector | None, align: bool | None, largest: bool):
        self._framing, self._detector, self._align, self._largest = framing, detector, align, largest

    def __call__(self, batch: Sequence[tuple[str, bytes | str]]) -> Iterator[Picture]:
        """Yields one picture or more for each path with an image or an error."""
        encoded = [image for _, image in batch if isinstance(image, bytes)]
        found = iter(finding.find(self._detector, encoded, finding.PHOTOGRAPHS) if self._detector else ())
        for path, image in batch:
            if not isinstance(image, bytes):
                yield Picture(path, image)
            elif self._detector is None:
                yield Picture(path, image, UNCHECKED)
            else:
                yield from self._pictures(path, image, next(found))

    def _pictures(self, path: str, image: bytes, found: list[Face]) -> Iterator[Picture]:
        if self._align is not True:
            alike = found and self._framing.matches(found[0], *images.upright_size(image))
            if alike or self._align is False:
                yield Picture(path, image, AS_IS if alike else DIFFERENT, found[0] if found else None)
                return
        if not found:
            yield Picture(path, f'{NO_FACE}; --no-detect classifies the whole image')
        for face in found[:1] if self._largest else found:
            yield Picture(path, finding.aligned(image, face, self._framing), ALIGNED, face)


def detector(prototxt: Path | None, caffemodel: Path | None, needed: bool) -> Detector | None:
    """Loads a detector: the Caffe network if it is given, else the optional one.

    Raises:
      InputError: one is needed and none is installed, or the Caffe network is unusable.
    """
    if prototxt and caffemodel:
        from components.faces.caffe_detector import CaffeDetector

        return CaffeDetector(prototxt, caffemodel)
    return loading.load() if needed or loading.installed() else None
