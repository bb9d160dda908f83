# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Tuner's entry point: a random search for better settings of the head, on embeddings.

Random search (Bergstra and Bengio, JMLR 2012), because Keras Tuner's Bayesian search took 4 to 8 s to choose a trial of
four settings, and a head trains in 2 s.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import keras_tuner
import numpy as np

from components.errors import RunError
from components.progress import Progress
from pipeline.model.head_training import class_weights, read_embeddings, train_head, with_values
from pipeline.model.settings import BETTER, TrainerSettings, TunerSettings

if TYPE_CHECKING:
    from tfx.components.trainer.fn_args_utils import FnArgs
    from tfx.components.tuner.component import TunerFnResult

#: Embeddings, float32 [N, C], and labels, float32 [N].
Split = tuple[np.ndarray, np.ndarray]

#: File names in the outputs `best_hyperparameters` and `tuner_results` of TFX's Tuner.
BEST, RESULTS = 'best_hyperparameters.txt', 'tuner_results.json'


def search_space(tuner: TunerSettings, trainer: TrainerSettings) -> keras_tuner.HyperParameters:
    """Returns the ranges as Keras Tuner's; without hidden layers, units and dropout are not searched."""
    space = keras_tuner.HyperParameters()
    for name, limits in tuner.ranges().items():
        if not limits or (name in ('hidden_units', 'dropout') and not trainer.hidden_units):
            continue
        low, high = limits
        if name == 'hidden_units':
            space.Int(name, low, high, sampling='log')
        else:
            space.Float(name, low, high, sampling='linear' if name == 'dropout' else 'log')
    return space


def folds(train: Split, validation: Split, tuner: TunerSettings) -> list[tuple[Split, Split]]:
    """Returns the pairs (to train on, to score on): the two splits, or `tuner.folds` folds of both together.

    Each fold has the same share of each gender, give or take one face.
    """
    if not tuner.folds:
        return [(train, validation)]
    inputs, labels = (np.concatenate(parts) for parts in zip(train, validation, strict=True))
    order = np.random.default_rng(tuner.seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind='stable')]
    fold = np.empty(len(labels), int)
    fold[order] = np.arange(len(labels)) % tuner.folds
    parts = (fold == number for number in range(tuner.folds))
    return [((inputs[~part], labels[~part]), (inputs[part], labels[part])) for part in parts]


def _scores(train: Split, validation: Split, settings: TrainerSettings) -> tuple[float, float]:
    keras.backend.clear_session()
    trained = train_head(train, validation, settings, quiet=True)
    logits = trained.head(validation[0], training=False)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)(validation[1][:, np.newaxis], logits)
    return trained.history['val_auc'][trained.kept_epoch - 1], float(loss)


class _Oracle(keras_tuner.oracles.RandomSearchOracle):
    """Random search that tries the configured values first; its best trial is at least as good."""

    def __init__(self, configured: Mapping[str, Any], **options: Any):
        super().__init__(**options)
        self._configured = configured

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns the values of the next trial, see `keras_tuner.Oracle`."""
        if not self.start_order:
            return {'status': 'RUNNING', 'values': dict(self._configured)}
        return super().populate_space(trial_id)


class HeadTuner(keras_tuner.Tuner):
    """Trains a head in each trial, as Trainer does, and scores it on the validation split or over `tuner.folds`.

    `trainer` has the epochs of a trial; `directory` is for the search's state.
    """

    def __init__(self, tuner: TunerSettings, trainer: TrainerSettings, directory: str):
        space = search_space(tuner, trainer)
        configured = {parameter.name: getattr(trainer, parameter.name) for parameter in space.space}
        if 'hidden_units' in configured:
            configured['hidden_units'] = trainer.hidden_units[0]  # one size for all layers
        oracle = _Oracle(
            configured,
            objective=keras_tuner.Objective(tuner.objective, BETTER[tuner.objective]),
            max_trials=tuner.trials,
            hyperparameters=space,
            seed=tuner.seed + 1,  # Keras Tuner replaces 0 by a random seed
            max_consecutive_failed_trials=tuner.trials + 1,  # never: one completed trial is enough
        )
        oracle.verbose = 0  # otherwise it prints tables to standard output
        super().__init__(oracle, directory=directory, project_name='trials', overwrite=True)
        self._settings, self._tuner = trainer, tuner
        self._progress = Progress('Tuning the head', tuner.trials, 'trials')

    def search(self, train: Split, validation: Split) -> None:
        """Runs all trials; raises RunError if every trial fails."""
        with self._progress:
            super().search(pairs=folds(train, validation, self._tuner))
        trials = list(self.oracle.trials.values())
        if not any(trial.status == 'COMPLETED' for trial in trials):
            why = next((trial.message for trial in trials if trial.message), 'the scores are not finite')
            logging.error('All tuning trials failed; the first message: %s', why)
            raise RunError(
                f'all {len(trials)} tuning trials failed ({why.strip().splitlines()[-1]}); if the training diverges, '
                'lower tuner.learning_rate'
            )

    def run_trial(self, trial: Any, pairs: Sequence[tuple[Split, Split]]) -> dict[str, float]:
        """Trains the trial's head on the first split of each pair; returns the means of 'val_auc' and 'val_loss'.

        The loss is the cross-entropy without the L2 term, so that trials of different L2 compare.
        """
        settings = with_values(self._settings, trial.hyperparameters.values)
        scores = np.mean([_scores(train, validation, settings) for train, validation in pairs], axis=0)
        return {'val_auc': float(scores[0]), 'val_loss': float(scores[1])}

    def on_trial_end(self, trial: Any) -> None:
        """Counts the trial."""
        super().on_trial_end(trial)
        self._progress.update()

    def search_space_summary(self, extended: bool = False) -> None:
        """Prints nothing; standard output is for results."""

    def results_summary(self, num_trials: int = 10) -> None:
        """Prints nothing; the report shows the trials."""


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Returns the search for TFX's Tuner.

    Args:
      fn_args: TFX's. `train_files` and `eval_files` contain embeddings; `working_dir` is a temporary folder;
        `custom_config` has the sections `tuner` and `trainer` of the configuration.

    Raises:
      RunError: a split is empty, or `class_weights` is balanced and the training split lacks a gender.
    """
    from tfx.components.tuner.component import TunerFnResult

    tuner = TunerSettings.from_dict(fn_args.custom_config['tuner'])
    trainer = dataclasses.replace(TrainerSettings.from_dict(fn_args.custom_config['trainer']), epochs=tuner.epochs)
    train, validation = read_embeddings(fn_args.train_files), read_embeddings(fn_args.eval_files)
    class_weights(train[1], trainer)  # fails the run now, not each trial later
    return TunerFnResult(
        tuner=HeadTuner(tuner, trainer, fn_args.working_dir), fit_kwargs={'train': train, 'validation': validation}
    )
