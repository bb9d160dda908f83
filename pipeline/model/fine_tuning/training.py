# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Training the upper layers of the base with the head, epoch by epoch, so that it can go on after a kill."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from components.embedding_gen.embedder import pooled
from components.fine_tuner import layers
from components.fine_tuner.settings import Settings
from components.progress import Progress
from pipeline.model.fine_tuning import checkpoint as checkpoints
from pipeline.model.fine_tuning.batches import Batches
from pipeline.model.head_training import class_weights
from pipeline.model.settings import TrainerSettings


def unfreeze(base: keras.Model, name: str) -> None:
    """Lets the base's layers be trained from one on, in the order of the network, and no other.

    Batch normalisation stays as it is everywhere, which in Keras means that it also runs as in inference: the network's
    own training saw more faces than small batches of few can replace.

    Raises:
      InputError: see `layers.first`.
    """
    base.trainable = True
    for layer in base.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    start = layers.first(name, [(layer.name, bool(layer.trainable_weights)) for layer in base.layers])
    for layer in base.layers[:start]:
        layer.trainable = False


def whole_model(
    base: keras.Model, head: keras.Model, pooling_grid: int, learning_rate: float, steps: int
) -> keras.Model:
    """Base and head as one compiled model; it shares their weights.

    Args:
      base: float32 [B, H, W, 3] to float32 [B, h, w, C] or [B, C].
      head: float32 [B, C] to logits, float32 [B, 1].
      pooling_grid: see `embedder.pooled`.
      learning_rate: Adam's highest. It rises to it over the first tenth of the steps, because Adam's first steps are
        as large as all others and would undo what the base knows, and falls to 0 as a cosine.
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


def _counter(progress: Progress, images: int) -> Callable[..., None]:
    return lambda batch, logs: progress.update(images)


class FineTuning:
    """One fine-tuning.

    Args:
      model: see `whole_model`.
      train: the training split.
      validation: what each epoch is measured on, not augmented.
      settings: of the fine-tuning.
      trainer: of the head; its `seed` and `class_weights` hold here too.
      checkpoint: the file to go on from and to write after each epoch; None for none.

    Raises:
      RunError: `class_weights` is balanced and a gender is missing.
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
        chance = [layer.seed_generator.state for layer in _all_layers(model) if hasattr(layer, 'seed_generator')]
        # All that an epoch changes.
        self._variables = [*model.trainable_variables, *model.optimizer.variables, *chance]

    def run(self) -> dict[str, Any]:
        """Trains, and leaves the model with the weights of the best epoch.

        Returns:
          'loss', 'accuracy', 'val_loss' and 'val_accuracy' after each epoch; 'start', the last two before the first;
          'best_epoch', of the lowest validation loss, counted from 1, or 0 where no epoch was better than the start.
        """
        epochs, size = self._settings.epochs, self._settings.batch_size
        history, best = self._resumed() or self._started()
        for epoch in range(len(history['loss']), epochs):
            label = f'Fine-tuning, epoch {epoch + 1} of {epochs}'
            with Progress(label, self._train.images, 'images') as progress:
                count = keras.callbacks.LambdaCallback(on_train_batch_end=_counter(progress, size))
                measured = self._model.fit(
                    self._train.training(epoch, self._settings, self._seed),
                    validation_data=self._validation,
                    shuffle=False,  # the batches are
                    class_weight=self._class_weights,
                    verbose=0,
                    callbacks=[count],
                ).history
            for name, values in measured.items():
                history[name].append(float(values[0]))
            loss = history['val_loss'][-1]
            if loss < min([history['start']['val_loss'], *history['val_loss'][:-1]]):
                history['best_epoch'], best = epoch + 1, self._trained()
            print(
                f'{label}: validation loss {loss:.4f}, accuracy {history["val_accuracy"][-1]:.3f}',
                file=sys.stderr,
                flush=True,
            )
            if self._checkpoint:
                arrays = [variable.numpy() for variable in self._variables]
                checkpoints.save(self._checkpoint, history, [*best, *arrays])
        for variable, value in zip(self._model.trainable_variables, best, strict=True):
            variable.assign(value)
        return history

    def _trained(self) -> list[np.ndarray]:
        return [variable.numpy() for variable in self._model.trainable_variables]

    def _started(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        measured = self._model.evaluate(self._validation, verbose=0, return_dict=True)
        start = {f'val_{name}': float(value) for name, value in measured.items()}
        history: dict[str, Any] = {name: [] for name in (*measured, *start)}
        return {**history, 'start': start, 'best_epoch': 0}, self._trained()

    def _resumed(self) -> tuple[dict[str, Any], list[np.ndarray]] | None:
        """The state after the last epoch that was completed, or None; sets the variables to it."""
        if not self._checkpoint or not self._checkpoint.is_file():
            return None
        history, arrays = checkpoints.load(self._checkpoint)
        trained = len(self._model.trainable_variables)
        for variable, value in zip(self._variables, arrays[trained:], strict=True):
            variable.assign(value)
        print(f'Fine-tuning: going on after epoch {len(history["loss"])}', file=sys.stderr, flush=True)
        return history, arrays[:trained]
