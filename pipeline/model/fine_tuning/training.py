# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Trains the upper layers of the base with the head, epoch by epoch, so that a killed training can resume."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from components.embedding_gen.embedder import pooled
from components.fine_tuner import layers
from components.fine_tuner.settings import Settings
from components.progress import Progress, note
from pipeline.model.fine_tuning import checkpoint as checkpoints
from pipeline.model.fine_tuning.batches import Batches
from pipeline.model.fine_tuning.checkpoint import History
from pipeline.model.head_training import class_weights
from pipeline.model.settings import TrainerSettings


def unfreeze(base: keras.Model, name: str) -> None:
    """Makes the base trainable from the layer `name` on, and freezes the rest; raises as `layers.start_index`.

    Batch normalisation stays frozen, so it runs as in inference: the original training estimated its statistics on more
    faces than fine-tuning has.
    """
    base.trainable = True
    for layer in base.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    start = layers.start_index(name, [(layer.name, bool(layer.trainable_weights)) for layer in base.layers])
    for layer in base.layers[:start]:
        layer.trainable = False


def whole_model(
    base: keras.Model, head: keras.Model, pooling_grid: int, learning_rate: float, steps: int
) -> keras.Model:
    """Returns base and head as one compiled model, which shares their weights.

    Args:
      base: float32 [B, H, W, 3] to float32 [B, h, w, C] or [B, C].
      head: float32 [B, C] to logits, float32 [B, 1].
      pooling_grid: see `embedder.pooled`.
      learning_rate: Adam's peak. The rate rises to it over the first tenth of the steps, because Adam's first steps are
        as large as later ones and would damage the base, and then falls to 0 as a cosine.
      steps: of the whole training.
    """
    rise = max(1, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(steps - rise, 1), warmup_target=learning_rate, warmup_steps=rise
    )
    images = keras.Input(base.inputs[0].shape[1:])
    model = keras.Model(images, head(pooled(base, pooling_grid)(images)))
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(name='accuracy', threshold=0.0)],
        jit_compile=False,  # XLA's convolutions are slower on a CPU
    )
    return model


def _all_layers(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        yield from _all_layers(layer) if isinstance(layer, keras.Model) else [layer]


class FineTuning:
    """One fine-tuning.

    Args:
      model: see `whole_model`.
      train: the training split.
      validation: the validation split, which is not augmented.
      settings: of the fine-tuning.
      trainer: of the head; its `seed` and `class_weights` are used.
      checkpoint: the file to resume from and to write after each epoch; None for no checkpoints.

    Raises:
      RunError: `class_weights` is balanced and the training split lacks a gender.
    """

    def __init__(
        self,
        model: keras.Model,
        train: Batches,
        validation: Batches,
        settings: Settings,
        trainer: TrainerSettings,
        checkpoint: Path | None = None,
    ):
        self._model, self._train, self._settings, self._checkpoint = model, train, settings, checkpoint
        self._seed = trainer.seed
        self._validation = validation.plain()
        self._class_weights = class_weights(train.labels, trainer)
        model.optimizer.build(model.trainable_variables)
        seeds = [layer.seed_generator.state for layer in _all_layers(model) if hasattr(layer, 'seed_generator')]
        # Everything that an epoch changes.
        self._variables = [*model.trainable_variables, *model.optimizer.variables, *seeds]

    def run(self) -> History:
        """Trains, and leaves the model with the weights of the best epoch."""
        epochs, size = self._settings.epochs, self._settings.batch_size
        history, best = self._resumed() or self._started()
        for epoch in range(len(history.loss), epochs):
            label = f'Fine-tuning, epoch {epoch + 1} of {epochs}'
            with Progress(label, self._train.images, 'images') as progress:
                count = keras.callbacks.LambdaCallback(
                    on_train_batch_end=lambda batch, logs, progress=progress: progress.update(
                        min(size, self._train.images - batch * size)  # the last batch may be smaller
                    )
                )
                measured = self._model.fit(
                    self._train.training(epoch, self._settings, self._seed),
                    validation_data=self._validation,
                    shuffle=False,  # the batches are shuffled
                    class_weight=self._class_weights,
                    verbose=0,
                    callbacks=[count],
                ).history
            lowest = min([history.start['val_loss'], *history.val_loss])
            for name, values in measured.items():
                getattr(history, name).append(float(values[0]))
            if history.val_loss[-1] < lowest:
                history.best_epoch, best = epoch + 1, self._trained()
            note(f'{label}: validation loss {history.val_loss[-1]:.4f}, accuracy {history.val_accuracy[-1]:.3f}')
            if self._checkpoint:
                arrays = [variable.numpy() for variable in self._variables]
                checkpoints.save(self._checkpoint, history, [*best, *arrays])
        for variable, value in zip(self._model.trainable_variables, best, strict=True):
            variable.assign(value)
        return history

    def _trained(self) -> list[np.ndarray]:
        return [variable.numpy() for variable in self._model.trainable_variables]

    def _started(self) -> tuple[History, list[np.ndarray]]:
        measured = self._model.evaluate(self._validation, verbose=0, return_dict=True)
        return History({f'val_{name}': float(value) for name, value in measured.items()}), self._trained()

    def _resumed(self) -> tuple[History, list[np.ndarray]] | None:
        """Restores the last completed epoch; returns its history and the best weights, or None without a checkpoint."""
        if not self._checkpoint or not self._checkpoint.is_file():
            return None
        history, arrays = checkpoints.load(self._checkpoint)
        trained = len(self._model.trainable_variables)
        for variable, value in zip(self._variables, arrays[trained:], strict=True):
            variable.assign(value)
        note(f'Fine-tuning: resuming after epoch {len(history.loss)}')
        return history, arrays[:trained]
