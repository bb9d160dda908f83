# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The head: what is trained on top of the frozen base's embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


def build_head(size: int, settings: Mapping[str, Any], embeddings: np.ndarray | None = None) -> keras.Model:
    """Builds and compiles the head.

    Args:
      size: C, how many values an embedding has.
      settings: the configuration's `trainer` section as a mapping.
      embeddings: float32 [N, C], the training split's; `standardize` is fitted to them, nothing else needs them.

    Returns:
      A compiled model from float32 [B, C] to logits, float32 [B, 1]; above 0 means female. Its initial weights depend
      on the seed only.
    """
    seed = settings['seed']
    inputs = keras.Input([size], name='embedding')
    x = inputs
    if settings['standardize']:
        scale = keras.layers.Normalization(name='standardize')
        scale.adapt(embeddings)
        x = scale(x)
    # Seeds of their own, so that adding a layer does not change what the others start from.
    x = keras.layers.Dense(
        settings['hidden_units'],
        activation='relu',
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        name='hidden',
    )(x)
    x = keras.layers.Dropout(settings['dropout'], seed=seed + 1, name='dropout')(x)
    logit = keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(seed=seed + 2), name='logit')(x)
    head = keras.Model(inputs, logit, name='head')
    head.compile(
        optimizer=keras.optimizers.Adam(settings['learning_rate']),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(name='accuracy', threshold=0.0)],
    )
    return head
