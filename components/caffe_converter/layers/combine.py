# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Layers that combine values: Eltwise, Axpy, ArgMax, Reduction."""

from __future__ import annotations

import math
from collections.abc import Sequence

from components.caffe_converter.layers.base import MAX_AXES, Blob, Layer, Plan, describe, planner, stored_axis


@planner('Eltwise', bottoms=(2, 1000))
def eltwise(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """eltwise_layer.cpp: PROD, SUM with coefficients, MAX of inputs of one shape."""
    param = layer.param('eltwise_param', 'operation', 'coeff', 'stable_prod_grad')
    operation = param.enum('operation', {0: 'PROD', 1: 'SUM', 2: 'MAX'}, 'SUM')
    coefficients = param.numbers('coeff')
    if coefficients and operation == 'PROD':
        raise layer.error('coeff applies only to SUM, found PROD', param.line_of('coeff'))
    if coefficients and len(coefficients) != len(bottoms):
        raise layer.error(
            f'{len(bottoms)} inputs need {len(bottoms)} coeffs, found {len(coefficients)}', param.line_of('coeff')
        )
    for bottom in bottoms[1:]:
        if bottom.shape != bottoms[0].shape:
            raise layer.error(
                f'all inputs must have the same shape; found {describe(bottoms[0].shape)} and {describe(bottom.shape)}'
            )
    if operation == 'MAX':
        coefficients = []  # Caffe accepts and ignores them
    flops = (len(bottoms) - 1 + len(coefficients)) * math.prod(bottoms[0].shape[1:])
    options = {'operation': operation, 'coefficients': [] if set(coefficients) == {1.0} else coefficients}
    return Plan([Blob(bottoms[0].shape)], flops=flops, options=options)


@planner('Axpy', bottoms=(3, 3))
def axpy(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """SENet's axpy_layer.cpp: a · x + y with a number a for each channel of each image."""
    scale, x, y = (bottom.shape for bottom in bottoms)
    layer.image(bottoms[1])
    if scale not in (x[:2], (*x[:2], 1, 1)):
        raise layer.error(f'expected a first input of {describe((*x[:2], 1, 1))}, found {describe(scale)}')
    if x != y:
        raise layer.error(f'the last two inputs must have the same shape; found {describe(x)} and {describe(y)}')
    return Plan([Blob(x)], flops=2 * math.prod(x[1:]), options={'flat': len(scale) == 2})


@planner('ArgMax')
def arg_max(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """argmax_layer.cpp: the indices of the top_k largest values, or with out_max_val the values."""
    param = layer.param('argmax_param', 'out_max_val', 'top_k', 'axis')
    shape = bottoms[0].shape
    values = param.boolean('out_max_val', False)
    top_k = param.integer('top_k', 1, 1)
    axis = layer.axis(param, 'axis', 1, len(shape)) if 'axis' in param else None
    available = math.prod(shape[1:]) if axis is None else shape[axis]
    if top_k > available:
        raise layer.error(f'top_k must be at most {available}, found {top_k}', param.line_of('top_k'))
    if axis is None:
        # Caffe keeps at least three axes: N × (indices, values) × top_k.
        top = (shape[0], 2 if values else 1, top_k, *[1] * max(len(shape) - 3, 0))
    else:
        top = (*shape[:axis], top_k, *shape[axis + 1 :])
    stored = None if axis is None else stored_axis(axis, len(shape))
    options = {'axis': stored, 'top_k': top_k, 'values': values, 'target': top[1:]}
    return Plan([layer.top(top)], flops=math.prod(shape[1:]), options=options)


@planner('Reduction')
def reduction(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """reduction_layer.cpp: reduces all axes from `axis` on to coeff · SUM, ASUM (of |x|), SUMSQ or MEAN."""
    param = layer.param('reduction_param', 'operation', 'axis', 'coeff')
    shape = bottoms[0].shape
    operation = param.enum('operation', {1: 'SUM', 2: 'ASUM', 3: 'SUMSQ', 4: 'MEAN'}, 'SUM')
    single = shape[0] == 1 and param.integer('axis', 0, -MAX_AXES, MAX_AXES) in (0, -len(shape))
    # Of a batch of one, axis 0 gives one number for the image, as axis 1 does.
    axis = 1 if single else layer.axis(param, 'axis', 0, len(shape))
    coefficient = param.number('coeff', 1.0) / (math.prod(shape[axis:]) if operation == 'MEAN' else 1)
    options = {'operation': operation, 'axis': axis, 'coefficient': coefficient}
    return Plan([layer.top(shape[:axis])], flops=2 * math.prod(shape[1:]), options=options)
