# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The optimizer of fine-tuning: Adam with decoupled weight decay and a learning rate for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from components.fine_tuner.settings import Settings


class LayerwiseAdam(keras.optimizers.Adam):
    """Adam whose learning rate is multiplied by a factor for each variable, in the order of `build`."""

    def __init__(self, *args: Any, factors: Sequence[float], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._factors = list(factors)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """See Keras."""
        super().update_step(gradient, variable, learning_rate * self._factors[self._get_variable_index(variable)])


def build(model: keras.Model, layers: Sequence[keras.Layer], settings: Settings, steps: int) -> LayerwiseAdam:
    """Returns the optimizer of a model's trainable variables.

    The rate rises to its peak over the first tenth of the steps, because Adam's first steps are as large as later ones
    and would damage the base, and then falls to 0 as a cosine. Weights are decayed as by Loshchilov and Hutter
    (Decoupled weight decay regularization, ICLR 2019); biases, slopes and scales are not.

    Args:
      model: the whole model.
      layers: the layers of the base, in the order of the network. The rate grows geometrically from `lowest_rate` in
        the first trained one to 1 in the head.
      settings: of the fine-tuning.
      steps: of the whole training.
    """
    rise = max(1, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(steps - rise, 1), warmup_target=settings.learning_rate, warmup_steps=rise
    )
    trained = [layer for layer in layers if layer.trainable_variables]
    factors = {
        variable.path: settings.lowest_rate ** (1 - number / len(trained))
        for number, layer in enumerate(trained)
        for variable in layer.trainable_variables
    }
    ordered = [factors.get(variable.path, 1.0) for variable in model.trainable_variables]
    optimizer = LayerwiseAdam(rate, weight_decay=settings.weight_decay or None, factors=ordered)
    optimizer.exclude_from_weight_decay([one for one in model.trainable_variables if 'kernel' not in one.name])
    optimizer.build(model.trainable_variables)
    return optimizer
