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
        result = function(param, weights, *inputs)
        tops = result if isinstance(result, tuple) else (result,)
        blobs.update(zip(message.strings('top'), tops, strict=False))
        top = tops[len(message.strings('top')) - 1]
    assert top is not None
    return top


def _pair(param, name, default, short=''):
    values = param.integers(name) or [param.integer(f'{short or name}_{axis}', default) for axis in 'hw']
    return values[0], values[-1]


def _spread(weight, axis, rank):
    return weight.reshape((1,) * axis + weight.shape + (1,) * (rank - axis - weight.ndim))


def _convolution(param, weights, x):
    kernel, bias = weights[0], weights[1] if len(weights) > 1 else np.zeros(len(weights[0]))
    (sh, sw), (ph, pw) = _pair(param, 'stride', 1), _pair(param, 'pad', 0)
    dh, dw = _pair(param, 'hole' if 'hole' in param or 'hole_h' in param else 'dilation', 1)
    kh, kw = _pair(param, 'kernel_size', 0, 'kernel')
    out, each = kernel.shape[:2]
    group = x.shape[1] // each
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    height, width = (x.shape[2] - dh * (kh - 1) - 1) // sh + 1, (x.shape[3] - dw * (kw - 1) - 1) // sw + 1
    y = np.zeros((len(x), out, height, width))
    for o, c, i, j in itertools.product(*map(range, (out, each, kh, kw))):
        rows, columns = (
            slice(i * dh, i * dh + (height - 1) * sh + 1, sh),
            slice(j * dw, j * dw + (width - 1) * sw + 1, sw),
        )
        y[:, o] += x[:, o // (out // group) * each + c, rows, columns] * kernel[o, c, i, j]
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
    matrix = weights[0] if param.boolean('transpose', False) else weights[0].T
    return x.reshape(len(x), -1) @ matrix + weights[1]


def _pooling(param, weights, x):
    height, width = x.shape[2:]
    if param.boolean('global_pooling', False):
        method = param.enum('pool', {0: 'MAX', 1: 'AVE'}, 'MAX')
        return _pooled(x, method, (1, 1), (height, width), (1, 1), (0, 0))
    (kh, kw), (sh, sw) = _pair(param, 'kernel_size', 0, 'kernel'), _pair(param, 'stride', 1)
    ph, pw = _pair(param, 'pad', 0)
    rounded = math.floor if 'round_mode' in param else math.ceil
    sizes = []
    for n, k, s, p in ((height, kh, sh, ph), (width, kw, sw, pw)):
        count = rounded((n + 2 * p - k) / s) + 1
        sizes.append(count - 1 if (ph or pw) and (count - 1) * s >= n + p else count)
    return _pooled(x, param.enum('pool', {0: 'MAX', 1: 'AVE'}, 'MAX'), sizes, (kh, kw), (sh, sw), (ph, pw))


def _pooled(x, method, sizes, kernel, stride, pad):
    """Of MAX, also the place of each largest value."""
    height, width = x.shape[2:]
    y, mask = np.zeros((*x.shape[:2], *sizes)), np.zeros((*x.shape[:2], *sizes))
    places = np.arange(height * width).reshape(height, width)
    for v, u in itertools.product(*map(range, sizes)):
        top, left = v * stride[0] - pad[0], u * stride[1] - pad[1]
        bottom, right = min(top + kernel[0], height + pad[0]), min(left + kernel[1], width + pad[1])
        inside = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
        window = x[:, :, *inside].reshape(*x.shape[:2], -1)
        if method == 'MAX':
            y[:, :, v, u] = window.max(axis=2)
            mask[:, :, v, u] = places[inside].ravel()[window.argmax(axis=2)]
        else:
            y[:, :, v, u] = window.sum(axis=2) / ((bottom - top) * (right - left))
    return (y, mask) if method == 'MAX' else y


def _concat(param, weights, *inputs):
    return np.concatenate(inputs, param.integer('concat_dim', param.integer('axis', 1)))


def _slice(param, weights, x):
    assert param.integer('axis', 1) == 0  # of one image of the batch, or of all: only one top
    return x


def _dropout(param, weights, x):
    return x if param.boolean('scale_train', True) else x * (1 - param.number('dropout_ratio', 0.5))


def _eltwise(param, weights, *inputs):
    maximum = param.enum('operation', {1: 'SUM', 2: 'MAX'}, 'SUM') == 'MAX'
    return np.max(inputs, axis=0) if maximum else np.sum(inputs, axis=0)


def _flatten(param, weights, x):
    return x.reshape(*x.shape[: param.integer('axis', 1)], -1)


def _lrn(param, weights, x):
    size, half = param.integer('local_size', 5), param.integer('local_size', 5) // 2
    squares = np.stack([(x[:, max(c - half, 0) : c + half + 1] ** 2).sum(axis=1) for c in range(x.shape[1])], 1)
    k, alpha, beta = param.number('k', 1), param.number('alpha', 1), param.number('beta', 0.75)
    return x / (k + alpha / size * squares) ** beta


def _prelu(param, weights, x):
    slope = weights[0] if weights[0].ndim == 0 else _spread(weights[0], 1, x.ndim)
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


def _batch_norm(param, weights, x):
    mean, variance = weights[0] / weights[2], weights[1] / weights[2]
    return (x - _spread(mean, 1, 4)) / np.sqrt(_spread(variance, 1, 4) + param.number('eps', 1e-5))


def _scale(param, weights, x):
    axis = 1 if weights[0].ndim else 0
    scaled = x * _spread(weights[0], axis, x.ndim)
    return scaled + _spread(weights[1], axis, x.ndim) if len(weights) > 1 else scaled


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


def _axpy(param, weights, scale, x, y):
    return scale.reshape(*scale.shape[:2], 1, 1) * x + y


def _bn(param, weights, x):
    weights = [_spread(weight.ravel(), 1, x.ndim) for weight in weights]
    if len(weights) == 2:
        return x * weights[0] + weights[1]
    eps = param.number('var_eps', 1e-10) if 'moving_average' in param else param.number('eps', 1e-5)
    return (x - weights[2]) / np.sqrt(weights[3] + eps) * weights[0] + weights[1]


def _embed(param, weights, x):
    rows = weights[0][x.astype(int)]
    return rows + weights[1] if len(weights) > 1 else rows


def _interp(param, weights, x, like=None):
    before, after = -param.integer('pad_beg', 0, -99), -param.integer('pad_end', 0, -99)
    x = x[:, :, before : x.shape[2] - after, before : x.shape[3] - after]
    height, width = x.shape[2:]
    zoom, shrink = param.integer('zoom_factor', 1), param.integer('shrink_factor', 1)
    rows, columns = ((n - 1) // shrink + 1 for n in (height, width))
    rows, columns = (n + (n - 1) * (zoom - 1) for n in (rows, columns))
    rows, columns = param.integer('height', rows), param.integer('width', columns)
    if like is not None:
        rows, columns = like.shape[2:]
    down, along = np.linspace(0, height - 1, rows), np.linspace(0, width - 1, columns)
    # Each value counts by a triangle of width 2 around its place.
    down = np.maximum(1 - np.abs(down[:, None] - np.arange(height)), 0)
    along = np.maximum(1 - np.abs(along[:, None] - np.arange(width)), 0)
    return np.einsum('ri,ncij,sj->ncrs', down, x, along)


def _log(param, weights, x):
    y = np.log(param.number('shift', 0) + param.number('scale', 1) * x)
    return y / math.log(param.number('base', math.e))


def _mvn(param, weights, x):
    # Only options that OpenCV lacks; it computes the rest.
    deviation = x.std(axis=(2, 3), keepdims=True)
    return (x - x.mean(axis=(2, 3), keepdims=True)) / (deviation + param.number('eps', 1e-9))


def _relu6(param, weights, x):
    return np.minimum(np.where(x > 0, x, x * param.number('negative_slope', 0)), 6)


def _shuffle_channel(param, weights, x):
    group = param.integer('group', 1)
    order = [g * (x.shape[1] // group) + at for at in range(x.shape[1] // group) for g in range(group)]
    return x[:, order]


def _softmax(param, weights, x):
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _spp(param, weights, x):
    levels = []
    for level in range(param.integer('pyramid_height', 0)):
        bins = 2**level
        kernel = [math.ceil(n / bins) for n in x.shape[2:]]
        pad = [(k * bins - n + 1) // 2 for k, n in zip(kernel, x.shape[2:], strict=True)]
        sizes = []
        for n, k, p in zip(x.shape[2:], kernel, pad, strict=True):
            count = math.ceil((n + 2 * p - k) / k) + 1
            sizes.append(count - 1 if any(pad) and (count - 1) * k >= n + p else count)
        result = _pooled(x, param.enum('pool', {0: 'MAX', 1: 'AVE'}, 'MAX'), sizes, kernel, kernel, pad)
        levels.append(result[0] if isinstance(result, tuple) else result)
    return levels[0] if len(levels) == 1 else np.concatenate([level.reshape(len(x), -1) for level in levels], 1)


def _swish(param, weights, x):
    return x / (1 + np.exp(-param.number('beta', 1) * x))


def _upsample(param, weights, x, mask=None):
    batch, channels, rows, columns = x.shape
    if mask is None:
        return x.repeat(param.integer('scale', 1), 2).repeat(param.integer('scale', 1), 3)
    scale = param.integer('scale', 2)
    height = param.integer('upsample_h', rows * param.integer('scale_h', scale) - param.boolean('pad_out_h', False))
    width = param.integer('upsample_w', columns * param.integer('scale_w', scale) - param.boolean('pad_out_w', False))
    y = np.zeros((batch, channels, height * width))
    for n, c, v, u in itertools.product(*map(range, x.shape)):
        y[n, c, int(mask[n, c, v, u])] = x[n, c, v, u]
    return y.reshape(batch, channels, height, width)


_FORWARD = {
    'AbsVal': ('absval_param', lambda param, weights, x: np.abs(x)),
    'Axpy': ('axpy_param', _axpy),
    'BN': ('bn_param', _bn),
    'Embed': ('embed_param', _embed),
    'Interp': ('interp_param', _interp),
    'Log': ('log_param', _log),
    'MVN': ('mvn_param', _mvn),
    'Power': ('power_param', lambda param, weights, x: param.number('shift', 0) + param.number('scale', 1) * x),
    'ReLU': ('relu_param', lambda param, weights, x: np.maximum(x, 0)),
    'ReLU6': ('relu6_param', _relu6),
    'SPP': ('spp_param', _spp),
    'ShuffleChannel': ('shuffle_channel_param', _shuffle_channel),
    'Sigmoid': ('sigmoid_param', lambda param, weights, x: 1 / (1 + np.exp(-x))),
    'Softmax': ('softmax_param', _softmax),
    'Swish': ('swish_param', _swish),
    'Threshold': ('threshold_param', lambda param, weights, x: 1.0 * (x > param.number('threshold', 0))),
    'Tile': (
        'tile_param',
        lambda param, weights, x: np.concatenate([x] * param.integer('tiles', 0), param.integer('axis', 1, -1)),
    ),
    'Upsample': ('upsample_param', _upsample),
    'ArgMax': ('argmax_param', _arg_max),
    'BatchNorm': ('batch_norm_param', _batch_norm),
    'Bias': ('bias_param', _bias),
    'Concat': ('concat_param', _concat),
    'Convolution': ('convolution_param', _convolution),
    'ConvolutionDepthwise': ('convolution_param', _convolution),
    'DepthwiseConvolution': ('convolution_param', _convolution),
    'HoleConvolution': ('convolution_param', _convolution),
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
