# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""How base and head are trained together."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import Settings as Base, setting


@dataclass(frozen=True)
class Settings(Base):
    """How base and head are trained together."""

    SECTION = 'fine_tuning'

    unfreeze_from: str | None = setting(
        None, 'first base layer to fine-tune after the head is trained, e.g. conv5_1; null: no fine-tuning'
    )
    learning_rate: float = setting(
        0.0001, "Adam's learning rate for the head, and for the base unless lowest_rate is below 1", low=1e-9, high=1
    )
    lowest_rate: float = setting(
        1.0,
        'learning rate of the first trained layer as a share of learning_rate; it grows layer by layer to the head',
        low=1e-6,
        high=1,
    )
    weight_decay: float = setting(
        0.0, 'share of each kernel subtracted in a step, times the learning rate (AdamW); 0: none', low=0, high=1
    )
    label_smoothing: float = setting(
        0.0, 'S: the loss asks for probabilities of S/2 and 1 - S/2 instead of 0 and 1', low=0, high=0.9
    )
    batch_size: int = setting(20, 'images a step', low=1, high=1024)
    epochs: int = setting(8, 'passes over the training split', low=1, high=10_000)
    restore_best: bool = setting(
        True,
        'keep the weights of the epoch with the lowest validation loss, or none of the changes; false: the last epoch',
    )
    average_epochs: int = setting(
        1, 'N: each of the last N epochs is judged, and kept, with the mean of the weights since they began', low=1
    )
    flip: bool = setting(True, 'mirror half of the training images, randomly each epoch')
    crop: float = setting(
        0.15, 'largest share of height and width cropped from a training image before resizing', low=0, high=0.9
    )
    zoom_out: float = setting(
        0.0,
        'largest share by which a training image is shrunk before that; its edge is mirrored around it',
        low=0,
        high=0.5,
    )
    rotation: float = setting(0.0, 'largest angle by which a training image is rotated, in degrees', low=0, high=45)
    brightness: float = setting(
        0.0, 'largest change of brightness of a training image, as a share of white', low=0, high=0.9
    )
    contrast: float = setting(
        0.0, 'largest change of contrast of a training image, as a share of its own', low=0, high=0.9
    )

    def check(self) -> None:
        """See the base class."""
        if self.average_epochs > self.epochs:
            self.fail('average_epochs', f'at most fine_tuning.epochs, {self.epochs}')
