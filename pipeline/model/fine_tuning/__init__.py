# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""FineTuner: the upper layers of the base and the head, trained together from where Trainer left the head.

Frozen layers keep every bit. Images are augmented before the mean image is subtracted, on the training split only. The
epoch with the lowest validation loss is kept, the trained head on the frozen base being epoch 0.
"""
