# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Steps of the optimizer, worked out by hand: with constant gradients, Adam moves by its rate in each step."""

import keras
import numpy as np
import pytest

from components.fine_tuner.settings import Settings
from pipeline.model.fine_tuning import optimizer

_RATE, _DECAY = 0.01, 0.5


@pytest.fixture
def model() -> keras.Model:
    """A base of four layers, of which the last two and the slopes between them are trained, and a head."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name='frozen')(inputs)
    x = keras.layers.Conv2D(4, 3, name='first')(x)
    x = keras.layers.PReLU(shared_axes=[1, 2], name='slopes')(x)
    x = keras.layers.Conv2D(4, 3, name='last')(x)
    made = keras.Model(inputs, keras.layers.Dense(1, name='head')(keras.layers.GlobalAveragePooling2D()(x)))
    made.get_layer('frozen').trainable = False
    return made


def _changes(model: keras.Model, **settings: float) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Value before the second step and change in it, by variable; the first step has the rate 0."""
    base = [layer for layer in model.layers if layer.name != 'head']
    made = optimizer.build(model, base, Settings(learning_rate=_RATE, **settings), steps=10)
    gradients = [np.full(variable.shape, 3.0, np.float32) for variable in model.trainable_variables]
    start = [variable.numpy() for variable in model.trainable_variables]
    made.apply(gradients)
    before = [variable.numpy() for variable in model.trainable_variables]
    np.testing.assert_array_equal(np.concatenate([*map(np.ravel, before)]), np.concatenate([*map(np.ravel, start)]))
    made.apply(gradients)
    return {
        variable.path: (old, variable.numpy() - old)
        for variable, old in zip(model.trainable_variables, before, strict=True)
    }


def test_the_rate_grows_geometrically_from_the_first_trained_layer_to_the_head(model):
    expected = {'first': 1 / 8, 'slopes': 1 / 4, 'last': 1 / 2, 'head': 1}
    for path, (_, change) in _changes(model, lowest_rate=1 / 8).items():
        np.testing.assert_allclose(change, -_RATE * expected[path.split('/')[0]], rtol=1e-3)


def test_kernels_decay_and_biases_and_slopes_do_not(model):
    for path, (before, change) in _changes(model, weight_decay=_DECAY).items():
        decay = _DECAY if path.endswith('kernel') else 0
        np.testing.assert_allclose(change, -_RATE - _RATE * decay * before, rtol=1e-3, err_msg=path)
