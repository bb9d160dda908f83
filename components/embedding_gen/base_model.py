# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Loads a frozen base. Imports TensorFlow and Keras, neither TFX nor Beam."""

from __future__ import annotations

from pathlib import Path

import keras

import components.caffe_converter.keras_layers  # noqa: F401  registers the layers that a base may contain
from components.errors import InputError
from components.io.files import local_file


def load(path: str | Path) -> keras.Model:
    """Loads the frozen base.

    Args:
      path: a `.keras` file, on this machine or in a bucket.

    Returns:
      The model, not trainable: float32 [B, H, W, 3] (BGR, 0-255 minus the mean image) to float32 [B, h, w, C] or
      [B, C].

    Raises:
      InputError: the file is not a Keras model, or loading it would run code that it contains.
      OSError: the file cannot be read from its bucket.
    """
    # Outside `try`: a bucket error is no fault of the file, and the read can be repeated.
    with local_file(path) as file:
        try:
            base = keras.models.load_model(file, compile=False, safe_mode=True)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(
                f'{path}: not a Keras model that can be loaded safely ({str(error).splitlines()[0]})'
            ) from error
    base.trainable = False
    return base
