# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A base whose input has the wrong range is noticed, and one with the right range is not."""

import keras
import numpy as np
import pytest

from components.embedding_gen import input_check


@pytest.fixture(scope='module')
def base():
    """Two convolutions with batch normalisation whose statistics fit inputs of about -1 to 1."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input([16, 16, 3])
    x = inputs
    for _ in range(2):
        x = keras.layers.Conv2D(8, 3, use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.0)(x)
        x = keras.layers.ReLU()(x)
    model = keras.Model(inputs, keras.layers.Flatten()(x))
    model(_images(64), training=True)  # momentum 0 takes the statistics of this batch
    return model


def _images(count: int, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(count).uniform(-scale, scale, (count, 16, 16, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ('scale', 'expected'),
    [(1, ''), (0.3, ''), (2, ''), (1 / 128, input_check.SMALL), (128, input_check.LARGE)],
)
def test_only_a_range_far_from_the_training_is_doubted(base, scale, expected):
    def embed(images):
        return base(images, training=False).numpy()

    images = _images(16, scale)
    assert input_check.doubt(images, embed(images), embed) == expected


def test_a_linear_network_without_batch_normalisation_is_not_doubted():
    images = _images(16)
    assert input_check.doubt(images, images.reshape(16, -1), None) == ''


def test_few_different_images_are_not_judged():
    def embed(images):
        raise AssertionError('not needed')

    images = np.repeat(_images(7, 1e-6), 3, axis=0)
    assert input_check.doubt(images, images.reshape(21, -1), embed) == ''
