# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""In which numbers the base computes. Imports nothing heavy before it is asked for a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import InputError

if TYPE_CHECKING:
    import keras

FLOAT32, BFLOAT16 = 'float32', 'bfloat16'

#: Names of /proc/cpuinfo for processors that multiply bfloat16 in hardware.
_FLAGS = ('avx512_bf16', 'amx_bf16')
_CPUINFO, _GPU = Path('/proc/cpuinfo'), Path('/dev/nvidia0')


def supported(cpuinfo: Path = _CPUINFO, gpu: Path = _GPU) -> bool:
    """Whether the processor or a GPU of this machine computes in bfloat16; without, it is slower than float32."""
    flags = cpuinfo.read_text(errors='replace').split() if cpuinfo.is_file() else []
    return gpu.exists() or any(flag in flags for flag in _FLAGS)


def check(precision: str) -> None:
    """Refuses a precision that this machine has no instructions for.

    Raises:
      InputError: what to do instead.
    """
    if precision == BFLOAT16 and not supported():
        raise InputError(
            f'embedding.precision is bfloat16, but this processor has none of {", ".join(_FLAGS)} and would be slower '
            'than in float32: leave it at float32'
        )


def in_precision(model: keras.Model, precision: str) -> keras.Model:
    """The same model computing in another precision; its weights, inputs and what is loaded from it stay float32.

    Args:
      model: a functional model with layers of float32.
      precision: 'float32', which returns the model itself, or 'bfloat16', Keras' policy `mixed_bfloat16`.
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
