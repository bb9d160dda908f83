# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What is trained and exported: preprocessing, head, Trainer, Tuner, fine-tuning, SavedModel."""
