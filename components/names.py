# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Names and domains of what an example holds. Nothing else in this package writes them as literals."""

from __future__ import annotations

IMAGE = 'image'
GENDER = 'gender'
AGE = 'age'
AGE_BAND = 'age_band'
PATH = 'path'
IMAGE_WIDTH = 'image_width'
IMAGE_HEIGHT = 'image_height'
IMAGE_BYTES = 'image_bytes'
BRIGHTNESS = 'brightness'

# Names a column of manifest.csv cannot take.
RESERVED = frozenset(
    {IMAGE, GENDER, AGE, AGE_BAND, PATH, IMAGE_WIDTH, IMAGE_HEIGHT, IMAGE_BYTES, BRIGHTNESS, 'embedding'}
)

MALE, FEMALE = 0, 1
GENDER_NAMES = ('male', 'female')  # indexed by the label
GENDER_LETTERS = {'M': MALE, 'F': FEMALE}  # as in the folder names AA_M and AA_F

MIN_AGE, MAX_AGE = 1, 70

TRAIN, VALIDATION, TEST = 'train', 'validation', 'test'
SPLITS = (TRAIN, VALIDATION, TEST)

SHUFFLED, STRATIFIED = 'shuffled', 'stratified'
SPLIT_METHODS = (STRATIFIED, SHUFFLED)


def age_band(age: int) -> str:
    """The decade an age in years belongs to, as `01-10`, `11-20` … `61-70`.

    Raises:
      ValueError: the age is outside 1-70.
    """
    if not MIN_AGE <= age <= MAX_AGE:
        raise ValueError(f'age {age} is outside {MIN_AGE}-{MAX_AGE}')
    first = (age - 1) // 10 * 10 + 1
    return f'{first:02d}-{first + 9:02d}'


AGE_BANDS = tuple(age_band(first) for first in range(MIN_AGE, MAX_AGE + 1, 10))
