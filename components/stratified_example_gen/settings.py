# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Settings of StratifiedExampleGen: what to read, sample and split."""

from __future__ import annotations

import os
from dataclasses import dataclass

from components import names
from components.settings import Settings as Base, setting

LAYOUTS = FOLDERS, UTKFACE = 'folders', 'utkface'


#: The fractions that put every image into the test split, to evaluate a finished model.
TEST_ONLY = (0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Settings(Base):
    """Everything that determines the sample, except the files."""

    SECTION = 'data'

    layout: str = setting(
        FOLDERS,
        'where labels are: folders (combined/<directory>/AA_M) or utkface (age_gender_race_date.jpg)',
        choices=LAYOUTS,
    )
    directories: tuple[str, ...] = setting(['aligned'], 'directories below combined/ to read, e.g. [aligned, valid]')
    per_folder: int | None = setting(20, 'images to sample from each age-gender folder; null takes all', low=1)
    split: str = setting(
        names.STRATIFIED,
        'stratified (each folder in proportion) or shuffled (one shuffle of all images, as in the notebook)',
        choices=names.SPLIT_METHODS,
    )
    fractions: tuple[float, ...] = setting(
        [0.6, 0.2, 0.2], 'shares of train, validation and test; they add up to 1', low=0, high=1
    )
    seed: int = setting(0, 'seed of sampling and splitting', low=0)
    shards: int = setting(1, 'TFRecord files per split', low=1, high=10_000)
    min_size: int = setting(16, 'pixels; images with a shorter side are rejected', low=1)
    max_bad_fraction: float = setting(0.05, 'share of rejected files above which the run stops', low=0, high=1)
    manifest_columns: tuple[str, ...] = setting(
        [], 'columns of manifest.csv (beside combined/) that become features and slices, e.g. [race]'
    )
    near_duplicate_distance: int | None = setting(
        2,
        'images whose 64-bit perceptual hashes differ in at most this many bits share a split; null: exact copies only',
        low=0,
        high=16,
    )

    def check(self) -> None:
        """See the base class."""
        if not self.directories or len(set(self.directories)) != len(self.directories):
            self.fail('directories', 'at least one name, each once, such as ["aligned"]')
        for name in self.directories:
            is_plain = os.path.basename(name) == name and name not in ('', '..')
            if not is_plain or (name == '.' and self.layout == FOLDERS):
                where = 'below combined/, such as "aligned"' if self.layout == FOLDERS else 'below the root, or "."'
                self.fail('directories', f'plain folder names {where}')
        shares = self.fractions
        usable = len(shares) == len(names.SPLITS) and (min(shares) > 0 or shares == TEST_ONLY)
        if not usable or abs(sum(shares) - 1) > 1e-6:
            self.fail('fractions', 'three shares above 0 that add up to 1')
        if not names.RESERVED.isdisjoint(self.manifest_columns):
            self.fail('manifest_columns', 'names that are not already features')
        if len(set(self.manifest_columns)) != len(self.manifest_columns):
            self.fail('manifest_columns', 'each column once')
