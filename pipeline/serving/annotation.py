# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Copies of images with the boxes of their faces and the answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import ImageDraw, ImageFont

from components.errors import InputError
from components.io.files import atomic_path
from components.io.trees import open_tree
from components.stratified_example_gen import images
from pipeline.serving.predict import Prediction

_COLOUR = (255, 196, 0)
_SIDE = 2048  # largest sides are around this; a JPEG is decoded at a fraction of its size


@contextmanager
def annotated(folder: Path) -> Iterator[Callable[[Prediction], None]]:
    """Yields a function that takes predictions, those of a file in a row, and writes one PNG a file into `folder`.

    A second file of the same name gets a number. Files with an error and no face are not written.

    Raises:
      InputError: the folder cannot be written.
    """
    waiting: list[Prediction] = []
    taken: set[str] = set()

    def flush() -> None:
        if waiting:
            _write(folder, taken, waiting)
            waiting.clear()

    def add(answer: Prediction) -> None:
        if waiting and waiting[0].path != answer.path:
            flush()
        if answer.label is not None:
            waiting.append(answer)

    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield add
        flush()
    except OSError as error:
        raise InputError(f'--annotate {folder}: cannot be written ({error.strerror or error})') from None


def _write(folder: Path, taken: set[str], answers: list[Prediction]) -> None:
    path = answers[0].path
    data = open_tree('').read(os.fsencode(path), images.MAX_BYTES)
    width, _ = images.upright_size(data)
    picture = images.displayed(data, _SIDE)
    scale = picture.width / width
    draw = ImageDraw.Draw(picture)
    line = max(2, picture.width // 300)
    font = ImageFont.load_default(size=max(12, picture.width // 40))
    for answer in answers:
        left, top, right, bottom = (round(side * scale) for side in answer.box or (0, 0, width, 0))
        if answer.box:
            draw.rectangle((left, top, right, bottom), outline=_COLOUR, width=line)
        share = answer.probability if answer.label == 'female' else 1 - (answer.probability or 0)
        text = f'{answer.label} {share:.2f}'
        where = (max(left, 0), max(top, 0))
        draw.rectangle(draw.textbbox(where, text, font=font), fill=_COLOUR)
        draw.text(where, text, fill='black', font=font)
    stem, number = Path(path).stem, 1
    name = stem
    while name in taken:
        number += 1
        name = f'{stem}-{number}'
    taken.add(name)
    with atomic_path(folder / f'{name}.png') as temporary:
        picture.save(temporary, 'PNG')
