# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The score of each test face, computed from the trained model."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from components import names
from components.errors import RunError
from components.evaluator.metrics import Evaluation
from components.io import shards as split_shards
from components.io.files import any_path

_BATCH = 4096


@dataclass(frozen=True)
class Scores:
    """The test split, N faces in the order of its records."""

    path: np.ndarray  # bytes [N], relative to the data root, as in the file system
    gender: np.ndarray  # int64 [N], 0 male, 1 female
    age: np.ndarray  # int64 [N], years; 0 if unknown
    band: np.ndarray  # str [N], the age band
    probability: np.ndarray  # float32 [N], of female
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)  # str [N] each: columns of the manifest; '' if none

    def inside(self, where: Mapping[str, str]) -> np.ndarray:
        """Bool [N]: the faces of a slice, given by feature values; raises KeyError for an unknown feature."""
        known = {names.GENDER: np.array(names.GENDERS)[self.gender], names.AGE_BAND: self.band, **self.columns}
        return np.logical_and.reduce([np.ones(len(self.gender), bool), *(known[name] == where[name] for name in where)])

    @property
    def correct(self) -> np.ndarray:
        """Bool [N]: whether the prediction equals the label."""
        return predicted_female(self.probability) == (self.gender == 1)


def predicted_female(probability: np.ndarray, threshold: float = names.THRESHOLD) -> np.ndarray:
    """Bool [N]: whether the score is above the threshold, as in `pipeline.model.export` and TFMA."""
    return np.asarray(probability > np.float64(threshold))


def shards(folder: str, split: str) -> list[str]:
    """The files of one split of an Examples artifact, in order."""
    return split_shards.files(any_path(folder, split_shards.split_folder(split)))


def read(embeddings: str, model: str, columns: Sequence[str], split: str) -> Scores:
    """Scores a split from the folders of the embeddings and of the model.

    Args:
      embeddings: EmbeddingGen's output.
      model: the exported model.
      columns: the columns of the manifest to read too.
      split: the split.

    Raises:
      RunError: the split is empty.
    """
    import tensorflow as tf

    loaded = tf.saved_model.load(os.path.join(model, 'Format-Serving'))
    signature = loaded.signatures[names.FROM_EMBEDDINGS]
    return _read(embeddings, lambda batch: signature(examples=batch)[names.PROBABILITY].numpy(), columns, split)


def read_scored(folder: str, columns: Sequence[str] = ()) -> Scores:
    """Reads the test split that Scorer scored; raises RunError if it is empty."""
    import tensorflow as tf

    spec = {names.PROBABILITY: tf.io.FixedLenFeature([], tf.float32)}
    probability = lambda batch: tf.io.parse_example(batch, spec)[names.PROBABILITY].numpy()  # noqa: E731
    return _read(folder, probability, columns, names.TEST)


def _read(folder: str, probabilities: Callable[[Any], np.ndarray], extra: Sequence[str], split: str) -> Scores:
    """Reads a split; `probabilities` gives those of a batch of serialized examples, string [B]."""
    import tensorflow as tf

    spec = {name: tf.io.FixedLenFeature([], tf.int64) for name in (names.GENDER, names.AGE)}
    spec |= {name: tf.io.FixedLenFeature([], tf.string) for name in (names.AGE_BAND, names.PATH)}
    spec |= {name: tf.io.FixedLenFeature([], tf.string, '') for name in extra}
    columns: dict[str, list[np.ndarray]] = {name: [] for name in (*spec, names.PROBABILITY)}
    records = tf.data.TFRecordDataset(shards(folder, split), compression_type='GZIP').batch(_BATCH)
    for batch in records:
        columns[names.PROBABILITY].append(probabilities(batch))
        for name, values in tf.io.parse_example(batch, spec).items():
            columns[name].append(values.numpy())
    if not columns[names.PROBABILITY]:
        raise RunError(f'{folder}: the {split} split is empty; there is nothing to report')
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    return Scores(
        path=whole[names.PATH],
        gender=whole[names.GENDER],
        age=whole[names.AGE],
        band=np.array([band.decode() for band in whole[names.AGE_BAND]]),
        probability=whole[names.PROBABILITY],
        columns={name: np.array([value.decode() for value in whole[name]]) for name in extra},
    )


def check(scores: Scores, evaluation: Evaluation) -> int:
    """Compares the confusion counts of the scores with those of the evaluation in every slice whose features are read.

    Returns:
      The number of slices compared, overall included.

    Raises:
      RunError: a count differs: the evaluation is not of this model.
    """
    female, women = predicted_female(scores.probability), scores.gender == 1
    hits = {
        'true_positives': female & women,
        'true_negatives': ~female & ~women,
        'false_positives': female & ~women,
        'false_negatives': ~female & women,
    }
    columns = {names.GENDER, names.AGE_BAND, *scores.columns}
    groups = [({}, evaluation.overall), *((item.slice, item.metrics) for item in evaluation.slices)]
    compared = [(where, expected) for where, expected in groups if set(where) <= columns]
    for where, expected in compared:
        inside = scores.inside(where)
        for name, hit in hits.items():
            found, count = int((hit & inside).sum()), getattr(expected, name)
            if found != count:
                place = ', '.join(f'{key} {value}' for key, value in where.items()) or 'overall'
                raise RunError(
                    f'{place}: the model gives {found} {name.replace("_", " ")}, the evaluation has {count}; it is not '
                    'of this model, run the pipeline again'
                )
    return len(compared)
