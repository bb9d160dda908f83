# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""How the base embeds images, in EmbeddingGen and in the exported model."""

from __future__ import annotations

from dataclasses import dataclass

from components.embedding_gen.precision import BFLOAT16, FLOAT32
from components.settings import Settings as Base, setting


@dataclass(frozen=True)
class Settings(Base):
    """How the base embeds images."""

    SECTION = 'embedding'

    batch_size: int = setting(32, 'images a batch; bounds memory', low=1, high=1024)
    pooling_grid: int = setting(
        1, 'G: the last feature map is averaged over GxG windows; 1 is GlobalAveragePooling', low=1, high=32
    )
    precision: str = setting(
        FLOAT32,
        "the base's precision, also in the exported model: float32, or bfloat16 (needs AVX512-BF16, AMX or a GPU)",
        choices=(FLOAT32, BFLOAT16),
    )
    mirror: bool = setting(
        False, "embed image and mirror image, and average: twice the base's cost, also in the exported model"
    )
