# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Settings of DataGate: when to stop a run."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import Settings as Base, setting

STOP, WARN = 'stop', 'warn'


@dataclass(frozen=True)
class Settings(Base):
    """The mode, and bounds on the data."""

    SECTION = 'gate'

    mode: str = setting(STOP, 'stop: a finding ends the run; warn: it is only reported', choices=(STOP, WARN))
    min_gender_share: float = setting(0.3, 'lowest share of either gender in each split', low=0, high=0.5)
    min_per_stratum: int = setting(1, 'lowest number of images of each gender and age band in each split', low=0)
    max_skew: float = setting(
        0.05,
        "largest distance between a feature's distributions in the training split and another split",
        low=0,
        high=1,
    )
    max_drift: float = setting(
        0.1, "largest distance between a feature's distributions now and in the last run on other data", low=0, high=1
    )
    max_without_face: float = setting(
        0.05, 'largest share of sampled images without a face, if data.detect looks for them', low=0, high=1
    )
    max_several_faces: float = setting(0.1, 'largest share with several faces', low=0, high=1)
    max_gender_distance: float = setting(
        0.2, "largest distance between women's and men's distributions of a measure of the images", low=0, high=1
    )
