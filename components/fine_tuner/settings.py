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
    learning_rate: float = setting(0.0001, "Adam's learning rate, for the base and the head", low=1e-9, high=1)
    batch_size: int = setting(20, 'images a step', low=1, high=1024)
    epochs: int = setting(
        8, 'passes over the training split; the one with the lowest validation loss is kept', low=1, high=10_000
    )
    flip: bool = setting(True, 'mirror half of the training images, randomly each epoch')
    crop: float = setting(
        0.15, 'largest share of height and width cropped from a training image before resizing', low=0, high=0.9
    )
