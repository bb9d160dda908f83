# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Measures the framing of examples. Imports TensorFlow, neither TFX nor Beam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from components import names
from components.faces import finding, framing
from components.faces.detector import Detector, Face
from components.faces.framing import Framing
from components.progress import Progress
from components.stratified_example_gen import images

_BATCH = 16
_SIDE = 160  # pixels of the mean face's longer side


class Measured(NamedTuple):
    """The framing, and the mean of the measured images, RGB of 160 pixels."""

    framing: Framing
    mean_face: Image.Image


def measure(files: Sequence[str], count: int, detector: Detector) -> Measured:
    """Measures the first images of shards, whose order is random.

    Args:
      files: gzip-compressed TFRecord files of tf.Example with `image`.
      count: images to measure.
      detector: finds the faces.

    Raises:
      InputError: too few images have a face.
    """
    records = tf.data.TFRecordDataset(list(files), compression_type='GZIP').take(count).batch(_BATCH)
    sizes: list[tuple[int, int]] = []
    faces: list[Face | None] = []
    total = np.zeros((_SIDE, _SIDE, 3))
    with Progress('Measuring the framing', unit='images') as progress:
        for batch in records.as_numpy_iterator():
            examples = [tf.train.Example.FromString(record) for record in batch]
            data = [example.features.feature[names.IMAGE].bytes_list.value[0] for example in examples]
            sizes += map(images.upright_size, data)
            faces += [found[0] if found else None for found in finding.find(detector, data, finding.CROPS)]
            for image in data:
                small = images.displayed(image, _SIDE).resize((_SIDE, _SIDE), Image.Resampling.BOX)
                total += np.asarray(small, float)
                progress.update()
    found = framing.measure(zip(sizes, faces, strict=True), detector.name)
    mean = Image.fromarray((total / max(len(sizes), 1)).round().astype(np.uint8))
    width, height = found.size
    shape = (round(_SIDE * width / max(found.size)), round(_SIDE * height / max(found.size)))
    return Measured(found, mean.resize(shape, Image.Resampling.BICUBIC))
