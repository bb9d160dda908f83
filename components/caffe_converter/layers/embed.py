# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Embed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from components.caffe_converter.layers.base import Blob, Layer, Plan, Shape, Weight, planner


@planner('Embed')
def embed(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """embed_layer.cpp: each number becomes that row of a matrix, plus the bias; shape → (*shape, num_output).

    Keras' Embedding has no bias: it is added to every row.
    """
    param = layer.param('embed_param', 'num_output', 'input_dim', 'bias_term', 'weight_filler', 'bias_filler')
    shape = bottoms[0].shape
    inputs, outputs = param.integer('input_dim', 0, 1), param.integer('num_output', 0, 1)
    for name in ('input_dim', 'num_output'):
        if name not in param:
            raise layer.error(f'expected {name}, found none', param.line)
    bias = param.boolean('bias_term', True)
    blobs: list[Shape] = [(inputs, outputs), *[(outputs,)] * bias]

    def draw(arrays: Sequence[np.ndarray]) -> np.ndarray:
        return arrays[0] + arrays[1] if bias else arrays[0]

    return Plan(
        [layer.top((*shape, outputs))],
        blobs,
        [Weight('embeddings', (inputs, outputs), draw)],
        math.prod(shape[1:]) * outputs * bias,
        {'inputs': inputs, 'outputs': outputs, 'rank': len(shape)},
    )
