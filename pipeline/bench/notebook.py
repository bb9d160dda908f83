# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The notebook procedure: the head is trained through the whole frozen base, every image again in every epoch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from pipeline.bench import bench_inputs
from pipeline.bench.sizes import Sizes

#: How often an image passes the base: four fifths of them in ten epochs, the other fifth in the test.
PASSES_PER_IMAGE = 10 * 0.8 + 0.2
_BATCH = 20


def measure(work: Path, mode: str, sizes: Sizes) -> dict[str, Any]:
    """Seconds an image of one epoch of Keras' `fit` over decoded images in memory, after one that warms up."""
    import keras
    import numpy as np
    import tensorflow as tf

    from components.embedding_gen import base_model
    from pipeline.model.preprocessing import decode

    size = sizes.input_size
    files = bench_inputs.images(bench_inputs.faces(work), sizes.fitted)
    pixels = np.stack([decode(tf.constant(file.read_bytes()), size, size).numpy() for file in files])
    pixels -= pixels.mean(axis=0)
    labels = np.array([file.parent.name.endswith('F') for file in files], np.float32)[:, np.newaxis]

    base = base_model.load(work / bench_inputs.BASE)
    x = keras.layers.GlobalAveragePooling2D()(base(base.inputs[0], training=False))
    x = keras.layers.Dropout(0.25)(keras.layers.Dense(32, activation='relu')(x))
    model = keras.Model(base.inputs[0], keras.layers.Dense(1)(x))
    model.compile(keras.optimizers.Adam(0.001), keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(pixels[: 2 * _BATCH], labels[: 2 * _BATCH], batch_size=_BATCH, epochs=1, verbose=0)
    started = time.perf_counter()
    model.fit(pixels, labels, batch_size=_BATCH, epochs=1, verbose=0)
    return {'seconds_per_image': (time.perf_counter() - started) / len(files)}
