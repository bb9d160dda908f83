# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Trainer's entry point: the head on embeddings, exported with the base as one SavedModel."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from components import names
from components.caffe_converter.folder import MODEL_FILE
from components.errors import RunError
from components.io.files import atomic_path, local_folder, write_text
from components.progress import Progress
from pipeline.model.head import build_head
from pipeline.settings import TUNED

if TYPE_CHECKING:
    from tfx.components.trainer.fn_args_utils import FnArgs

#: In Trainer's `model_run`: the loss and all of `model.measures`, as "auc" and "val_auc", lists of a value an epoch.
HISTORY = 'history.json'

#: In Trainer's `model_run`: {"settings": the head's, "tuned": those of them that Tuner chose, "kept_epoch": from 1}.
FACTS = 'training.json'

#: In Trainer's `model`, beside the folder of the SavedModel: the trained head alone, for training it further.
HEAD = 'head.keras'

_BETTER = {'val_loss': 'min', 'val_auc': 'max'}


@dataclass(frozen=True)
class Trained:
    """A trained head.

    Attributes:
      head: float32 [B, C] to logits, float32 [B, 1].
      history: by the name of the measure, its value after each epoch.
      kept_epoch: the epoch, counted from 1, whose weights the head has.
    """

    head: keras.Model
    history: dict[str, list[float]]
    kept_epoch: int


def read_embeddings(patterns: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Reads gzip-compressed TFRecord files that EmbeddingGen wrote, in order.

    Args:
      patterns: file patterns.

    Returns:
      Embeddings, float32 [N, C], and labels, float32 [N] (0 male, 1 female).
    """
    files = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    records = tf.data.TFRecordDataset(files, compression_type='GZIP')
    first = next(iter(records.take(1).as_numpy_iterator()), None)
    if first is None:
        raise RunError(f'no embeddings in {", ".join(patterns)}; the split is empty, give it more images')
    size = len(tf.train.Example.FromString(first).features.feature[names.EMBEDDING].float_list.value)
    spec = {
        names.EMBEDDING: tf.io.FixedLenFeature([size], tf.float32),
        names.LABEL: tf.io.FixedLenFeature([], tf.int64),
    }
    # Parsing record by record in Python takes 0.13 ms for each 512 floats, this a tenth of that.
    parsed = [tf.io.parse_example(batch, spec) for batch in records.batch(1024)]
    embeddings, labels = (tf.concat([batch[name] for batch in parsed], axis=0).numpy() for name in spec)
    return embeddings, labels.astype(np.float32)


def batches(inputs: np.ndarray, labels: np.ndarray, settings: Mapping[str, Any]) -> tf.data.Dataset:
    """The training split as shuffled batches; every epoch's order follows from the seed.

    Args:
      inputs: float32 [N, ...].
      labels: float32 [N].
      settings: the configuration's `trainer` section as a mapping.
    """
    data = tf.data.Dataset.from_tensor_slices((inputs, labels[:, np.newaxis]))
    return data.shuffle(len(inputs), seed=settings['seed'], reshuffle_each_iteration=True).batch(settings['batch_size'])


def class_weights(labels: np.ndarray, settings: Mapping[str, Any]) -> dict[int, float] | None:
    """What an example of each label weighs in the loss; the mean over the examples is 1.

    Args:
      labels: float32 [N] of the training split.
      settings: the configuration's `trainer` section as a mapping.

    Raises:
      RunError: a gender is missing.
    """
    if settings['class_weights'] == 'none':
        return None
    counts = np.bincount(labels.astype(int), minlength=2)
    if not counts.all():
        missing = names.GENDERS[int(counts.argmin())]
        raise RunError(f'trainer.class_weights is balanced, but the training split has no {missing} face')
    return {label: len(labels) / (2 * int(count)) for label, count in enumerate(counts)}


def train_head(
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    settings: Mapping[str, Any],
    *,
    log_dir: str | None = None,
    quiet: bool = False,
) -> Trained:
    """Trains the head.

    Args:
      train: embeddings, float32 [N, C], and labels, float32 [N].
      validation: the same of the validation split; never learned from, but `early_stopping_patience` and
        `restore_best` choose an epoch by it.
      settings: the configuration's `trainer` section as a mapping.
      log_dir: where to write logs for TensorBoard, or None.
      quiet: show no progress.

    Raises:
      RunError: `class_weights` is balanced and a gender is missing.
    """
    tf.random.set_seed(settings['seed'])
    head = build_head(train[0].shape[1], settings, train[0])
    epochs, restore, monitor = settings['epochs'], settings['restore_best'], settings['monitor']
    best = keras.callbacks.EarlyStopping(
        monitor=monitor,
        mode=_BETTER[monitor],
        patience=settings['early_stopping_patience'] or epochs,
        restore_best_weights=restore,
    )
    with Progress('Training the head', epochs, 'epochs', quiet=quiet) as progress:
        callbacks = [best, keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: progress.update())]
        if log_dir:
            callbacks.append(keras.callbacks.TensorBoard(log_dir, write_graph=False))
        history = head.fit(
            batches(*train, settings),
            validation_data=(validation[0], validation[1][:, np.newaxis]),
            epochs=epochs,
            shuffle=False,  # `batches` has done that
            class_weight=class_weights(train[1], settings),
            verbose=0,
            callbacks=callbacks,
        ).history
    kept = best.best_epoch + 1 if restore else len(history['loss'])
    return Trained(head, {name: [float(value) for value in values] for name, values in history.items()}, kept)


def with_values(settings: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The `trainer` section with the values of a trial of Tuner; its units are those of every hidden layer."""
    chosen = {name: values[name] for name in TUNED if name in values}
    if 'hidden_units' in chosen:
        chosen['hidden_units'] = [chosen['hidden_units']] * len(settings['hidden_units'])
    return {**settings, **chosen}


def run_fn(fn_args: FnArgs) -> None:
    """Trains the head on the embeddings, exports base and head as one SavedModel and saves the head beside it.

    `fn_args` as TFX's Trainer gives it: `train_files` and `eval_files` hold embeddings, `transform_output` the
    decoding and the mean image, `base_model` is beside `base.keras`, `custom_config` has the configuration's
    `trainer` section and `embedder`, the further arguments of `Embedder`, and `hyperparameters` are the best ones of
    Tuner, or None.
    """
    import tensorflow_transform as tft

    from components.embedding_gen import embedder
    from pipeline.model import export

    values = (fn_args.hyperparameters or {}).get('values', {})
    settings = with_values(fn_args.custom_config['trainer'], values)
    train, validation = read_embeddings(fn_args.train_files), read_embeddings(fn_args.eval_files)
    with local_folder(fn_args.model_run_dir) as folder:
        trained = train_head(train, validation, settings, log_dir=str(folder))
        facts = {
            'settings': settings,
            'tuned': [name for name in TUNED if name in values],
            'kept_epoch': trained.kept_epoch,
        }
        for name, content in ((HISTORY, trained.history), (FACTS, facts)):
            write_text(folder / name, json.dumps(content))

    # TFX names the folder of a serving model inside the artifact; CaffeConverter's artifact holds a Keras file.
    base = embedder.load_base(os.path.join(os.path.dirname(fn_args.base_model), MODEL_FILE))
    transform = tft.TFTransformOutput(fn_args.transform_output).transform_features_layer()
    whole = embedder.Embedder(base, transform, **fn_args.custom_config['embedder'])
    export.export(export.GenderModel(whole, trained.head), fn_args.serving_model_dir)
    with atomic_path(os.path.join(os.path.dirname(fn_args.serving_model_dir), HEAD)) as temporary:
        trained.head.save(temporary)
