# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The thresholds of Evaluator."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import Settings as Base, setting


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
    exit_status_not_blessed: int = setting(1, 'exit status of "run" when the model is not blessed', low=0, high=125)
