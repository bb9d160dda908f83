# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What StratifiedExampleGen samples, and how it splits it."""

from __future__ import annotations

from dataclasses import dataclass

from components import names
from components.settings import Settings as Base
from components.settings import setting
from components.stratified_example_gen import layout


@dataclass(frozen=True)
class Settings(Base):
    """Everything the sample depends on, apart from the files."""

    SECTION = 'data'

    layout: str = setting(
        layout.FOLDERS,
        'how labels are named: folders (combined/<directory>/AA_M) or utkface (age_gender_race_date.jpg)',
        choices=layout.LAYOUTS,
    )
    directories: tuple[str, ...] = setting(['aligned'], 'directories below combined/ to read, e.g. [aligned, valid]')
    per_folder: int | None = setting(20, 'images to take from each age-gender folder; null takes all', low=1)
    split: str = setting(
        names.STRATIFIED,
        "stratified (every folder in proportion) or shuffled (the notebook's plain shuffle)",
        choices=names.SPLIT_METHODS,
    )
    fractions: tuple[float, ...] = setting(
        [0.6, 0.2, 0.2], 'shares of train, validation and test; they add up to 1', low=0, high=1
    )
    seed: int = setting(0, 'seed of the choice and of the split', low=0)
    shards: int = setting(1, 'TFRecord files a split', low=1, high=10_000)
    min_size: int = setting(16, 'pixels; images with a shorter side are rejected', low=1)
    max_bad_fraction: float = setting(0.05, 'share of unreadable images above which the run stops', low=0, high=1)
    manifest_columns: tuple[str, ...] = setting(
        [], 'columns of manifest.csv (beside combined/) that become features and slices, e.g. [race]'
    )
    near_duplicate_distance: int | None = setting(
        None,
        'images whose 64-bit perceptual hashes differ in at most this many bits share a split; null: exact copies only',
        low=0,
        high=16,
    )

    def check(self) -> None:
        """See the base class."""
        layout.check_directories(self.directories, self.layout)
        if len(self.fractions) != len(names.SPLITS) or min(self.fractions) <= 0 or abs(sum(self.fractions) - 1) > 1e-6:
            self.fail('fractions', 'three shares above 0 that add up to 1')
        if not names.RESERVED.isdisjoint(self.manifest_columns):
            self.fail('manifest_columns', 'names that no feature has already')
        if len(set(self.manifest_columns)) != len(self.manifest_columns):
            self.fail('manifest_columns', 'each column once')
