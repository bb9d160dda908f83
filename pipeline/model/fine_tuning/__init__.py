# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning: trains the upper layers of the base together with the head, starting from Trainer's head.

Frozen layers stay unchanged bit for bit. Training images are augmented before the mean image is subtracted. The epoch
with the lowest validation loss is kept; epoch 0 is Trainer's head on the frozen base.
"""
