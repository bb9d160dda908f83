# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The Caffe layer types that the converter supports; importing this package registers them."""

from components.caffe_converter.layers import (
    activation,
    combine,
    detection,
    embed,
    linear,
    normalise,
    pooling,
    resample,
    shape,
    statistics,
)
from components.caffe_converter.layers.base import PLANNERS, Blob, Layer, Plan, Weight

__all__ = [
    'PLANNERS', 'Blob', 'Layer', 'Plan', 'Weight', 'activation', 'combine', 'detection', 'embed', 'linear', 'normalise',
    'pooling', 'resample', 'shape', 'statistics',
]  # fmt: skip
