# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Feature, label, split and slice names; nothing else knows a string literal."""

from __future__ import annotations

IMAGE = 'image'
GENDER = 'gender'
AGE = 'age'
AGE_BAND = 'age_band'
PATH = 'path'
EMBEDDING = 'embedding'

#: The label: 0 male, 1 female.
LABEL = GENDER
GENDERS = ('male', 'female')

TRAIN = 'train'
VALIDATION = 'validation'
TEST = 'test'
SPLITS = (TRAIN, VALIDATION, TEST)

# Outputs of the exported model.
PROBABILITY = 'probability'
LOGIT = 'logit'
LABEL_NAME = 'label'

# Its signatures.
SERVING = 'serving_default'
FROM_EXAMPLES = 'examples'
FROM_EMBEDDINGS = 'embeddings'
