# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The head: layers, shapes, initial weights, loss."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from pipeline.model.head import build_head
from pipeline.model.settings import TrainerSettings

_SETTINGS = TrainerSettings(hidden_units=(8,), standardize=False, seed=4)
_EMBEDDINGS = np.random.default_rng(0).normal(3, 2, (50, 5)).astype(np.float32)


def _weights(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(keras.initializers.GlorotUniform(seed=seed)(shape))


def test_layers_come_in_order_with_their_sizes():
    head = build_head(5, replace(_SETTINGS, hidden_units=(8, 3), standardize=True), _EMBEDDINGS)
    assert [(layer.name, layer.output.shape[1]) for layer in head.layers] == [
        ('embedding', 5), ('standardize', 5), ('hidden', 8), ('dropout', 8), ('hidden_2', 3), ('dropout_2', 3),
        ('logit', 1),
    ]  # fmt: skip
    assert head(_EMBEDDINGS).shape == (50, 1)


def test_without_hidden_units_it_is_logistic_regression():
    head = build_head(5, replace(_SETTINGS, hidden_units=()))
    assert [layer.name for layer in head.layers] == ['embedding', 'logit']
    np.testing.assert_array_equal(head.get_layer('logit').kernel, _weights(6, (5, 1)))
    np.testing.assert_array_equal(head.get_layer('logit').bias, [0])


@pytest.mark.parametrize(
    'options',
    [{}, {'l2': 0.01, 'standardize': True}, {'hidden_units': (8, 4)}, {'hidden_units': (8, 4, 2), 'dropout': 0.5}],
)
def test_each_layer_has_its_own_seed_whatever_the_other_options(options):
    head = build_head(5, replace(_SETTINGS, **options), _EMBEDDINGS)
    kernels = {layer.name: np.asarray(layer.kernel) for layer in head.layers if isinstance(layer, keras.layers.Dense)}
    seeds = {'hidden': 4, 'logit': 6, 'hidden_2': 7, 'hidden_3': 9}
    for name, kernel in kernels.items():
        np.testing.assert_array_equal(kernel, _weights(seeds[name], kernel.shape), err_msg=name)
    other = build_head(5, replace(_SETTINGS, seed=5))
    assert not np.array_equal(other.get_layer('hidden').kernel, kernels['hidden'])


def test_standardising_gives_zero_mean_and_unit_variance():
    head = build_head(5, replace(_SETTINGS, standardize=True), _EMBEDDINGS)
    scaled = np.asarray(head.get_layer('standardize')(_EMBEDDINGS))
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.var(axis=0), 1, rtol=1e-4)


def test_the_loss_is_the_cross_entropy_of_logits_plus_l2_of_every_kernel():
    head = build_head(5, replace(_SETTINGS, l2=0.02))
    labels = (np.arange(50) % 2).astype(np.float32)[:, np.newaxis]
    weights, bias, last, last_bias = head.get_weights()
    logits = np.maximum(_EMBEDDINGS @ weights + bias, 0) @ last + last_bias
    entropy = np.mean(np.log1p(np.exp(logits)) - labels * logits)
    expected = entropy + 0.02 * ((weights**2).sum() + (last**2).sum())
    assert head.evaluate(_EMBEDDINGS, labels, verbose=0, return_dict=True)['loss'] == pytest.approx(expected, rel=1e-5)
