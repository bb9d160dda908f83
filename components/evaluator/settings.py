# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The thresholds of Evaluator."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import Settings as Base, setting

#: The metrics that a bound by slice can have; gap is the accuracy of women minus that of men, without its sign.
METRICS = ('accuracy', 'precision', 'recall', 'specificity', 'auc', 'gap')


@dataclass(frozen=True)
class SliceBound(Base):
    """A bound for every slice by some features, e.g. for each age band. The names are those of TFMA's thresholds."""

    slice: tuple[str, ...] = setting([], 'the features of the slices, e.g. [age_band] or [gender, age_band]')
    metric: str = setting('accuracy', 'what is bounded; gap: between the genders within a slice', choices=METRICS)
    lower_bound: float | None = setting(None, 'the least value', low=0, high=1)
    upper_bound: float | None = setting(None, 'the greatest value', low=0, high=1)
    min_examples: int = setting(20, 'slices with fewer faces are not judged', low=1)
    interval: bool = setting(False, 'the whole 95 % interval has to be within the bound, not only the value')

    def check(self) -> None:
        """See the base class."""
        if not self.slice:
            self.fail('slice', 'at least one feature, such as [age_band]')
        if (self.lower_bound is None) == (self.upper_bound is None):
            self.fail('lower_bound', 'a number here or in upper_bound, not in both')


@dataclass(frozen=True)
class Settings(Base):
    """What a model must reach on the test split to be blessed and pushed."""

    SECTION = 'evaluation'

    min_accuracy: float = setting(0.85, 'least overall accuracy', low=0, high=1)
    min_auc: float = setting(0.9, 'least overall area under the ROC curve', low=0, high=1)
    min_gender_accuracy: float = setting(0.8, 'least accuracy of each gender', low=0, high=1)
    max_gender_gap: float = setting(0.1, 'largest difference between the accuracies of women and men', low=0, high=1)
    min_examples: int = setting(100, 'fewest test faces', low=1)
    min_gender_examples: int = setting(40, 'fewest test faces of each gender', low=1)
    max_regression: float | None = setting(
        0.05,
        'greatest drop in accuracy from the last blessed model; null: no limit',
        low=0,
        high=1,
    )
    slice_bounds: tuple[SliceBound, ...] = setting(
        [],
        'bounds by slice, e.g. [{slice: [age_band], metric: accuracy, lower_bound: 0.7}]; further keys: upper_bound, '
        'min_examples (20), interval (false)',
    )
    exit_status_not_blessed: int = setting(1, 'exit status of "run" when the model is not blessed', low=0, high=125)
