# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a sample is made of, checked once."""

from __future__ import annotations

import math
from dataclasses import dataclass

from components import names
from components.errors import InputError
from components.stratified_example_gen import layout


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the result depends on, apart from the files.

    Attributes:
      data_root: the folder that holds `combined/`, of this machine or as `gs://BUCKET/FOLDER`.
      directories: names below `combined/`, e.g. ('aligned',).
      layout: 'folders' or 'utkface'.
      per_folder: images taken from each age-gender folder; None takes all.
      seed: decides choice, split, order and shards.
      split: 'stratified' or 'shuffled'.
      fractions: shares of train, validation and test; they add up to 1.
      shards: files a split.
      min_size: the shorter side of an image must have at least this many pixels.
      max_bad_fraction: the run stops when more than this share of the files found is rejected.
      manifest_columns: columns of manifest.csv that become features.
      near_duplicate_distance: images whose 64-bit perceptual hashes differ in at most this many bits go to the same
        split; None does not look for them.

    Raises:
      InputError: a value is outside its domain.
    """

    data_root: str
    directories: tuple[str, ...]
    layout: str = layout.FOLDERS
    per_folder: int | None = 20
    seed: int = 0
    split: str = names.STRATIFIED
    fractions: tuple[float, ...] = (0.6, 0.2, 0.2)
    shards: int = 1
    min_size: int = 1
    max_bad_fraction: float = 0.05
    manifest_columns: tuple[str, ...] = ()
    near_duplicate_distance: int | None = None

    def __post_init__(self) -> None:
        layout.check_directories(self.directories, self.layout)
        _check('per_folder', self.per_folder, self.per_folder is None or self.per_folder >= 1, 'at least 1, or null')
        _check('split', self.split, self.split in names.SPLIT_METHODS, ' or '.join(names.SPLIT_METHODS))
        _check(
            'fractions',
            self.fractions,
            len(self.fractions) == len(names.SPLITS)
            and all(0 <= fraction <= 1 for fraction in self.fractions)
            and math.isclose(sum(self.fractions), 1, abs_tol=1e-6),
            f'{len(names.SPLITS)} shares of {", ".join(names.SPLITS)} that add up to 1',
        )
        _check('shards', self.shards, 1 <= self.shards <= 99_999, '1 to 99,999')  # five digits in a shard's name
        _check('min_size', self.min_size, self.min_size >= 1, 'at least 1 pixel')
        _check('max_bad_fraction', self.max_bad_fraction, 0 <= self.max_bad_fraction <= 1, '0 to 1')
        for column in self.manifest_columns:
            _check('manifest_columns', column, column not in names.RESERVED, 'a name that no feature has already')
        _check(
            'manifest_columns',
            list(self.manifest_columns),
            len(set(self.manifest_columns)) == len(self.manifest_columns),
            'each column once',
        )
        distance = self.near_duplicate_distance
        _check('near_duplicate_distance', distance, distance is None or 0 <= distance <= 16, '0 to 16 bits, or null')


def _check(key: str, value: object, good: bool, expected: str) -> None:
    if not good:
        raise InputError(f'data.{key} is {value!r}; expected {expected}')
