# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Training on embeddings compared with training through the frozen base; determinism, measures, class weights."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics as sk
from sklearn.utils.class_weight import compute_class_weight
from tensorboard.backend.event_processing import event_accumulator

from components.embedding_gen.embedder import pooled
from components.errors import RunError
from pipeline.model.head import build_head, measures
from pipeline.model.head_training import batches, class_weights, train_head
from pipeline.model.settings import TrainerSettings

_SETTINGS = TrainerSettings(hidden_units=(8,), standardize=False, learning_rate=0.01, batch_size=20, epochs=5, seed=4)
_EVERY_OPTION = {
    'hidden_units': [8, 4], 'l2': 0.01, 'standardize': True, 'class_weights': 'balanced', 'epochs': 12,
    'early_stopping_patience': 3, 'restore_best': True, 'monitor': 'val_auc',
}  # fmt: skip


@pytest.fixture(scope='module')
def images():
    """Images whose brightness mostly predicts the label; float32 [90, 12, 12, 3], float32 [90]."""
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
    settings = replace(_SETTINGS, dropout=0.0)
    embeddings = pooled(base).predict(pixels, verbose=0)
    trained = train_head((embeddings[:60], labels[:60]), (embeddings[60:], labels[60:]), settings)
    history = trained.history

    keras.utils.set_random_seed(settings.seed)
    second = build_head(12, settings)
    inputs = keras.Input((12, 12, 3))
    whole = keras.Model(inputs, second(pooled(base)(inputs, training=False)))
    whole.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=measures(),
    )
    through = whole.fit(
        batches(pixels[:60], labels[:60], settings),
        validation_data=(pixels[60:], labels[60:, None]),
        epochs=settings.epochs,
        shuffle=False,
        verbose=0,
    ).history

    assert history['loss'][-1] < history['loss'][0]  # the head has learned
    for name, values in history.items():
        np.testing.assert_allclose(values, through[name], rtol=1e-4, err_msg=name)
    for ours, theirs in zip(trained.head.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize('options', [{}, {'standardize': True}, _EVERY_OPTION], ids=['plain', 'standardize', 'all'])
def test_training_is_reproducible_and_another_seed_gives_other_weights(images, base, options, tmp_path):
    pixels, labels = images
    embeddings = pooled(base).predict(pixels, verbose=0)
    settings = replace(_SETTINGS, **options)
    split = (embeddings[:60], labels[:60]), (embeddings[60:], labels[60:])
    logged = train_head(*split, settings, log_dir=str(tmp_path))
    first, second = logged.head.get_weights(), train_head(*split, settings).head.get_weights()
    other = train_head(*split, replace(settings, seed=5)).head.get_weights()
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.allclose(first[-2], other[-2])


def test_standardising_makes_small_unscaled_features_learnable():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 400).astype(np.float32)
    features = (5 + 1e-3 * (rng.normal(size=(400, 16)) + 2 * (labels - 0.5)[:, None])).astype(np.float32)
    split = (features[:300], labels[:300]), (features[300:], labels[300:])
    settings = replace(_SETTINGS, learning_rate=0.001, epochs=10)
    accuracy = {
        standardize: train_head(*split, replace(settings, standardize=standardize)).history['val_accuracy'][-1]
        for standardize in (False, True)
    }
    assert accuracy[True] > 0.95 > 0.7 > accuracy[False]


@pytest.fixture(scope='module')
def noisy():
    """Features that predict the label weakly, half as many women as men; training and validation split."""
    rng = np.random.default_rng(3)
    labels = (np.arange(360) % 3 == 0).astype(np.float32)
    values = (rng.normal(size=(360, 20)) + 0.35 * labels[:, None]).astype(np.float32)
    return (values[:240], labels[:240]), (values[240:], labels[240:])


@pytest.mark.parametrize('monitor', ['val_loss', 'val_auc'])
def test_the_best_epoch_is_kept_and_training_stops_after_the_patience(noisy, monitor):
    settings = replace(_SETTINGS, epochs=60, monitor=monitor)
    best = train_head(*noisy, replace(settings, early_stopping_patience=4, restore_best=True))
    stopped = train_head(*noisy, replace(settings, early_stopping_patience=4))
    values = np.array(best.history[monitor])
    epochs = len(values)
    assert epochs < settings.epochs
    assert best.kept_epoch == 1 + (values.argmin() if monitor == 'val_loss' else values.argmax()) == epochs - 4
    assert stopped.kept_epoch == epochs
    # The weights are those of an uninterrupted training of as many epochs, which keeps its last one.
    for trained in (best, stopped):
        again = train_head(*noisy, replace(settings, epochs=trained.kept_epoch))
        assert again.kept_epoch == trained.kept_epoch
        for ours, theirs in zip(trained.head.get_weights(), again.head.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    whole = train_head(*noisy, replace(settings, epochs=epochs, restore_best=True))
    assert whole.kept_epoch == best.kept_epoch


def test_the_measures_equal_scikit_learns(noisy):
    trained = train_head(*noisy, _SETTINGS)
    values, labels = noisy[1]
    logits = trained.head.predict(values, verbose=0)[:, 0]
    called = logits > 0
    history = {name: series[-1] for name, series in trained.history.items()}
    assert set(history) == {
        prefix + name for prefix in ('', 'val_') for name in ('loss', 'accuracy', 'auc', 'precision', 'recall')
    }
    assert history['val_accuracy'] == pytest.approx(sk.accuracy_score(labels, called), abs=1e-6)
    assert history['val_precision'] == pytest.approx(sk.precision_score(labels, called), abs=1e-6)
    assert history['val_recall'] == pytest.approx(sk.recall_score(labels, called), abs=1e-6)
    assert history['val_auc'] == pytest.approx(sk.roc_auc_score(labels, logits), abs=5e-3)  # at 200 thresholds
    assert history['val_loss'] == pytest.approx(sk.log_loss(labels, 1 / (1 + np.exp(-logits))), abs=1e-5)


def test_balanced_class_weights_equal_scikit_learns_and_affect_training(noisy):
    (_, labels), (values, expected) = noisy
    weights = class_weights(labels, replace(_SETTINGS, class_weights='balanced'))
    assert weights == pytest.approx(dict(enumerate(compute_class_weight('balanced', classes=np.arange(2), y=labels))))
    assert class_weights(labels, _SETTINGS) is None
    women = {}
    for kind in ('none', 'balanced'):
        trained = train_head(*noisy, replace(_SETTINGS, class_weights=kind))
        women[kind] = float((trained.head.predict(values, verbose=0) > 0).mean())
    assert women['none'] < expected.mean() < women['balanced']
    with pytest.raises(RunError, match='the training split has no female face'):
        class_weights(np.zeros(5, np.float32), replace(_SETTINGS, class_weights='balanced'))


def test_tensorboard_logs_contain_the_measures(noisy, tmp_path):
    trained = train_head(*noisy, _SETTINGS, log_dir=str(tmp_path))
    for split, prefix in (('train', ''), ('validation', 'val_')):
        events = event_accumulator.EventAccumulator(str(tmp_path / split)).Reload()
        for name in ('loss', 'accuracy', 'auc', 'precision', 'recall'):
            logged = [tf.make_ndarray(event.tensor_proto).item() for event in events.Tensors(f'epoch_{name}')]
            assert logged == pytest.approx(trained.history[prefix + name], abs=1e-6)
