# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Faces for the page: the mean image, the most wrong and the least certain test faces."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from components import names
from components.io.files import in_bucket, printable
from pipeline.report.scores import Scores, predicted_female, shards

#: Faces in each of the two lists.
COUNT = 12

# Pixels of a thumbnail's longer side: twice its size on the page, for high-resolution displays.
_SIDE = 144
_QUALITY = 78


@dataclass(frozen=True)
class Face:
    """A test face: its label, prediction and score, and its image as a data: URI of a small JPEG or None."""

    path: str
    gender: str
    age: int
    score: float
    predicted: str
    image: str | None


def most_wrong(scores: Scores, count: int = COUNT) -> np.ndarray:
    """Indices of the misclassified faces, the most confident mistake first."""
    wrong = np.flatnonzero(~scores.correct)
    return wrong[np.argsort(-np.abs(scores.probability[wrong] - 0.5), kind='stable')][:count]


def least_certain(scores: Scores, count: int = COUNT) -> np.ndarray:
    """Indices of the faces with scores nearest to 0.5, the nearest first."""
    return np.argsort(np.abs(scores.probability - 0.5), kind='stable')[:count]


def chosen(scores: Scores, examples: str, pictures: bool) -> tuple[list[Face], list[Face]]:
    """The most wrong and the least certain faces; `pictures` adds their images from the folder of the examples."""
    wrong, uncertain = most_wrong(scores), least_certain(scores)
    wanted = {bytes(path) for path in scores.path[np.concatenate([wrong, uncertain])]}
    images = thumbnails(examples, wanted) if pictures else {}
    return _faces(scores, wrong, images), _faces(scores, uncertain, images)


def _faces(scores: Scores, indices: np.ndarray, images: dict[bytes, str]) -> list[Face]:
    predicted = predicted_female(scores.probability).astype(int)
    return [
        Face(
            path=printable(scores.path[index]),
            gender=names.GENDERS[scores.gender[index]],
            age=int(scores.age[index]),
            score=float(scores.probability[index]),
            predicted=names.GENDERS[predicted[index]],
            image=images.get(bytes(scores.path[index])),
        )
        for index in indices
    ]


def thumbnails(examples: str, paths: set[bytes]) -> dict[bytes, str]:
    """The data: URIs of some test faces, given by the feature `path`, from the folder of the examples."""
    import tensorflow as tf

    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in (names.PATH, names.IMAGE)}
    records = tf.data.TFRecordDataset(shards(examples, names.TEST), compression_type='GZIP')
    found = {}
    for record in records:
        example = tf.io.parse_single_example(record, spec)
        path = example[names.PATH].numpy()
        if path in paths:
            found[path] = thumbnail(example[names.IMAGE].numpy())
            if len(found) == len(paths):
                break
    return found


def thumbnail(encoded: bytes) -> str:
    """An encoded image as a data: URI of a JPEG of at most 144 pixels a side, without metadata."""
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as image:
        small = image.convert('RGB')
        small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return _data_uri(small)


def mean_image(transform_graph: str, transform: Mapping[str, Any]) -> str:
    """The mean training face as a data: URI of a JPEG, RGB, in the network's input size.

    Args:
      transform_graph: the folder of Transform's output.
      transform: the section of the configuration with which it was made.
    """
    import tensorflow_transform as tft
    from PIL import Image

    from pipeline.model import preprocessing
    from pipeline.model.settings import TransformSettings

    graph = tft.TFTransformOutput(transform_graph if in_bucket(transform_graph) else os.path.abspath(transform_graph))
    settings = TransformSettings.from_dict(transform)
    mean = preprocessing.mean_image(graph.transform_features_layer(), settings).numpy()[..., ::-1]  # RGB
    return _data_uri(Image.fromarray(np.clip(np.rint(mean), 0, 255).astype(np.uint8)), quality=90)


def _data_uri(image: Any, quality: int = _QUALITY) -> str:
    stream = io.BytesIO()
    image.save(stream, 'JPEG', quality=quality, optimize=True)
    return 'data:image/jpeg;base64,' + base64.b64encode(stream.getvalue()).decode()
