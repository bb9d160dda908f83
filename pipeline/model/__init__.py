# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Training and export: preprocessing, head, Trainer, Tuner, fine-tuning, SavedModel."""
