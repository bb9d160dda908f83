# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Which images SignatureCheck compares, and how closely."""

from __future__ import annotations

from dataclasses import dataclass

from components import names
from components.embedding_gen.precision import BFLOAT16, FLOAT32
from components.settings import Settings as Base
from components.settings import setting


@dataclass(frozen=True)
class Settings(Base):
    """Which images are compared, and how closely."""

    split: str = setting(names.TEST, 'whose images are compared', choices=names.SPLITS)
    images: int = setting(16, 'how many of them', low=1)
    precision: str = setting(FLOAT32, 'what the base computes in', choices=(FLOAT32, BFLOAT16))
