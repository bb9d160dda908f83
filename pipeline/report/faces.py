# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Faces for the page: the mean image, and the test faces that the model is least sure of or most wrong about."""

from __future__ import annotations

import base64
import io
import os
from typing import Any

import numpy as np

from components import names
from components.io.files import in_bucket, printable
from pipeline.report.scores import Scores, shards

#: Faces in each of the two lists.
COUNT = 12

# Pixels of a thumbnail's longer side: twice what the page gives it, for fine displays.
_SIDE = 144
_QUALITY = 78


def most_wrong(scores: Scores, count: int = COUNT) -> np.ndarray:
    """Indices of the faces that are called the other gender, the surest mistake first."""
    wrong = np.flatnonzero(~scores.correct)
    return wrong[np.argsort(-np.abs(scores.probability[wrong] - 0.5), kind='stable')][:count]


def least_certain(scores: Scores, count: int = COUNT) -> np.ndarray:
    """Indices of the faces whose score is nearest to 0.5, the nearest first."""
    return np.argsort(np.abs(scores.probability - 0.5), kind='stable')[:count]


def chosen(scores: Scores, examples: str, pictures: bool) -> dict[str, Any]:
    """Both lists.

    Args:
      scores: of the test split.
      examples: the folder of StratifiedExampleGen's artifact, for the images.
      pictures: whether to show them.

    Returns:
      {"most_wrong": [...], "least_certain": [...]}, each face with 'path', 'gender', 'age', 'score', 'called' and
      'image', a data: URI of a small JPEG or None.
    """
    lists = {'most_wrong': most_wrong(scores), 'least_certain': least_certain(scores)}
    wanted = {bytes(scores.path[index]) for indices in lists.values() for index in indices}
    images = thumbnails(examples, wanted) if pictures else {}
    return {
        name: [
            {
                'path': printable(scores.path[index]),
                'gender': names.GENDERS[scores.gender[index]],
                'age': int(scores.age[index]),
                'score': float(scores.probability[index]),
                'called': names.GENDERS[scores.gender[index] if scores.correct[index] else 1 - scores.gender[index]],
                'image': images.get(bytes(scores.path[index])),
            }
            for index in indices
        ]
        for name, indices in lists.items()
    }


def thumbnails(examples: str, paths: set[bytes]) -> dict[bytes, str]:
    """Small JPEGs of some test faces.

    Args:
      examples: the folder of StratifiedExampleGen's artifact.
      paths: the `path` of each face that is wanted.

    Returns:
      data: URIs by path.
    """
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
    """One encoded image as a data: URI of a JPEG of at most 144 pixels a side, without metadata."""
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as image:
        small = image.convert('RGB')
        small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return _data_uri(small)


def mean_image(transform_graph: str) -> str:
    """The mean training face as a data: URI of a JPEG, RGB, in the size of the network's input.

    Args:
      transform_graph: the folder of Transform's artifact.
    """
    import tensorflow_transform as tft
    from PIL import Image

    from pipeline.model import preprocessing

    graph = tft.TFTransformOutput(transform_graph if in_bucket(transform_graph) else os.path.abspath(transform_graph))
    mean = preprocessing.mean_image(graph.transform_features_layer()).numpy()[..., ::-1]  # RGB
    return _data_uri(Image.fromarray(np.clip(np.rint(mean), 0, 255).astype(np.uint8)), quality=90)


def _data_uri(image: Any, quality: int = _QUALITY) -> str:
    stream = io.BytesIO()
    image.save(stream, 'JPEG', quality=quality, optimize=True)
    return 'data:image/jpeg;base64,' + base64.b64encode(stream.getvalue()).decode()
