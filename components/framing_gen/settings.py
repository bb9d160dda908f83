# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Settings of FramingGen."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import Settings as Base, setting

DETECTORS = OFF, AUTO, MTCNN = 'off', 'auto', 'mtcnn'


@dataclass(frozen=True)
class Settings(Base):
    """Whether and how to measure the framing."""

    SECTION = 'framing'

    detector: str = setting(
        AUTO,
        'measure how the training images frame faces, for "predict" on photographs: mtcnn (needs the extra faces), '
        'auto (only where it is installed and finds faces; the run says which), off; no weight or metric depends on it',
        choices=DETECTORS,
    )
    images: int = setting(300, 'training images to measure', low=20, high=100_000)

    def __post_init__(self) -> None:
        if self.detector is False:  # YAML 1.1 reads off as false
            object.__setattr__(self, 'detector', OFF)
        super().__post_init__()
