# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The search for the head's settings: its trials, its best trial, and that it prints nothing."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from components.errors import RunError
from pipeline.model.head_training import train_head, with_values
from pipeline.model.settings import TUNED, TrainerSettings, TunerSettings
from pipeline.model.tuner import HeadTuner, folds, search_space

_TRAINER = TrainerSettings(hidden_units=(6,), learning_rate=1e-5, epochs=3, seed=1)
_TUNER = TunerSettings(enabled=True, trials=4, hidden_units=(2, 16), learning_rate=(1e-3, 1e-1))


@pytest.fixture(scope='module')
def splits():
    """Features that predict the label; training and validation split."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300).astype(np.float32)
    values = (rng.normal(size=(300, 12)) + 0.5 * labels[:, None]).astype(np.float32)
    return (values[:200], labels[:200]), (values[200:], labels[200:])


def _searched(splits, folder, **changed):
    tuner = HeadTuner(replace(_TUNER, **changed), _TRAINER, str(folder))
    tuner.search(*splits)
    return tuner


def _trials(tuner):
    return [(trial.hyperparameters.values, trial.score) for trial in tuner.oracle.trials.values()]


@pytest.mark.parametrize('objective', ['val_auc', 'val_loss'])
def test_the_best_trial_scores_as_the_head_that_trainer_trains(splits, tmp_path, monkeypatch, capfd, objective):
    monkeypatch.chdir(tmp_path)
    tuner = _searched(splits, tmp_path / 'work', objective=objective)
    tuner.search_space_summary()
    tuner.results_summary()
    assert [path.name for path in tmp_path.iterdir()] == ['work']
    assert capfd.readouterr().out == ''
    trials = _trials(tuner)
    assert len(trials) == 4
    first = {name: getattr(_TRAINER, name) for name in TUNED}
    assert trials[0][0] == {**first, 'hidden_units': 6}
    for values, _ in trials[1:]:
        assert set(values) == set(TUNED)
        assert all(low <= values[name] <= high for name, (low, high) in _TUNER.ranges().items())

    best = tuner.get_best_hyperparameters()[0].values
    trained = train_head(*splits, with_values(_TRAINER, best))
    logits = trained.head.predict(splits[1][0], verbose=0)[:, 0]
    scores = [score for _, score in trials]
    if objective == 'val_auc':
        assert max(scores) == pytest.approx(sk.roc_auc_score(splits[1][1], logits), abs=5e-3)
        assert max(scores) > scores[0] + 0.02  # a learning rate of 1e-5 teaches nothing in three epochs
    else:
        assert min(scores) == pytest.approx(sk.log_loss(splits[1][1], 1 / (1 + np.exp(-logits))), abs=1e-5)
        assert min(scores) < scores[0] - 0.02


def test_folds_cover_train_and_validation_once_with_equal_shares_of_each_gender(splits):
    (train, train_labels), (validation, validation_labels) = splits
    pairs = folds(*splits, replace(_TUNER, folds=4))
    assert len(pairs) == 4
    held_out = np.concatenate([scored for _, (scored, _) in pairs])
    everything = np.concatenate([train, validation])
    np.testing.assert_array_equal(np.sort(held_out, axis=0), np.sort(everything, axis=0))
    women = np.concatenate([train_labels, validation_labels]).sum()
    for (inputs, labels), (scored, scored_labels) in pairs:
        assert abs(scored_labels.sum() - women / 4) <= 1
        assert len(inputs) + len(scored) == 300
        assert not set(map(tuple, inputs)) & set(map(tuple, scored))
        predicts = dict(zip(map(tuple, everything), [*train_labels, *validation_labels], strict=True))
        assert [predicts[tuple(row)] for row in inputs] == list(labels)
    other = folds(*splits, replace(_TUNER, folds=4, seed=1))
    assert not np.array_equal(other[0][1][0], pairs[0][1][0])
    assert folds(*splits, _TUNER) == [splits]


def test_with_folds_a_trial_scores_as_the_mean_over_its_heads(splits, tmp_path):
    tuner = _searched(splits, tmp_path, folds=3, trials=2, objective='val_loss')
    values, score = _trials(tuner)[1]
    losses = []
    for train, validation in folds(*splits, replace(_TUNER, folds=3)):
        head = train_head(train, validation, with_values(_TRAINER, values)).head
        logits = head.predict(validation[0], verbose=0)[:, 0]
        losses.append(sk.log_loss(validation[1], 1 / (1 + np.exp(-logits))))
    assert score == pytest.approx(np.mean(losses), abs=1e-5)


def test_a_search_is_reproducible_and_another_seed_tries_other_values(splits, tmp_path):
    first, second = (_trials(_searched(splits, tmp_path / name, trials=3)) for name in 'ab')
    assert first == second
    other = _trials(_searched(splits, tmp_path / 'c', seed=1, trials=2))
    assert other[0] == first[0]
    assert other[1][0] != first[1][0]


def test_keys_without_a_range_and_units_of_heads_without_layers_are_not_searched():
    one = search_space(replace(_TUNER, dropout=(), learning_rate=()), _TRAINER)
    assert [parameter.name for parameter in one.space] == ['hidden_units', 'l2']
    none = search_space(_TUNER, replace(_TRAINER, hidden_units=()))
    assert [parameter.name for parameter in none.space] == ['learning_rate', 'l2']


def test_values_override_the_configuration_in_every_layer():
    settings = replace(_TRAINER, hidden_units=(32, 32))
    tuned = with_values(settings, {'hidden_units': 20, 'learning_rate': 0.5})
    assert tuned == replace(settings, hidden_units=(20, 20), learning_rate=0.5)
    assert with_values(settings, {}) == settings


def test_a_search_without_a_finite_score_fails_with_one_line(splits, tmp_path):
    (values, labels), validation = splits
    broken = (np.full_like(values, np.nan), labels)
    tuner = HeadTuner(replace(_TUNER, trials=2, objective='val_loss'), _TRAINER, str(tmp_path))
    with pytest.raises(RunError, match=r'^all 2 tuning trials failed') as caught:
        tuner.search(broken, validation)
    assert '\n' not in str(caught.value)
