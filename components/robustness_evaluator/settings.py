# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""How many faces RobustnessEvaluator changes."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import Settings as Base, setting


@dataclass(frozen=True)
class Settings(Base):
    """How many faces are changed."""

    SECTION = 'robustness'

    faces: int = setting(
        50,
        'test faces, as many of each gender, that the model also sees in other frames: looser, tighter, smaller, JPEG, '
        'gray, darker; each passes through the base seven times; 0: none',
        low=0,
    )
