# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The layer types of Caffe that the converter knows; importing this registers them."""

from components.caffe_converter.layers import activation, combine, linear, normalise, pooling, shape
from components.caffe_converter.layers.base import PLANNERS, Blob, Layer, Plan, Weight

__all__ = [
    'PLANNERS', 'Blob', 'Layer', 'Plan', 'Weight', 'activation', 'combine', 'linear', 'normalise', 'pooling', 'shape',
]  # fmt: skip
