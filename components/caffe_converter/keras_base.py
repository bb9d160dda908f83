# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What the converter's own Keras layers share: registration, configuration, Caffe's axis order."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from components.caffe_converter.layers.base import stored_order

#: Keras' name for the origin of our layers in saved files.
PACKAGE = 'caffe_converter'

register = keras.saving.register_keras_serializable(package=PACKAGE)


class Configured(keras.layers.Layer):
    """A layer whose constructor takes keyword arguments and keeps them as attributes and as its saved configuration.

    A subclass lists their names: `class Pooling(Configured, arguments='method kernel')`.
    """

    def __init_subclass__(cls, arguments: str = '', **kwargs: Any):
        super().__init_subclass__(**kwargs)
        cls._arguments = arguments.split()

    def __init__(self, **values: Any):
        given = {name: values.pop(name) for name in self._arguments if name in values}
        super().__init__(**values)
        if len(given) < len(self._arguments):
            raise TypeError(f'{type(self).__name__}: expected {self._arguments}, found {list(given)}')
        for name, value in given.items():
            # A saved file has lists for some tuples, and Keras would wrap a list.
            setattr(self, name, tuple(value) if isinstance(value, list) else value)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), **{name: getattr(self, name) for name in self._arguments}}


def to_caffe(x: Any) -> Any:
    """Moves a stored tensor to Caffe's axis order."""
    return ops.transpose(x, (0, 3, 1, 2)) if len(x.shape) == 4 else x


def to_keras(x: Any) -> Any:
    """Moves a tensor in Caffe's axis order to the stored order."""
    return ops.transpose(x, stored_order(4)) if len(x.shape) == 4 else x
