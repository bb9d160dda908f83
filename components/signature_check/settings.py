# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The images that SignatureCheck compares."""

from __future__ import annotations

from dataclasses import dataclass, field

from components.embedding_gen.settings import Settings as EmbeddingSettings
from components.settings import Settings as Base, setting


@dataclass(frozen=True)
class Settings(Base):
    """The images to compare, and how the model embeds them."""

    images: int = setting(8, 'how many images of the training split, and of the test split', low=1)
    embedding: EmbeddingSettings = field(default_factory=EmbeddingSettings)
