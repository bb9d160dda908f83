# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Faces for the page: the mean image and the test faces, the most worth seeing first."""

from __future__ import annotations

import base64
import io
import itertools
import os
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components import names
from components.io.files import in_bucket, printable
from pipeline.report.scores import Scores, predicted_female, shards
from pipeline.settings import ReportSettings

#: Faces in each of the two lists.
COUNT = 12

# Pixels of a thumbnail's longer side. 560 faces of UTKFace are 1.6 MB on the page.
_SIDE = 112
_QUALITY = 72

# About the bytes of a page without faces, of a face's row without its picture, and of the smallest pictures.
_PAGE_BYTES, _ROW_BYTES, _LEAST_PICTURE_BYTES = 400_000, 110, 1_500


@dataclass(frozen=True)
class Face:
    """A test face: its label, prediction and score, and its image as a data: URI of a small JPEG or None."""

    index: int  # its place in the test split
    path: str
    gender: str
    age: int
    score: float
    predicted: str
    band: str  # the age band
    columns: dict[str, str]  # its values of the manifest's columns
    image: str | None


def most_wrong(scores: Scores, count: int = COUNT) -> np.ndarray:
    """Indices of the misclassified faces, the most confident mistake first."""
    wrong = np.flatnonzero(~scores.correct)
    return wrong[np.argsort(-np.abs(scores.probability[wrong] - 0.5), kind='stable')][:count]


def least_certain(scores: Scores, count: int = COUNT) -> np.ndarray:
    """Indices of the faces with scores nearest to 0.5, the nearest first."""
    return np.argsort(np.abs(scores.probability - 0.5), kind='stable')[:count]


def importance(scores: Scores, slices: Iterable[Mapping[str, str]]) -> list[int]:
    """Indices of all faces, the most worth seeing first: by turns the most wrong of each slice, then the least certain.

    Args:
      scores: the test split.
      slices: feature values of each slice.
    """
    towards = np.where(scores.gender == 1, -1, 1) * (scores.probability.astype(np.float64) - 0.5)
    order = np.argsort(-towards, kind='stable')  # wrong and confident first, right and confident last
    turns = [order[scores.inside(where)[order]] for where in ({}, *slices)]
    ranked = itertools.chain.from_iterable(itertools.zip_longest(*turns))
    return list(dict.fromkeys(int(index) for index in ranked if index is not None))


@dataclass(frozen=True)
class Chosen:
    """The faces of the page."""

    all: list[Face]  # the most worth seeing first, as many as the page has room for
    most_wrong: list[Face]
    least_certain: list[Face]


def chosen(scores: Scores, examples: str, slices: Sequence[Mapping[str, str]], settings: ReportSettings) -> Chosen:
    """Chooses the faces of the page, and reads their pictures as far as the settings allow.

    Args:
      scores: the test split.
      examples: the folder of StratifiedExampleGen's output.
      slices: feature values of each slice.
      settings: of the report.
    """
    room = settings.max_bytes - _PAGE_BYTES
    ranked = importance(scores, slices)[: max(2 * COUNT, room // 2 // _ROW_BYTES)]
    wrong, uncertain = most_wrong(scores), least_certain(scores)
    first = [int(index) for index in (*wrong, *uncertain)]
    wanted = {'none': [], 'worst': first, 'all': [*first, *ranked]}[settings.faces]
    wanted = list(dict.fromkeys(wanted))[: max(len(first), room // _LEAST_PICTURE_BYTES)]
    images = thumbnails(examples, {bytes(scores.path[index]) for index in wanted}, len(wanted))
    kept: dict[bytes, str] = {}
    room -= _ROW_BYTES * len(ranked)
    for index in wanted:
        path = bytes(scores.path[index])
        room -= len(images.get(path, ''))
        if path in images and (room > 0 or index in first):
            kept[path] = images[path]
    return Chosen(*(listed(scores, indices, kept) for indices in (ranked, wrong, uncertain)))


def listed(scores: Scores, indices: Iterable[int], images: Mapping[bytes, str]) -> list[Face]:
    """The faces with these indices; `images` has data: URIs by the feature `path`."""
    predicted = predicted_female(scores.probability).astype(int)
    return [
        Face(
            index=int(index),
            path=printable(scores.path[index]),
            gender=names.GENDERS[scores.gender[index]],
            age=int(scores.age[index]),
            score=float(scores.probability[index]),
            predicted=names.GENDERS[predicted[index]],
            band=str(scores.band[index]),
            columns={name: str(values[index]) for name, values in scores.columns.items()},
            image=images.get(bytes(scores.path[index])),
        )
        for index in indices
    ]


def thumbnails(examples: str, paths: Container[bytes], count: int) -> dict[bytes, str]:
    """The data: URIs of `count` test faces, given by the feature `path`, from the folder of the examples."""
    import tensorflow as tf

    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in (names.PATH, names.IMAGE)}
    records = tf.data.TFRecordDataset(shards(examples, names.TEST), compression_type='GZIP')
    found: dict[bytes, str] = {}
    for record in records:
        if len(found) == count:
            break
        example = tf.io.parse_single_example(record, spec)
        path = example[names.PATH].numpy()
        if path in paths:
            found[path] = thumbnail(example[names.IMAGE].numpy())
    return found


def thumbnail(encoded: bytes) -> str:
    """An encoded image as a data: URI of a JPEG of at most 112 pixels a side, without metadata."""
    from PIL import Image

    with Image.open(io.BytesIO(encoded)) as image:
        small = image.convert('RGB')
        small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return data_uri(small)


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
    return data_uri(Image.fromarray(np.clip(np.rint(mean), 0, 255).astype(np.uint8)), quality=90)


def data_uri(image: Any, quality: int = _QUALITY) -> str:
    """A Pillow image as a data: URI of a JPEG."""
    stream = io.BytesIO()
    image.save(stream, 'JPEG', quality=quality, optimize=True)
    return 'data:image/jpeg;base64,' + base64.b64encode(stream.getvalue()).decode()
