# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Everything that `run` needs, made up: drawn faces and a narrow VGG-Face of random weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from components import caffe_converter
from components.io.files import write_text
from pipeline.demo.dataset import draw_dataset

_SEED = 0
_PER_FOLDER = 10
#: An eighth of VGG-Face's channels: 8 to 64 instead of 64 to 512.
_WIDTH = 8


def make(directory: Path) -> Iterator[str]:
    """Draws the faces and writes the network; what is there already, complete, is left as it is.

    Args:
      directory: gets `faces/`, `vgg_face_small.prototxt` and `vgg_face_small.caffemodel`.

    Yields:
      What was made, a line each.

    Raises:
      InputError: something else is in the way, or the directory cannot be written.
    """
    faces = directory / 'faces'
    drawn = draw_dataset(faces, per_folder=_PER_FOLDER, seed=_SEED, quiet=False)
    yield f'{faces}: {f"{drawn:,} faces drawn by code" if drawn else "the drawn faces are there already"}'
    prototxt, caffemodel = directory / 'vgg_face_small.prototxt', directory / 'vgg_face_small.caffemodel'
    write_text(prototxt, caffe_converter.vgg_face_prototxt(width=_WIDTH, fully_connected=False))
    caffe_converter.write_random_caffemodel(prototxt, caffemodel, seed=_SEED)
    yield f'{caffemodel}: VGG-Face of an eighth of the width, random weights'
