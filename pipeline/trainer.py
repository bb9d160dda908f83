# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Trainer's entry point: the head on embeddings, exported with the base as one SavedModel."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from components.errors import RunError
from components.progress import Progress
from pipeline import features
from pipeline.model import build_head

if TYPE_CHECKING:
    from tfx.components.trainer.fn_args_utils import FnArgs

#: In Trainer's `model_run`: {"loss", "accuracy", "val_loss", "val_accuracy"}, each a list of one value an epoch.
HISTORY = 'history.json'

#: In Trainer's `model`, beside the folder of the SavedModel: the trained head alone, for training it further.
HEAD = 'head.keras'


def read_embeddings(patterns: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Reads gzip-compressed TFRecord files that EmbeddingGen wrote, in order.

    Args:
      patterns: file patterns.

    Returns:
      Embeddings, float32 [N, C], and labels, float32 [N] (0 male, 1 female).
    """
    files = sorted(name for pattern in patterns for name in tf.io.gfile.glob(pattern))
    embeddings, labels = [], []
    for record in tf.data.TFRecordDataset(files, compression_type='GZIP').as_numpy_iterator():
        feature = tf.train.Example.FromString(record).features.feature
        embeddings.append(np.asarray(feature[features.EMBEDDING].float_list.value, np.float32))
        labels.append(feature[features.LABEL].int64_list.value[0])
    if not embeddings:
        raise RunError(f'no embeddings in {", ".join(patterns)}; the split is empty, give it more images')
    return np.stack(embeddings), np.asarray(labels, np.float32)


def batches(inputs: np.ndarray, labels: np.ndarray, settings: Mapping[str, Any]) -> tf.data.Dataset:
    """The training split as shuffled batches; every epoch's order follows from the seed.

    Args:
      inputs: float32 [N, ...].
      labels: float32 [N].
      settings: the configuration's `trainer` section as a mapping.
    """
    data = tf.data.Dataset.from_tensor_slices((inputs, labels[:, np.newaxis]))
    return data.shuffle(len(inputs), seed=settings['seed'], reshuffle_each_iteration=True).batch(settings['batch_size'])


def train_head(
    train: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray], settings: Mapping[str, Any]
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Trains the head.

    Args:
      train: embeddings, float32 [N, C], and labels, float32 [N].
      validation: the same of the validation split; only measured on, never learned from.
      settings: the configuration's `trainer` section as a mapping.

    Returns:
      The trained head and, by the name of the measure, its value after each epoch.
    """
    tf.random.set_seed(settings['seed'])
    head = build_head(train[0].shape[1], settings, train[0])
    epochs = settings['epochs']
    with Progress('Training the head', epochs, 'epochs') as progress:
        history = head.fit(
            batches(*train, settings),
            validation_data=(validation[0], validation[1][:, np.newaxis]),
            epochs=epochs,
            shuffle=False,  # `batches` has done that
            verbose=0,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: progress.update())],
        )
    return head, {name: [float(value) for value in values] for name, values in history.history.items()}


def run_fn(fn_args: FnArgs) -> None:
    """Trains the head on the embeddings, exports base and head as one SavedModel and saves the head beside it.

    `fn_args` as TFX's Trainer gives it: `train_files` and `eval_files` hold embeddings, `transform_output` the
    decoding and the mean image, `base_model` is beside `base.keras`, `custom_config` has the configuration's
    `trainer` section and `embedder`, the further arguments of `Embedder`.
    """
    import tensorflow_transform as tft

    from components.embedding_gen import embedder
    from pipeline import serving

    settings = fn_args.custom_config['trainer']
    head, history = train_head(read_embeddings(fn_args.train_files), read_embeddings(fn_args.eval_files), settings)
    tf.io.gfile.makedirs(fn_args.model_run_dir)
    with tf.io.gfile.GFile(os.path.join(fn_args.model_run_dir, HISTORY), 'w') as stream:
        json.dump(history, stream)

    # TFX names the folder of a serving model inside the artifact; CaffeConverter's artifact holds a Keras file.
    base = embedder.load_base(os.path.join(os.path.dirname(fn_args.base_model), 'base.keras'))
    transform = tft.TFTransformOutput(fn_args.transform_output).transform_features_layer()
    whole = embedder.Embedder(base, transform, **fn_args.custom_config['embedder'])
    serving.export(serving.GenderModel(whole, head), fn_args.serving_model_dir)
    head.save(os.path.join(os.path.dirname(fn_args.serving_model_dir), HEAD))
