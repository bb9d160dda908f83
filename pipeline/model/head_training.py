# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Trains the head on embeddings, for Trainer and for Tuner's trials."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components import names
from components.errors import RunError
from components.io import shards
from components.progress import Progress
from pipeline.model.head import build_head
from pipeline.model.settings import BETTER, TUNED, TrainerSettings


@dataclass(frozen=True)
class Trained:
    """A trained head."""

    head: keras.Model  #: float32 [B, C] to logits, float32 [B, 1]
    history: dict[str, list[float]]  #: values after each epoch, by measure
    kept_epoch: int  #: the epoch of the head's weights, counted from 1


def read_embeddings(patterns: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Reads the output of EmbeddingGen: the splits whose files TFX gives as patterns, FOLDER/Split-NAME/*, in order.

    Returns:
      Embeddings, float32 [N, C], and labels, float32 [N] (0 male, 1 female).

    Raises:
      RunError: a split has no example, or not those that were ingested.
    """
    splits = [os.path.dirname(pattern) for pattern in patterns]
    files = [file for split in splits for file in shards.files(split)]
    records = tf.data.TFRecordDataset(files, compression_type='GZIP')
    first = next(iter(records.take(1).as_numpy_iterator()), None)
    if first is None:
        raise RunError(f'no embeddings in {", ".join(patterns)}: the split is empty; give it more images')
    size = len(tf.train.Example.FromString(first).features.feature[names.EMBEDDING].float_list.value)
    spec = {
        names.EMBEDDING: tf.io.FixedLenFeature([size], tf.float32),
        names.LABEL: tf.io.FixedLenFeature([], tf.int64),
    }
    # Measured for 512 floats: 0.13 ms a record in Python, a tenth of that here.
    parsed = [tf.io.parse_example(batch, spec) for batch in records.batch(1024)]
    embeddings, labels = (tf.concat([batch[name] for batch in parsed], axis=0).numpy() for name in spec)
    shards.check_count(splits, len(labels))
    return embeddings, labels.astype(np.float32)


def batches(inputs: np.ndarray, labels: np.ndarray, settings: TrainerSettings) -> tf.data.Dataset:
    """Returns inputs, float32 [N, ...], and labels, float32 [N], in batches, shuffled each epoch by the seed."""
    data = tf.data.Dataset.from_tensor_slices((inputs, labels[:, np.newaxis]))
    return data.shuffle(len(inputs), seed=settings.seed, reshuffle_each_iteration=True).batch(settings.batch_size)


def class_weights(labels: np.ndarray, settings: TrainerSettings) -> dict[int, float] | None:
    """Returns each label's weight in the loss, with a mean of 1 over `labels`, float32 [N]; None for no weights.

    Raises:
      RunError: the training split lacks a gender.
    """
    if settings.class_weights == 'none':
        return None
    counts = np.bincount(labels.astype(int), minlength=2)
    if not counts.all():
        missing = names.GENDERS[int(counts.argmin())]
        raise RunError(f'trainer.class_weights is balanced, but the training split has no {missing} face')
    return {label: len(labels) / (2 * int(count)) for label, count in enumerate(counts)}


def train_head(
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    settings: TrainerSettings,
    *,
    log_dir: str | None = None,
    quiet: bool = False,
) -> Trained:
    """Trains the head; raises as `class_weights`.

    Args:
      train: embeddings, float32 [N, C], and labels, float32 [N].
      validation: the same of the validation split, for `early_stopping_patience` and `restore_best`.
      settings: of the head.
      log_dir: folder for TensorBoard logs, or None.
      quiet: show no progress.
    """
    tf.random.set_seed(settings.seed)
    head = build_head(train[0].shape[1], settings, train[0])
    epochs, restore, monitor = settings.epochs, settings.restore_best, settings.monitor
    patience = settings.early_stopping_patience or epochs
    best = keras.callbacks.EarlyStopping(
        monitor=monitor, mode=BETTER[monitor], patience=patience, restore_best_weights=restore
    )
    with Progress('Training the head', epochs, 'epochs', quiet=quiet) as progress:
        callbacks = [best, keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: progress.update())]
        if log_dir:
            callbacks.append(keras.callbacks.TensorBoard(log_dir, write_graph=False))
        history = head.fit(
            batches(*train, settings),
            validation_data=(validation[0], validation[1][:, np.newaxis]),
            epochs=epochs,
            shuffle=False,  # `batches` shuffles
            class_weight=class_weights(train[1], settings),
            verbose=0,
            callbacks=callbacks,
        ).history
    kept = best.best_epoch + 1 if restore else len(history['loss'])
    return Trained(head, {name: [float(value) for value in values] for name, values in history.items()}, kept)


def with_values(settings: TrainerSettings, values: Mapping[str, Any]) -> TrainerSettings:
    """Returns the settings with the values of a tuning trial; its units apply to every hidden layer."""
    chosen = {name: values[name] for name in TUNED if name in values}
    if 'hidden_units' in chosen:
        chosen['hidden_units'] = [chosen['hidden_units']] * len(settings.hidden_units)
    return dataclasses.replace(settings, **chosen)
