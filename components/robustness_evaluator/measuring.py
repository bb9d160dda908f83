# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Classifies a sample of faces in every frame. Imports TensorFlow, neither TFX nor Beam."""

from __future__ import annotations

import dataclasses
import hashlib
import heapq
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components import names
from components.io.files import any_path, write_text
from components.progress import Progress
from components.robustness_evaluator import frames

#: In the folder of the artifact.
FILE = 'robustness.json'

_BATCH = 32

#: Encoded images to (label, probability of female) each.
Classifier = Callable[[Sequence[bytes]], Sequence[tuple[str, float]]]


@dataclass(frozen=True)
class Counts:
    """Faces of one gender in one frame; `lost` were right as they are and are wrong here, `gained` the reverse."""

    faces: int
    right: int
    lost: int
    gained: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            *(one + two for one, two in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True))
        )


@dataclass(frozen=True)
class Frame:
    """The result in one frame."""

    name: str  #: `frames.UNTOUCHED` or a key of `frames.FRAMES`
    male: Counts
    female: Counts

    @property
    def both(self) -> Counts:
        """Of all faces."""
        return self.male + self.female

    def change(self, counts: Counts) -> float:
        """The accuracy of `counts` of this frame minus that of the same faces as they are."""
        return (counts.gained - counts.lost) / counts.faces


def sample(files: Sequence[str], faces: int) -> list[tuple[int, bytes]]:
    """Chooses up to `faces` // 2 faces of each gender by a hash of their paths, so that the choice never changes.

    Args:
      files: gzip-compressed TFRecord files of tf.Example with `image`, `gender` and `path`.
      faces: how many to choose.

    Returns:
      Label and encoded image of each.
    """
    chosen: list[tuple[int, bytes]] = []
    for label in (names.MALE, names.FEMALE):
        hashed = ((hashlib.sha256(path).digest(), image) for gender, path, image in _faces(files) if gender == label)
        chosen += [(label, image) for _, image in heapq.nsmallest(faces // 2, hashed)]
    return chosen


def _faces(files: Sequence[str]) -> Iterator[tuple[int, bytes, bytes]]:
    import tensorflow as tf

    for record in tf.data.TFRecordDataset(list(files), compression_type='GZIP').as_numpy_iterator():
        features = tf.train.Example.FromString(record).features.feature
        yield (
            features[names.LABEL].int64_list.value[0],
            features[names.PATH].bytes_list.value[0],
            features[names.IMAGE].bytes_list.value[0],
        )


def measure(classify: Classifier, faces: Sequence[tuple[int, bytes]]) -> list[Frame]:
    """Classifies labelled faces as they are and in every frame; at most one batch of changed images is in memory."""
    labels = np.array([label for label, _ in faces])
    views = [frames.UNTOUCHED, *frames.FRAMES]
    results: list[Frame] = []
    untouched = np.empty(0)
    with Progress('Scoring other frames', len(views) * len(faces), 'images') as progress:
        for view in views:
            probabilities: list[float] = []
            for start in range(0, len(faces), _BATCH):
                images = [image for _, image in faces[start : start + _BATCH]]
                if view != frames.UNTOUCHED:
                    images = [frames.change(image, view) for image in images]
                probabilities += [probability for _, probability in classify(images)]
                progress.update(len(images))
            right = (np.array(probabilities) > names.THRESHOLD) == labels
            untouched = right if view == frames.UNTOUCHED else untouched
            counts = (
                _counts(right[labels == label], untouched[labels == label]) for label in (names.MALE, names.FEMALE)
            )
            results.append(Frame(view, *counts))
    return results


def _counts(right: np.ndarray, untouched: np.ndarray) -> Counts:
    return Counts(*map(int, (len(right), right.sum(), (untouched & ~right).sum(), (right & ~untouched).sum())))


def write(folder: str | Path, results: Sequence[Frame]) -> None:
    """Writes `FILE` into the folder of an artifact."""
    write_text(any_path(folder) / FILE, json.dumps([dataclasses.asdict(frame) for frame in results], indent=1) + '\n')


def read(folder: str | Path) -> list[Frame]:
    """Reads what `write` wrote."""
    rows = json.loads((any_path(folder) / FILE).read_text('utf-8'))
    return [Frame(row['name'], Counts(**row['male']), Counts(**row['female'])) for row in rows]
