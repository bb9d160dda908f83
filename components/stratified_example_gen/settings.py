# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Settings of StratifiedExampleGen: what to read, sample and split."""

from __future__ import annotations

import os
from dataclasses import dataclass

from components import names
from components.settings import Settings as Base, setting

LAYOUTS = FOLDERS, UTKFACE, MANIFEST = 'folders', 'utkface', 'manifest'
RACE = 'race'  # the column that UTKFace's file names have
DETECTIONS = OFF, CHECK, ALIGN = 'off', 'check', 'align'

# UTKFace's own framing, the median of 300 aligned crops: eyes, nose and corners of the mouth.
_UTKFACE_LANDMARKS = [0.293, 0.287, 0.685, 0.287, 0.484, 0.516, 0.31, 0.682, 0.668, 0.682]

#: The fractions that put every image into the test split, to evaluate a finished model.
TEST_ONLY = (0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Settings(Base):
    """Everything that determines the sample, except the files."""

    SECTION = 'data'

    layout: str = setting(
        FOLDERS,
        'where labels are: folders (combined/<directory>/AA_M), utkface (age_gender_race_date.jpg), manifest (a table)',
        choices=LAYOUTS,
    )
    directories: tuple[str, ...] | None = setting(
        None,
        'directories to read, below combined/ for folders, else below the root; null: aligned, or the root itself',
    )
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
        [],
        'columns of manifest.csv (beside combined/) or data.labels that become features and slices, e.g. [race]; '
        'utkface has race in its file names',
    )
    labels: str = setting('manifest.csv', 'the table of the layout manifest, relative to the data root')
    path_column: str = setting('path', "column of the images' paths, relative to the one directory")
    gender_column: str = setting('gender', 'column of the gender')
    age_column: str | None = setting('age', 'column of the age: years, or a range such as 20-29; null: unknown')
    male_values: tuple[str, ...] = setting(['m', 'male', 'man'], 'what the gender column says of men, in any case')
    female_values: tuple[str, ...] = setting(['f', 'female', 'woman'], 'what it says of women')
    near_duplicate_distance: int | None = setting(
        2,
        'images whose 64-bit perceptual hashes differ in at most this many bits share a split; null: exact copies only',
        low=0,
        high=16,
    )

    detect: str = setting(
        OFF,
        'find faces (needs the extra faces). check: count and list images without a face, with several, or framed '
        'unlike the others; align: keep the largest face of each, aligned, and leave images without a face out',
        choices=DETECTIONS,
    )
    aligned_landmarks: tuple[float, ...] = setting(
        _UTKFACE_LANDMARKS,
        "x and y of the viewer's left and right eye, nose, left and right corner of the mouth in aligned images, as "
        'fractions of width and height',
    )
    aligned_size: tuple[int, ...] = setting([200, 200], 'width and height of aligned images', low=16, high=4096)

    def __post_init__(self) -> None:
        if self.detect is False:  # YAML 1.1 reads off as false
            object.__setattr__(self, 'detect', OFF)
        for key in ('male_values', 'female_values'):  # YAML reads 1 as a number
            values = getattr(self, key)
            values = values if isinstance(values, list | tuple) else [values]
            object.__setattr__(self, key, tuple(str(v) if type(v) is int else v for v in values))
        super().__post_init__()

    @property
    def sources(self) -> tuple[str, ...]:
        """The directories to read; '.' is the root itself."""
        return self.directories or (('aligned',) if self.layout == FOLDERS else ('.',))

    @property
    def gender_values(self) -> tuple[tuple[str, ...], ...]:
        """The texts of each gender in the layout `manifest`, indexed by the label."""
        return self.male_values, self.female_values

    @property
    def joined_columns(self) -> tuple[str, ...]:
        """Those of `manifest_columns` that are joined from manifest.csv; the layout has the others."""
        if self.layout == MANIFEST:
            return ()
        return tuple(column for column in self.manifest_columns if (self.layout, column) != (UTKFACE, RACE))

    @property
    def columns(self) -> tuple[str, ...]:
        """`manifest_columns` in the order of `LabelledFile.columns`: joined ones last."""
        return tuple(sorted(self.manifest_columns, key=lambda column: column in self.joined_columns))

    def check(self) -> None:
        """See the base class."""
        if self.directories is not None and not 0 < len(set(self.directories)) == len(self.directories):
            self.fail('directories', 'at least one name, each once, such as ["aligned"]')
        if self.layout == MANIFEST:
            self._check_labels()
        if len(self.aligned_landmarks) != 10:
            self.fail('aligned_landmarks', 'ten numbers')
        if len(self.aligned_size) != 2:
            self.fail('aligned_size', 'two numbers, width and height')
        for name in self.sources:
            is_plain = os.path.basename(name) == name and name not in ('', '..')
            if self.layout != MANIFEST and (not is_plain or (name == '.' and self.layout == FOLDERS)):
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

    def _check_labels(self) -> None:
        for key, paths in (('directories', self.sources), ('labels', (self.labels,))):
            if len(paths) > 1 or os.path.normpath(paths[0]) != paths[0] or paths[0].startswith(('/', '..')):
                self.fail(key, 'one path below the data root')
        male, female = ({text.lower() for text in texts} for texts in self.gender_values)
        if not female or not male.isdisjoint(female):
            self.fail('female_values', 'at least one text, and none of data.male_values')
        if not male:
            self.fail('male_values', 'at least one text')
