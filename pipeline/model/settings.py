# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The settings of preprocessing, head and search, which TFX's Transform, Trainer and Tuner run."""

from __future__ import annotations

from dataclasses import dataclass

from components.errors import InputError
from components.settings import Settings, setting

BGR = 'bgr'


@dataclass(frozen=True)
class TransformSettings(Settings):
    """How pixels become the base's input: (pixel - mean) * scale, in the base's order of channels."""

    SECTION = 'transform'

    mean: str = setting(
        'train',
        'train: the mean image of the training split; fixed: mean_bgr, so that embeddings do not depend on the sample',
        choices=('train', 'fixed'),
    )
    mean_bgr: tuple[float, ...] = setting(
        [93.5940, 104.7624, 129.1863],
        "[blue, green, red] where mean is fixed, 0-255; the default is VGG-Face's",
        low=0,
        high=255,
    )
    channels: str = setting(
        BGR, "the base's order of channels: bgr, as most Caffe networks were trained, or rgb", choices=(BGR, 'rgb')
    )
    scale: float = setting(
        1.0,
        'what pixels minus the mean are multiplied by, e.g. 0.0078125 for a base trained on -1 to 1',
        low=1e-6,
        high=1e6,
    )

    def check(self) -> None:
        """See the base class."""
        if len(self.mean_bgr) != 3:
            self.fail('mean_bgr', '[blue, green, red]')


#: The measures that choose an epoch or a trial, with the better direction.
BETTER = {'val_loss': 'min', 'val_auc': 'max'}


@dataclass(frozen=True)
class TrainerSettings(Settings):
    """The head on embeddings: [standardise], Dense(relu) and Dropout for each hidden layer, one logit."""

    SECTION = 'trainer'

    hidden_units: tuple[int, ...] = setting(
        [32], 'units of each hidden layer, the first one on the embedding; [] is logistic regression', low=1, high=65536
    )
    dropout: float = setting(0.25, 'share of hidden units dropped in training', low=0, high=0.95)
    l2: float = setting(0.0, "weight of the sum of the layers' squared weights in the loss; 0 is none", low=0, high=10)
    standardize: bool = setting(
        True, 'scale embeddings to zero mean and unit variance over the training split, inside the model'
    )
    learning_rate: float = setting(0.001, "Adam's learning rate", low=1e-9, high=10)
    batch_size: int = setting(20, 'examples a step', low=1)
    epochs: int = setting(10, 'passes over the training split', low=1, high=100_000)
    class_weights: str = setting(
        'none',
        'none, or balanced (both genders weigh the same in the loss); also used by fine-tuning',
        choices=('none', 'balanced'),
    )
    early_stopping_patience: int | None = setting(
        None, 'stop after this many epochs without a better trainer.monitor; null: never', low=1
    )
    restore_best: bool = setting(
        False, 'keep the weights of the epoch with the best trainer.monitor, not of the last epoch'
    )
    monitor: str = setting(
        'val_loss', 'measure that compares epochs: val_loss (with the L2 term) or val_auc', choices=tuple(BETTER)
    )
    seed: int = setting(0, 'seed of initial weights, shuffling and dropout; also used by fine-tuning', low=0)


@dataclass(frozen=True)
class TunerSettings(Settings):
    """A search for better settings of the head; the best values replace those of the section trainer.

    A range is [low, high], or [] for a key that keeps its value in the section trainer.
    """

    SECTION = 'tuner'

    enabled: bool = setting(False, 'whether to search; a key with the range [] keeps its value in the section trainer')
    trials: int = setting(30, 'heads to train, the first with the values of the section trainer', low=1, high=100_000)
    epochs: int = setting(10, 'passes over the training split in each trial', low=1, high=100_000)
    objective: str = setting(
        'val_auc', 'measure that compares trials: val_auc or val_loss (without the L2 term)', choices=tuple(BETTER)
    )
    learning_rate: tuple[float, ...] = setting(
        [1e-4, 1e-2], 'range of trainer.learning_rate, on a logarithmic scale', low=1e-9, high=10
    )
    hidden_units: tuple[int, ...] = setting(
        [8, 256], 'range of the units of every hidden layer, on a logarithmic scale', low=1, high=65536
    )
    dropout: tuple[float, ...] = setting([0.0, 0.6], 'range of trainer.dropout', low=0, high=0.95)
    l2: tuple[float, ...] = setting([1e-6, 1.0], 'range of trainer.l2, on a logarithmic scale', low=1e-12, high=10)
    folds: int | None = setting(
        None,
        'K: score each trial by its mean over K folds of train and validation together, which trains K heads and is '
        'less a matter of chance; null: on the validation split',
        low=2,
        high=100,
    )
    seed: int = setting(0, 'seed of the search and of the folds', low=0)

    def ranges(self) -> dict[str, tuple[float, ...]]:
        """The ranges by key of the section trainer, in the order of `TUNED`."""
        return {name: getattr(self, name) for name in TUNED}

    def check(self) -> None:
        """See the base class."""
        if not self.enabled:
            return
        for name, limits in self.ranges().items():
            if limits and (len(limits) != 2 or not limits[0] < limits[1]):
                self.fail(name, '[low, high] or []')
        if not any(self.ranges().values()):
            raise InputError(f'tuner: nothing to search; give a range to one of {", ".join(TUNED)}')


#: The keys of `TrainerSettings` that `TunerSettings` has a range for.
TUNED = ('learning_rate', 'hidden_units', 'dropout', 'l2')
