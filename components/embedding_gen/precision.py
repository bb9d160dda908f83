# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The precision in which the base computes. Importing this module imports neither Keras nor TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import InputError

if TYPE_CHECKING:
    import keras

FLOAT32, BFLOAT16 = 'float32', 'bfloat16'

#: Names in /proc/cpuinfo of the instructions that multiply bfloat16 in hardware.
_FLAGS = ('avx512_bf16', 'amx_bf16')
_CPUINFO, _GPU = Path('/proc/cpuinfo'), Path('/dev/nvidia0')


def supported(cpuinfo: Path = _CPUINFO, gpu: Path = _GPU) -> bool:
    """Returns whether this machine computes bfloat16 in hardware; without it, bfloat16 is slower than float32."""
    flags = cpuinfo.read_text(errors='replace').split() if cpuinfo.is_file() else []
    return gpu.exists() or any(flag in flags for flag in _FLAGS)


def check(precision: str) -> None:
    """Raises InputError if this machine has no hardware for `precision`."""
    if precision == BFLOAT16 and not supported():
        raise InputError(
            f'embedding.precision is bfloat16, but this processor has none of {", ".join(_FLAGS)} and would be slower '
            'than in float32: leave it at float32'
        )


def in_precision(model: keras.Model, precision: str) -> keras.Model:
    """Returns a functional float32 model in another precision; its weights and inputs stay float32.

    `FLOAT32` returns the model itself; `BFLOAT16` is Keras' policy `mixed_bfloat16`.
    """
    if precision == FLOAT32:
        return model
    import keras

    def converted(layer: Any) -> Any:
        config = layer.get_config()
        if not isinstance(layer, keras.layers.InputLayer):
            config['dtype'] = 'mixed_bfloat16'
        return type(layer).from_config(config)

    clone = keras.models.clone_model(model, clone_function=converted)
    clone.set_weights(model.get_weights())
    clone.trainable = model.trainable
    return clone
