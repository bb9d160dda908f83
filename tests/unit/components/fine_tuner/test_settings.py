# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""FineTuner's settings, and the check of the first layer to train."""

from types import SimpleNamespace

import pytest

from components.errors import InputError
from components.fine_tuner import layers
from components.fine_tuner.settings import Settings

_LAYERS = [('input', False), ('conv1', True), ('bn1', False), ('conv2', True), ('relu2', False)]


def test_settings_survive_json():
    settings = Settings(unfreeze_from='conv2', epochs=3, flip=False, crop=0)
    assert Settings.from_json(settings.to_json()) == settings
    assert Settings().unfreeze_from is None


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'crop': 1.0}, 'fine_tuning.crop: expected at least 0 and at most 0.9, found 1.0'),
        ({'epochs': 0}, 'fine_tuning.epochs: expected at least 1 and at most 10000, found 0'),
        ({'batch_size': 'many'}, "fine_tuning.batch_size: expected a whole number, found 'many'"),
        ({'unfreeze_from': 5}, 'fine_tuning.unfreeze_from: expected text, found 5'),
        ({'unfreeze': 'conv1'}, 'fine_tuning.unfreeze: no such key; did you mean fine_tuning.unfreeze_from?'),
    ],
)
def test_bad_values_are_refused_by_name(values, message):
    with pytest.raises(InputError) as caught:
        Settings.from_dict(values)
    assert str(caught.value) == message


@pytest.mark.parametrize(('name', 'index'), [('input', 0), ('conv1', 1), ('bn1', 2), ('conv2', 3)])
def test_training_may_start_at_any_layer_that_weights_follow(name, index):
    assert layers.start_index(name, _LAYERS) == index


@pytest.mark.parametrize(('name', 'reason'), [('conv9', 'the base has no such'), ('relu2', 'no layer with weights')])
def test_other_layers_are_refused_with_the_possible_ones(name, reason):
    with pytest.raises(InputError, match=rf"^fine_tuning\.unfreeze_from: '{name}': {reason} .*weights: conv1, conv2$"):
        layers.start_index(name, _LAYERS)


def test_the_check_before_a_run_ignores_batch_normalisation():
    rows = [('conv1', 'Convolution', 10), ('bn1', 'BatchNorm', 4), ('relu1', 'ReLU', 0)]
    network = SimpleNamespace(
        layers=[SimpleNamespace(keras_name=name, type=kind, parameters=count) for name, kind, count in rows]
    )
    layers.check(None, network)
    layers.check('conv1', network)
    with pytest.raises(InputError, match='no layer with weights follows it; layers with weights: conv1'):
        layers.check('bn1', network)
