# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A slow numpy forward pass of Caffe layers, after Caffe's documentation, for layers where OpenCV deviates from Caffe.

Uses only the converter's readers: parameters come from the parsed prototxt, weights from the file, in Caffe's layout.
Computes in float64.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from components.caffe_converter.caffemodel_reader import CaffeModel
from components.caffe_converter.prototxt import parse


def forward(text: str, caffemodel: str, x: np.ndarray) -> np.ndarray:
    """The last layer's output for the input `data`."""
    stored = {one.name: one for one in CaffeModel(caffemodel).layers}
    model = CaffeModel(caffemodel)
    blobs = {'data': x.astype(np.float64)}
    top = None
    for message in parse(text).messages('layer'):
        name, kind = message.string('name', ''), message.string('type', '')
        weights = [model.array(b, b.shape).astype(np.float64) for b in stored[name].blobs] if name in stored else []
        field, function = _FORWARD[kind]
        param = message.message(field)
        inputs = [blobs[b] for b in message.strings('bottom')]
        top = function(param, weights, *inputs)
        blobs[message.strings('top')[0]] = top
    assert top is not None
    return top


def _pair(param, name, default, short=''):
    values = param.integers(name) or [param.integer(f'{short or name}_{axis}', default) for axis in 'hw']
    return values[0], values[-1]


def _spread(weight, axis, rank):
    return weight.reshape((1,) * axis + weight.shape + (1,) * (rank - axis - weight.ndim))


def _convolution(param, weights, x):
    kernel, bias = weights[0], weights[1]
    (sh, sw), (ph, pw) = _pair(param, 'stride', 1), _pair(param, 'pad', 0)
    dh, dw = _pair(param, 'dilation', 1)
    out, each, kh, kw = kernel.shape
    group = x.shape[1] // each
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    height, width = (x.shape[2] - dh * (kh - 1) - 1) // sh + 1, (x.shape[3] - dw * (kw - 1) - 1) // sw + 1
    y = np.zeros((len(x), out, height, width))
    for o, c, i, j, v, u in itertools.product(*map(range, (out, each, kh, kw, height, width))):
        y[:, o, v, u] += x[:, o // (out // group) * each + c, v * sh + i * dh, u * sw + j * dw] * kernel[o, c, i, j]
    return y + bias[:, None, None]


def _deconvolution(param, weights, x):
    kernel, bias = weights[0], weights[1]
    group, (sh, sw), (ph, pw) = param.integer('group', 1), _pair(param, 'stride', 1), _pair(param, 'pad', 0)
    dh, dw = _pair(param, 'dilation', 1)
    channels, each, *_ = kernel.shape
    kh, kw = kernel.shape[2:]
    height, width = sh * (x.shape[2] - 1) + dh * (kh - 1) + 1, sw * (x.shape[3] - 1) + dw * (kw - 1) + 1
    y = np.zeros((len(x), each * group, height, width))
    for c, o, i, j, v, u in itertools.product(*map(range, (channels, each, kh, kw, *x.shape[2:]))):
        y[:, c // (channels // group) * each + o, v * sh + i * dh, u * sw + j * dw] += (
            x[:, c, v, u] * kernel[c, o, i, j]
        )
    return y[:, :, ph : height - ph, pw : width - pw] + bias[:, None, None]


def _inner_product(param, weights, x):
    assert param.boolean('transpose', False)
    return x.reshape(len(x), -1) @ weights[0] + weights[1]


def _pooling(param, weights, x):
    height, width = x.shape[2:]
    if param.boolean('global_pooling', False):
        return x.mean(axis=(2, 3), keepdims=True)
    (kh, kw), (sh, sw) = _pair(param, 'kernel_size', 0, 'kernel'), _pair(param, 'stride', 1)
    ph, pw = _pair(param, 'pad', 0)
    rounded = math.floor if 'round_mode' in param else math.ceil
    sizes = []
    for n, k, s, p in ((height, kh, sh, ph), (width, kw, sw, pw)):
        count = rounded((n + 2 * p - k) / s) + 1
        sizes.append(count - 1 if (ph or pw) and (count - 1) * s >= n + p else count)
    y = np.zeros((*x.shape[:2], *sizes))
    for v, u in itertools.product(*map(range, sizes)):
        top, left = v * sh - ph, u * sw - pw
        bottom, right = min(top + kh, height + ph), min(left + kw, width + pw)
        window = x[:, :, max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
        if param.enum('pool', {0: 'MAX', 1: 'AVE'}, 'MAX') == 'MAX':
            y[:, :, v, u] = window.max(axis=(2, 3))
        else:
            y[:, :, v, u] = window.sum(axis=(2, 3)) / ((bottom - top) * (right - left))
    return y


def _concat(param, weights, *inputs):
    return np.concatenate(inputs, param.integer('concat_dim', param.integer('axis', 1)))


def _slice(param, weights, x):
    assert param.integer('axis', 1) == 0  # of one image of the batch, or of all: only one top
    return x


def _dropout(param, weights, x):
    return x if param.boolean('scale_train', True) else x * (1 - param.number('dropout_ratio', 0.5))


def _eltwise(param, weights, *inputs):
    assert param.enum('operation', {2: 'MAX'}, '') == 'MAX'
    return np.max(inputs, axis=0)


def _flatten(param, weights, x):
    return x.reshape(len(x), -1)


def _lrn(param, weights, x):
    size, half = param.integer('local_size', 5), param.integer('local_size', 5) // 2
    squares = np.stack([(x[:, max(c - half, 0) : c + half + 1] ** 2).sum(axis=1) for c in range(x.shape[1])], 1)
    k, alpha, beta = param.number('k', 1), param.number('alpha', 1), param.number('beta', 0.75)
    return x / (k + alpha / size * squares) ** beta


def _prelu(param, weights, x):
    return np.maximum(x, 0) + weights[0] * np.minimum(x, 0)


def _batch_norm(param, weights, x):
    mean, variance = weights[0] / weights[2], weights[1] / weights[2]
    return (x - _spread(mean, 1, 4)) / np.sqrt(_spread(variance, 1, 4) + param.number('eps', 1e-5))


def _scale(param, weights, x):
    return x * weights[0]


def _bias(param, weights, x, *second):
    return x + _spread(second[0] if second else weights[0], param.integer('axis', 1), x.ndim)


def _normalize(param, weights, x):
    axes = (1, 2, 3) if param.boolean('across_spatial', True) else 1
    scale = weights[0] if weights[0].ndim == 0 else _spread(weights[0], 1, 4)
    return x / np.sqrt((x**2).sum(axis=axes, keepdims=True) + 1e-10) * scale


def _arg_max(param, weights, x):
    top_k, values = param.integer('top_k', 1), param.boolean('out_max_val', False)
    if 'axis' not in param:
        flat = x.reshape(len(x), -1)
        where = np.argsort(flat, axis=1)[:, ::-1][:, :top_k]
        found = np.stack([where, np.take_along_axis(flat, where, 1)], 1) if values else where[:, None]
        return found.reshape(*found.shape, 1)
    axis = param.integer('axis', 1)
    where = np.flip(np.argsort(x, axis=axis), axis).take(range(top_k), axis)
    return np.take_along_axis(x, where, axis) if values else where


def _reduction(param, weights, x):
    axis, operation = (
        param.integer('axis', 0),
        param.enum('operation', {1: 'SUM', 2: 'ASUM', 3: 'SUMSQ', 4: 'MEAN'}, 'SUM'),
    )
    x = {'ASUM': np.abs, 'SUMSQ': np.square}.get(operation, lambda v: v)(x).reshape(*x.shape[:axis], -1)
    return (x.mean(-1) if operation == 'MEAN' else x.sum(-1)) * param.number('coeff', 1)


_FORWARD = {
    'ArgMax': ('argmax_param', _arg_max),
    'BatchNorm': ('batch_norm_param', _batch_norm),
    'Bias': ('bias_param', _bias),
    'Concat': ('concat_param', _concat),
    'Convolution': ('convolution_param', _convolution),
    'ConvolutionDepthwise': ('convolution_param', _convolution),
    'DepthwiseConvolution': ('convolution_param', _convolution),
    'Dropout': ('dropout_param', _dropout),
    'Eltwise': ('eltwise_param', _eltwise),
    'Deconvolution': ('convolution_param', _deconvolution),
    'Flatten': ('flatten_param', _flatten),
    'InnerProduct': ('inner_product_param', _inner_product),
    'LRN': ('lrn_param', _lrn),
    'Normalize': ('norm_param', _normalize),
    'PReLU': ('prelu_param', _prelu),
    'Pooling': ('pooling_param', _pooling),
    'Reduction': ('reduction_param', _reduction),
    'Scale': ('scale_param', _scale),
    'Slice': ('slice_param', _slice),
}
