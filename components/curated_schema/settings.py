# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Settings of CuratedSchema."""

from __future__ import annotations

from dataclasses import dataclass

from components import names
from components.settings import Settings as Base, setting


@dataclass(frozen=True)
class Settings(Base):
    """Additions to the curated schema."""

    columns: tuple[str, ...] = setting([], 'columns of manifest.csv that are features')

    def check(self) -> None:
        """See the base class."""
        if not names.RESERVED.isdisjoint(self.columns) or len(set(self.columns)) != len(self.columns):
            self.fail('columns', 'names that are not already features, each once')
