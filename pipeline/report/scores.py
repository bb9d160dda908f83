# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The score of each test face, from the model that the run trained."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from components import names
from components.errors import RunError
from components.io.files import any_path

_BATCH = 4096


@dataclass(frozen=True)
class Scores:
    """The test split, N faces in the order of its records.

    Attributes:
      path: bytes [N], relative to the data root, as in the file system.
      gender: int64 [N], 0 male, 1 female.
      age: int64 [N], years.
      band: str [N], the age band.
      probability: float32 [N], of female.
    """

    path: np.ndarray
    gender: np.ndarray
    age: np.ndarray
    band: np.ndarray
    probability: np.ndarray

    @property
    def correct(self) -> np.ndarray:
        """Bool [N]: the model says what the label says."""
        return called_female(self.probability) == (self.gender == 1)


def called_female(probability: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Bool [N]: above the threshold, as `pipeline.model.export` and TFMA draw the line."""
    return np.asarray(probability > np.float64(threshold))


def shards(folder: str, split: str) -> list[str]:
    """The files of one split of an Examples artifact, in order."""
    return sorted(str(path) for path in any_path(folder, f'Split-{split}').glob('*.gz'))


def read(embeddings: str, model: str) -> Scores:
    """Scores the test split from its embeddings, a few thousand faces at once.

    Args:
      embeddings: the folder of EmbeddingGen's artifact.
      model: the folder of Trainer's model artifact.
    """
    import tensorflow as tf

    loaded = tf.saved_model.load(os.path.join(model, 'Format-Serving'))
    signature = loaded.signatures[names.FROM_EMBEDDINGS]
    spec = {name: tf.io.FixedLenFeature([], tf.int64) for name in (names.GENDER, names.AGE)}
    spec |= {name: tf.io.FixedLenFeature([], tf.string) for name in (names.AGE_BAND, names.PATH)}
    columns: dict[str, list[np.ndarray]] = {name: [] for name in (*spec, names.PROBABILITY)}
    records = tf.data.TFRecordDataset(shards(embeddings, names.TEST), compression_type='GZIP').batch(_BATCH)
    for batch in records:
        columns[names.PROBABILITY].append(signature(examples=batch)[names.PROBABILITY].numpy())
        for name, values in tf.io.parse_example(batch, spec).items():
            columns[name].append(values.numpy())
    if not columns[names.PROBABILITY]:
        raise RunError(f'{embeddings}: the test split has no faces; nothing can be reported')
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    return Scores(
        path=whole[names.PATH],
        gender=whole[names.GENDER],
        age=whole[names.AGE],
        band=np.array([band.decode() for band in whole[names.AGE_BAND]]),
        probability=whole[names.PROBABILITY],
    )


def check(scores: Scores, overall: dict[str, Any], slices: list[dict[str, Any]]) -> int:
    """Compares the confusion counts of the scores with those that the Evaluator reported.

    Args:
      scores: of the test split.
      overall: metrics of all faces, see `metrics.of_slice`.
      slices: the slices' metrics; those by gender and age band are compared.

    Returns:
      How many slices were compared, overall included; each of their four counts is the same.

    Raises:
      RunError: a count differs: the page would show other numbers than the verdict was reached on.
    """
    called, women = called_female(scores.probability), scores.gender == 1
    columns = {names.GENDER: np.array(names.GENDERS)[scores.gender], names.AGE_BAND: scores.band}
    compared = 0
    for where, expected in [({}, overall), *((item['slice'], item['metrics']) for item in slices)]:
        if not set(where) <= set(columns):
            continue
        inside = np.ones(len(women), bool)
        for name, value in where.items():
            inside &= columns[name] == value
        for name, hits in (
            ('true_positives', called & women),
            ('true_negatives', ~called & ~women),
            ('false_positives', called & ~women),
            ('false_negatives', ~called & women),
        ):
            found = int((hits & inside).sum())
            if found != expected[name]:
                place = ', '.join(f'{key} {value}' for key, value in where.items()) or 'overall'
                raise RunError(
                    f'{place}: the model gives {found} {name.replace("_", " ")}, the Evaluator reported '
                    f'{expected[name]}; the evaluation is not of this model, run the pipeline again'
                )
        compared += 1
    return compared
