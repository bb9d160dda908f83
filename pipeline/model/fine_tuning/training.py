# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Trains the upper layers of the base with the head, epoch by epoch, so that a killed training can resume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

from components.embedding_gen.embedder import pooled
from components.embedding_gen.settings import Settings as EmbeddingSettings
from components.fine_tuner import layers
from components.fine_tuner.settings import Settings
from components.progress import Progress, note
from pipeline.model.fine_tuning import checkpoint as checkpoints, optimizer
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


def whole_models(base: keras.Model, head: keras.Model, embedding: EmbeddingSettings) -> tuple[keras.Model, keras.Model]:
    """Returns base and head as two models that share their weights: to train, and to answer as the exported one.

    They differ where the embeddings of image and mirror image are averaged: training sees one of the two at a time.

    Args:
      base: float32 [B, H, W, 3] to float32 [B, h, w, C] or [B, C].
      head: float32 [B, C] to logits, float32 [B, 1].
      embedding: `pooling_grid` and `mirror` are used.
    """
    images = keras.Input(base.inputs[0].shape[1:])
    embed = pooled(base, embedding.pooling_grid)
    trained = keras.Model(images, head(embed(images)))
    if not embedding.mirror:
        return trained, trained
    return trained, keras.Model(images, head((embed(images) + embed(keras.ops.flip(images, axis=2))) / 2))


def _all_layers(model: keras.Model) -> Iterator[keras.Layer]:
    for layer in model.layers:
        yield from _all_layers(layer) if isinstance(layer, keras.Model) else [layer]


class FineTuning:
    """One fine-tuning.

    Args:
      base: with the layers to train, see `unfreeze`.
      head: the trained head.
      train: the training split.
      validation: the validation split, which is not augmented.
      settings: of the fine-tuning.
      trainer: of the head; its `seed` and `class_weights` are used.
      embedding: see `whole_models`.
      checkpoint: the file to resume from and to write after each epoch; None for no checkpoints.

    Raises:
      RunError: `class_weights` is balanced and the training split lacks a gender.
    """

    def __init__(
        self,
        base: keras.Model,
        head: keras.Model,
        train: Batches,
        validation: Batches,
        settings: Settings,
        trainer: TrainerSettings,
        embedding: EmbeddingSettings,
        checkpoint: Path | None = None,
    ):
        self._train, self._settings, self._checkpoint = train, settings, checkpoint
        self._validation, self._validation_labels = validation.plain(), validation.labels
        self._seed = trainer.seed
        self._class_weights = class_weights(train.labels, trainer)
        self._model, self.answering = whole_models(base, head, embedding)
        self._model.compile(
            optimizer=optimizer.build(self._model, base.layers, settings, train.steps * settings.epochs),
            loss=keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=settings.label_smoothing),
            metrics=[keras.metrics.BinaryAccuracy(name='accuracy', threshold=0.0)],
            jit_compile=False,  # XLA's convolutions are slower on a CPU
        )
        self.weights = self._model.trainable_variables
        seeds = [layer.seed_generator.state for layer in _all_layers(self._model) if hasattr(layer, 'seed_generator')]
        # Everything that an epoch changes.
        self._variables = [*self.weights, *self._model.optimizer.variables, *seeds]

    def run(self) -> History:
        """Trains, and leaves the model with the weights of the kept epoch, see `Settings.restore_best`."""
        epochs, size = self._settings.epochs, self._settings.batch_size
        history, kept, mean = self._resumed() or (History(self._measured()), self._trained(), self._trained())
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
                    shuffle=False,  # the batches are shuffled
                    class_weight=self._class_weights,
                    verbose=0,
                    callbacks=[count],
                ).history
            last = self._trained()
            # The weights after an epoch, then the mean of those after each of the last epochs.
            share = max(1, epoch + 1 - (epochs - self._settings.average_epochs))
            mean = last if share == 1 else [old + (new - old) / share for old, new in zip(mean, last, strict=True)]
            self._assign(mean)
            measured |= {name: [value] for name, value in self._measured().items()}
            lowest = min([history.start['val_loss'], *history.val_loss])
            for name, values in measured.items():
                getattr(history, name).append(float(values[0]))
            if history.val_loss[-1] < lowest or not self._settings.restore_best:
                history.kept_epoch, kept = epoch + 1, mean
            self._assign(last)
            note(f'{label}: validation loss {history.val_loss[-1]:.4f}, accuracy {history.val_accuracy[-1]:.3f}')
            if self._checkpoint:
                arrays = [variable.numpy() for variable in self._variables]
                checkpoints.save(self._checkpoint, history, [*kept, *mean, *arrays])
        self._assign(kept)
        return history

    def _trained(self) -> list[np.ndarray]:
        return [variable.numpy() for variable in self.weights]

    def _assign(self, weights: Sequence[np.ndarray]) -> None:
        for variable, value in zip(self.weights, weights, strict=True):
            variable.assign(value)

    def _measured(self) -> dict[str, float]:
        """Cross-entropy, without L2 and label smoothing, and accuracy on the validation split."""
        logits = self._logits().astype(np.float64)
        women = self._validation_labels == 1
        loss = np.logaddexp(0, np.where(women, -logits, logits)).mean()
        return {'val_loss': float(loss), 'val_accuracy': float(((logits > 0) == women).mean())}

    def _logits(self) -> np.ndarray:
        """Of the validation split, [N]."""
        return np.asarray(self.answering.predict(self._validation, verbose=0)[:, 0])

    def _resumed(self) -> tuple[History, list[np.ndarray], list[np.ndarray]] | None:
        """Restores the last completed epoch; returns its history, the kept and the mean weights, or None."""
        if not self._checkpoint or not self._checkpoint.is_file():
            return None
        history, arrays = checkpoints.load(self._checkpoint)
        trained = len(self.weights)
        for variable, value in zip(self._variables, arrays[2 * trained :], strict=True):
            variable.assign(value)
        note(f'Fine-tuning: resuming after epoch {len(history.loss)}')
        return history, arrays[:trained], arrays[trained : 2 * trained]
