# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Feature, label, split and slice names: those of the sampled examples, and what the pipeline adds to them."""

from __future__ import annotations

from components import names as sampled

IMAGE = sampled.IMAGE
GENDER = sampled.GENDER
AGE = sampled.AGE
AGE_BAND = sampled.AGE_BAND
PATH = sampled.PATH
EMBEDDING = 'embedding'

#: The label: 0 male, 1 female.
LABEL = GENDER
GENDERS = sampled.GENDER_NAMES

TRAIN = sampled.TRAIN
VALIDATION = sampled.VALIDATION
TEST = sampled.TEST
SPLITS = sampled.SPLITS

#: What the exported model is called, in the serving directory and by servers.
MODEL = 'gender_classifier'

# Its outputs.
PROBABILITY = 'probability'
LOGIT = 'logit'
LABEL_NAME = 'label'

# Its signatures.
SERVING = 'serving_default'
FROM_EXAMPLES = 'examples'
FROM_EMBEDDINGS = 'embeddings'
