# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Names shared by components and pipeline: features, splits, labels, signatures, files. Each literal exists once."""

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
SATURATION = 'saturation'
SHARPNESS = 'sharpness'
EMBEDDING = 'embedding'

#: Features that are measured on the images, without labels.
MEASURED = (IMAGE_WIDTH, IMAGE_HEIGHT, IMAGE_BYTES, BRIGHTNESS, SATURATION, SHARPNESS)

#: The label: 0 male, 1 female.
LABEL = GENDER

# Names that a column of manifest.csv cannot have.
RESERVED = frozenset({IMAGE, GENDER, AGE, AGE_BAND, PATH, EMBEDDING, *MEASURED})

MALE, FEMALE = 0, 1
GENDERS = ('male', 'female')  # indexed by the label
GENDER_LETTERS = {'M': MALE, 'F': FEMALE}  # as in the folder names AA_M and AA_F

MIN_AGE, MAX_AGE = 1, 70
UNKNOWN_AGE = 0

#: The age band of an unknown age.
UNKNOWN = 'unknown'

TRAIN, VALIDATION, TEST = 'train', 'validation', 'test'
SPLITS = (TRAIN, VALIDATION, TEST)

SHUFFLED, STRATIFIED = 'shuffled', 'stratified'
SPLIT_METHODS = (STRATIFIED, SHUFFLED)

#: Name of the exported model, in the serving directory and on servers, and of the pipeline in the metadata.
MODEL = 'gender_classifier'

#: A probability above this is labelled female.
THRESHOLD = 0.5

# The exported model's outputs.
PROBABILITY = 'probability'
LOGIT = 'logit'
LABEL_NAME = 'label'

# Files in artifacts: ingestion counts, metrics by slice, base and head as Keras models, metrics by epoch, Trainer's
# settings.
INGESTION_SUMMARY_FILE = 'ingestion_summary.json'
SLICES_FILE = 'slices.json'
BASE_FILE = 'base.keras'
HEAD_FILE = 'head.keras'
HISTORY_FILE = 'history.json'
TRAINING_FILE = 'training.json'

# The exported model's signatures, and the input of the first.
SERVING = 'serving_default'
SERVING_INPUT = 'image_bytes'
FROM_EXAMPLES = 'examples'
FROM_EMBEDDINGS = 'embeddings'


def age_band(age: int) -> str:
    """The decade of an age in years: `01-10`, `11-20` … `61-70`; `unknown` for `UNKNOWN_AGE`.

    Raises:
      ValueError: the age is outside 1-70.
    """
    if age == UNKNOWN_AGE:
        return UNKNOWN
    if not MIN_AGE <= age <= MAX_AGE:
        raise ValueError(f'age {age} is outside {MIN_AGE}-{MAX_AGE}')
    first = (age - 1) // 10 * 10 + 1
    return f'{first:02d}-{first + 9:02d}'


#: The decades.
AGE_BANDS = tuple(age_band(first) for first in range(MIN_AGE, MAX_AGE + 1, 10))
