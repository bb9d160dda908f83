# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The framing of the training faces on the page: the mean face with its landmarks."""

from __future__ import annotations

from dataclasses import dataclass

from components.faces import framing
from components.io.files import any_path, local_file
from pipeline.report import faces

_DOT = 2  # pixels
_COLOURS = ('black', 'yellow')  # of ring and dot


@dataclass(frozen=True)
class Framed:
    """The framing of the training images, and a data: URI of their mean with the landmarks, if pictures are shown."""

    framing: framing.Framing
    picture: str | None


def read(folder: str, pictures: bool) -> Framed | None:
    """The framing in the folder of FramingGen's output; None if it was not measured."""
    file = any_path(folder, framing.FILE)
    if not file.exists():
        return None
    measured = framing.Framing.from_json(file.read_text('utf-8'), str(file))
    return Framed(measured, _picture(folder, measured) if pictures else None)


def _picture(folder: str, measured: framing.Framing) -> str:
    from PIL import Image, ImageDraw

    with local_file(any_path(folder, framing.MEAN_FACE)) as file, Image.open(file) as image:
        picture = image.convert('RGB')
    draw = ImageDraw.Draw(picture)
    for x, y in measured.landmarks:
        for radius, colour in zip((_DOT + 1, _DOT), _COLOURS, strict=True):
            draw.circle((x * picture.width, y * picture.height), radius, fill=colour)
    return faces.data_uri(picture, quality=90)
