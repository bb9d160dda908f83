# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The head on embeddings against training through the frozen base, and its determinism."""

import keras
import numpy as np
import pytest

from components.embedding_gen.embedder import pooled
from pipeline.model import build_head
from pipeline.trainer import batches, train_head

_SETTINGS = {
    'hidden_units': 8, 'dropout': 0.25, 'standardize': False, 'learning_rate': 0.01, 'batch_size': 20, 'epochs': 5,
    'seed': 4,
}  # fmt: skip


@pytest.fixture(scope='module')
def images():
    """Images whose brightness tells the label, mostly; float32 [90, 12, 12, 3], float32 [90]."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 90).astype(np.float32)
    pixels = rng.normal(0, 40, (90, 12, 12, 3)) + 15 * (labels - 0.5)[:, None, None, None]
    return pixels.astype(np.float32), labels


@pytest.fixture(scope='module')
def base():
    keras.utils.set_random_seed(7)
    inputs = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(12, 3, activation='relu', padding='same')(inputs)
    model = keras.Model(inputs, keras.layers.MaxPooling2D()(x))
    model.trainable = False
    return model


def test_training_on_embeddings_equals_training_through_the_frozen_base(images, base):
    pixels, labels = images
    settings = {**_SETTINGS, 'dropout': 0.0}
    embeddings = pooled(base).predict(pixels, verbose=0)
    head, history = train_head((embeddings[:60], labels[:60]), (embeddings[60:], labels[60:]), settings)

    keras.utils.set_random_seed(settings['seed'])
    second = build_head(12, settings)
    inputs = keras.Input((12, 12, 3))
    whole = keras.Model(inputs, second(pooled(base)(inputs, training=False)))
    whole.compile(
        optimizer=keras.optimizers.Adam(settings['learning_rate']),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(name='accuracy', threshold=0.0)],
    )
    through = whole.fit(
        batches(pixels[:60], labels[:60], settings),
        validation_data=(pixels[60:], labels[60:, None]),
        epochs=settings['epochs'],
        shuffle=False,
        verbose=0,
    ).history

    assert history['loss'][-1] < history['loss'][0]  # something was learned at all
    for name, values in history.items():
        np.testing.assert_allclose(values, through[name], rtol=1e-4, err_msg=name)
    for ours, theirs in zip(head.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize('standardize', [False, True])
def test_two_trainings_give_the_same_weights_and_another_seed_gives_others(images, base, standardize):
    pixels, labels = images
    embeddings = pooled(base).predict(pixels, verbose=0)
    settings = {**_SETTINGS, 'standardize': standardize}
    split = (embeddings[:60], labels[:60]), (embeddings[60:], labels[60:])
    first, second = (train_head(*split, settings)[0].get_weights() for _ in range(2))
    other = train_head(*split, {**settings, 'seed': 5})[0].get_weights()
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.allclose(first[-2], other[-2])


def test_standardising_makes_small_unscaled_features_learnable():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 400).astype(np.float32)
    features = (5 + 1e-3 * (rng.normal(size=(400, 16)) + 2 * (labels - 0.5)[:, None])).astype(np.float32)
    split = (features[:300], labels[:300]), (features[300:], labels[300:])
    settings = {**_SETTINGS, 'learning_rate': 0.001, 'epochs': 10}
    accuracy = {
        standardize: train_head(*split, {**settings, 'standardize': standardize})[1]['val_accuracy'][-1]
        for standardize in (False, True)
    }
    assert accuracy[True] > 0.95 > 0.7 > accuracy[False]
