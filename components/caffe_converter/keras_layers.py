# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Keras layers for what Caffe does and no Keras layer does the same. Data is channels-last, as everywhere in Keras.

All are registered under 'caffe_converter' and serialisable, so that `keras.models.load_model` opens a converted model
once this package is imported. Written with keras.ops only.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from components.caffe_converter.layers.base import stored_order
from components.caffe_converter.layers.pooling import pooled_size

_register = keras.saving.register_keras_serializable(package='caffe_converter')


class _Configured(keras.layers.Layer):
    """A layer whose constructor's arguments are its configuration."""

    def __init__(self, settings: dict[str, Any], kwargs: dict[str, Any]):
        super().__init__(**kwargs)
        self._settings = settings

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), **self._settings}


def _to_caffe(x: Any) -> Any:
    """A stored tensor with Caffe's axis order."""
    return ops.transpose(x, (0, 3, 1, 2)) if len(x.shape) == 4 else x


def _to_keras(x: Any) -> Any:
    """A tensor of Caffe's axis order as it is stored."""
    return ops.transpose(x, stored_order(4)) if len(x.shape) == 4 else x


@_register
class Pooling(_Configured):
    """Caffe's pooling with its rounding and clipping: [B, H, W, C] → [B, H', W', C].

    MAX ignores padding. AVE divides by the window's size within the padded image, padding counted.
    """

    def __init__(self, method: str, kernel: Any, stride: Any, pad: Any, ceil: bool = True, **kwargs: Any):
        super().__init__({'method': method, 'kernel': kernel, 'stride': stride, 'pad': pad, 'ceil': ceil}, kwargs)
        self.method, self.kernel, self.stride, self.pad = method, tuple(kernel), tuple(stride), tuple(pad)
        self.ceil = ceil

    def call(self, x: Any) -> Any:
        """Pools."""
        borders, divisors = [(0, 0)], []
        for size, k, s, p in zip(x.shape[1:3], self.kernel, self.stride, self.pad, strict=True):
            count = pooled_size(size, k, s, p, self.ceil)
            borders.append((p, max((count - 1) * s + k - size - p, 0)))
            divisors.append([min(at * s - p + k, size + p) - (at * s - p) for at in range(count)])
        borders.append((0, 0))
        if self.method == 'MAX':
            x = ops.pad(x, borders, constant_values=-math.inf)
            return ops.max_pool(x, self.kernel, self.stride, 'valid')
        # average · k = sum; the divisors of rows and columns multiply. At the far border they are less than k.
        y = ops.average_pool(ops.pad(x, borders), self.kernel, self.stride, 'valid')
        rows = [self.kernel[0] / n for n in divisors[0]]
        columns = [self.kernel[1] / n for n in divisors[1]]
        y = y * ops.reshape(ops.convert_to_tensor(rows, dtype=y.dtype), (-1, 1, 1))
        return y * ops.reshape(ops.convert_to_tensor(columns, dtype=y.dtype), (-1, 1))


class _Kernel(_Configured):
    """A layer with a kernel and perhaps a bias."""

    def _add(self, shape: tuple[int, ...], filters: int, bias: bool) -> None:
        self.kernel = self.add_weight(shape=shape, initializer='zeros', name='kernel')
        self.bias = self.add_weight(shape=(filters,), initializer='zeros', name='bias') if bias else None


@_register
class Convolution(_Kernel):
    """A convolution with stride and dilation at once: [B, H, W, C] → [B, H', W', filters]; pad it before.

    Keras refuses the two together: this convolves with stride 1 and takes every stride-th value.
    """

    def __init__(
        self, filters: int, kernel_size: Any, stride: Any, dilation: Any, groups: int, use_bias: bool, **kwargs: Any
    ):
        super().__init__(
            {'filters': filters, 'kernel_size': kernel_size, 'stride': stride, 'dilation': dilation, 'groups': groups,
             'use_bias': use_bias}, kwargs,
        )  # fmt: skip
        self.filters, self.kernel_size, self.groups, self.use_bias = filters, tuple(kernel_size), groups, use_bias
        self.stride, self.dilation = tuple(stride), tuple(dilation)

    def build(self, shape: Any) -> None:
        """Makes the weights: kernel [kh, kw, C/groups, filters], bias [filters]."""
        self._add((*self.kernel_size, shape[-1] // self.groups, self.filters), self.filters, self.use_bias)

    def call(self, x: Any) -> Any:
        """Convolves."""
        y = ops.conv(x, self.kernel, 1, 'valid', dilation_rate=self.dilation)
        y = y[:, :: self.stride[0], :: self.stride[1], :]
        return y if self.bias is None else y + self.bias


@_register
class Deconvolution(_Kernel):
    """Caffe's Deconvolution with pad, groups and dilation: [B, H, W, C] → [B, s(H-1) + d(k-1) + 1 - 2p, …, filters].

    Puts stride - 1 zeros between the values and convolves with the kernel turned by 180°.
    """

    def __init__(
        self, filters: int, kernel_size: Any, stride: Any, pad: Any, dilation: Any, groups: int, use_bias: bool,
        **kwargs: Any,
    ):  # fmt: skip
        super().__init__(
            {'filters': filters, 'kernel_size': kernel_size, 'stride': stride, 'pad': pad, 'dilation': dilation,
             'groups': groups, 'use_bias': use_bias}, kwargs,
        )  # fmt: skip
        self.filters, self.kernel_size, self.groups, self.use_bias = filters, tuple(kernel_size), groups, use_bias
        self.stride, self.pad, self.dilation = tuple(stride), tuple(pad), tuple(dilation)

    def build(self, shape: Any) -> None:
        """Makes the weights: kernel [kh, kw, filters/groups, C], as Conv2DTranspose has it, and bias [filters]."""
        self._add((*self.kernel_size, self.filters // self.groups, shape[-1]), self.filters, self.use_bias)

    def call(self, x: Any) -> Any:
        """Convolves backwards."""
        _, height, width, channels = x.shape
        (kh, kw), (sh, sw) = self.kernel_size, self.stride
        x = ops.reshape(x, (-1, height, 1, width, 1, channels))
        x = ops.pad(x, ((0, 0), (0, 0), (0, sh - 1), (0, 0), (0, sw - 1), (0, 0)))
        x = ops.reshape(x, (-1, height * sh, width * sw, channels))
        # The last stride - 1 zeros are too many; a pad beyond the kernel cuts the result instead.
        x = x[:, : (height - 1) * sh + 1, : (width - 1) * sw + 1, :]
        border = [d * (k - 1) - p for d, k, p in zip(self.dilation, self.kernel_size, self.pad, strict=True)]
        x = ops.pad(x, ((0, 0), *((max(b, 0), max(b, 0)) for b in border), (0, 0)))
        cut_h, cut_w = (max(-b, 0) for b in border)
        x = x[:, cut_h : x.shape[1] - cut_h, cut_w : x.shape[2] - cut_w, :]
        # [kh, kw, out/g, g·in/g] → turned, [kh, kw, in/g, g·out/g]
        each, inner = self.filters // self.groups, channels // self.groups
        kernel = ops.reshape(ops.flip(self.kernel, (0, 1)), (kh, kw, each, self.groups, inner))
        kernel = ops.reshape(ops.transpose(kernel, (0, 1, 4, 3, 2)), (kh, kw, inner, self.filters))
        y = ops.conv(x, kernel, 1, 'valid', dilation_rate=self.dilation)
        return y if self.bias is None else y + self.bias


@_register
class InnerProduct(_Kernel):
    """Caffe's InnerProduct from axis 2 or 3 on, Caffe's order of values: (N, C, H, W) of axis 3 → (N, C, H, units)."""

    def __init__(self, units: int, axis: int, use_bias: bool, **kwargs: Any):
        super().__init__({'units': units, 'axis': axis, 'use_bias': use_bias}, kwargs)
        self.units, self.axis, self.use_bias = units, axis, use_bias

    def build(self, shape: Any) -> None:
        """Makes the weights: kernel [inputs, units], bias [units]."""
        caffe = (shape[0], shape[3], shape[1], shape[2]) if len(shape) == 4 else shape
        self._add((math.prod(caffe[self.axis :]), self.units), self.units, self.use_bias)

    def call(self, x: Any) -> Any:
        """Multiplies."""
        x = _to_caffe(x)
        kept = x.shape[1 : self.axis]
        y = ops.matmul(ops.reshape(x, (-1, *kept, self.kernel.shape[0])), self.kernel)
        return _to_keras(y if self.bias is None else y + self.bias)


@_register
class Scale(_Configured):
    """x · gamma + beta with learned gamma, beta or both; each of `shape`, broadcast with the last axes of x.

    With two inputs gamma (or beta, of Bias) is the second one: Caffe's axes from the batch on.
    """

    def __init__(self, shape: Any, scale: bool, bias: bool, second: str = '', **kwargs: Any):
        super().__init__({'shape': shape, 'scale': scale, 'bias': bias, 'second': second}, kwargs)
        self.shape, self.scale, self.has_bias, self.second = tuple(shape), scale, bias, second

    def build(self, shape: Any) -> None:
        """Makes the weights."""
        self.gamma = self.add_weight(shape=self.shape, initializer='ones', name='gamma') if self.scale else None
        self.beta = self.add_weight(shape=self.shape, initializer='zeros', name='beta') if self.has_bias else None

    def call(self, x: Any) -> Any:
        """Scales and shifts."""
        if self.second:
            x, other = x
            other = _to_caffe(other)
            axes = [*other.shape[1:], *[1] * (len(x.shape) - len(other.shape))]
            other = _to_keras(ops.reshape(other, (-1, *axes)))
            x = x * other if self.second == 'gamma' else x + other
        if self.gamma is not None:
            x = x * self.gamma
        return x if self.beta is None else x + self.beta


@_register
class LRN(_Configured):
    """Caffe's local response normalisation on [B, H, W, C]; alpha is divided by the window's size."""

    def __init__(self, size: int, alpha: float, beta: float, k: float, across: bool, **kwargs: Any):
        super().__init__({'size': size, 'alpha': alpha, 'beta': beta, 'k': k, 'across': across}, kwargs)
        self.size, self.alpha, self.beta, self.k, self.across = size, alpha, beta, k, across

    def call(self, x: Any) -> Any:
        """Normalises."""
        squares = ops.square(x)
        height, width, channels = x.shape[1:]
        if self.across:
            # A window beyond all channels sees them all: it need not be wider than that.
            half = min(self.size // 2, channels - 1)
            rows = ops.reshape(squares, (-1, height * width, channels, 1))
            rows = ops.pad(rows, ((0, 0), (0, 0), (half, half), (0, 0)))
            mean = ops.average_pool(rows, (1, 2 * half + 1), 1, 'valid') * ((2 * half + 1) / self.size)
            mean = ops.reshape(mean, (-1, height, width, channels))
            return x * ops.power(self.k + self.alpha * mean, -self.beta)
        halves = [min(self.size // 2, n - 1) for n in (height, width)]
        window = [2 * half + 1 for half in halves]
        padded = ops.pad(squares, ((0, 0), *((half, half) for half in halves), (0, 0)))
        mean = ops.average_pool(padded, tuple(window), 1, 'valid') * (window[0] * window[1] / self.size**2)
        return x * ops.power(1 + self.alpha * mean, -self.beta)


@_register
class Normalize(_Configured):
    """SSD's Normalize on [B, H, W, C]: x / sqrt(Σ x² + eps) · scale, Σ over a place's channels or the whole image."""

    def __init__(self, across: bool, shared: bool, eps: float, **kwargs: Any):
        super().__init__({'across': across, 'shared': shared, 'eps': eps}, kwargs)
        self.across, self.shared, self.eps = across, shared, eps

    def build(self, shape: Any) -> None:
        """Makes the weight: scale [C], or [1] where it is shared."""
        self.scale = self.add_weight(shape=(1 if self.shared else shape[-1],), initializer='ones', name='scale')

    def call(self, x: Any) -> Any:
        """Normalises."""
        total = ops.sum(ops.square(x), axis=(1, 2, 3) if self.across else -1, keepdims=True)
        return x / ops.sqrt(total + self.eps) * self.scale


@_register
class Power(_Configured):
    """(shift + scale · x) ^ power."""

    def __init__(self, power: float, scale: float, shift: float, **kwargs: Any):
        super().__init__({'power': power, 'scale': scale, 'shift': shift}, kwargs)
        self.power, self.scale, self.shift = power, scale, shift

    def call(self, x: Any) -> Any:
        """Computes."""
        y = x * self.scale + self.shift
        return y if self.power == 1 else ops.power(y, self.power)


@_register
class Absolute(keras.layers.Layer):
    """|x|."""

    def call(self, x: Any) -> Any:
        """Computes."""
        return ops.abs(x)


@_register
class WeightedSum(_Configured):
    """Σ coefficient · input over inputs of one shape."""

    def __init__(self, coefficients: Any, **kwargs: Any):
        super().__init__({'coefficients': coefficients}, kwargs)
        self.coefficients = list(coefficients)

    def call(self, inputs: Any) -> Any:
        """Sums."""
        total = inputs[0] * self.coefficients[0]
        for coefficient, x in zip(self.coefficients[1:], inputs[1:], strict=True):
            total = total + x * coefficient
        return total


@_register
class Slice(_Configured):
    """An axis cut at `bounds` (0 and its size among them): a list of len(bounds) - 1 tensors."""

    def __init__(self, axis: int, bounds: Any, **kwargs: Any):
        super().__init__({'axis': axis, 'bounds': bounds}, kwargs)
        self.axis, self.bounds = axis, list(bounds)

    def call(self, x: Any) -> Any:
        """Cuts."""
        parts = ops.split(x, self.bounds[1:-1], axis=self.axis)
        return parts[0] if len(parts) == 1 else parts


@_register
class Crop(_Configured):
    """Each axis but the batch cut to `length` values from `start` on: spans [(start, length), …] in Keras' order."""

    def __init__(self, spans: Any, **kwargs: Any):
        super().__init__({'spans': spans}, kwargs)
        self.spans = [tuple(span) for span in spans]

    def call(self, x: Any) -> Any:
        """Cuts."""
        return x[(slice(None), *(slice(start, start + length) for start, length in self.spans))]


@_register
class Reshape(_Configured):
    """Caffe's Reshape and Flatten, in Caffe's order of values: `target` is Caffe's shape without the batch."""

    def __init__(self, target: Any, **kwargs: Any):
        super().__init__({'target': target}, kwargs)
        self.target = tuple(target)

    def call(self, x: Any) -> Any:
        """Reshapes."""
        return _to_keras(ops.reshape(_to_caffe(x), (-1, *self.target)))


@_register
class ArgMax(_Configured):
    """Caffe's ArgMax: float32 indices, or values, of the `top_k` largest along an axis, or over all values.

    Of equal values Caffe puts the one with the higher index first. Over all values the output is N × 1 × top_k, or
    N × 2 × top_k with indices and values; `target` is that shape in Caffe's order without the batch.
    """

    def __init__(self, axis: int | None, top_k: int, values: bool, target: Any, **kwargs: Any):
        super().__init__({'axis': axis, 'top_k': top_k, 'values': values, 'target': target}, kwargs)
        self.axis, self.top_k, self.values, self.target = axis, top_k, values, tuple(target)

    def call(self, x: Any) -> Any:
        """Finds."""
        if self.axis is None:
            x = _to_caffe(x)
            x = ops.reshape(x, (-1, math.prod(x.shape[1:])))
        else:
            x = ops.moveaxis(x, self.axis, -1)
        # Turned round, because top_k puts the lower index first.
        values, indices = ops.top_k(ops.flip(x, axis=-1), self.top_k)
        indices = ops.cast(x.shape[-1] - 1 - indices, values.dtype)
        if self.axis is None:
            found = ops.stack([indices, values], axis=1) if self.values else indices
            return _to_keras(ops.reshape(found, (-1, *self.target)))
        return ops.moveaxis(values if self.values else indices, -1, self.axis)


@_register
class Reduction(_Configured):
    """coefficient · SUM, ASUM (of |x|) or SUMSQ over Caffe's axes from `axis` on (MEAN is a SUM here)."""

    def __init__(self, operation: str, axis: int, coefficient: float, **kwargs: Any):
        super().__init__({'operation': operation, 'axis': axis, 'coefficient': coefficient}, kwargs)
        self.operation, self.axis, self.coefficient = operation, axis, coefficient

    def call(self, x: Any) -> Any:
        """Reduces."""
        x = _to_caffe(x)
        x = {'ASUM': ops.abs, 'SUMSQ': ops.square}.get(self.operation, lambda same: same)(x)
        return ops.sum(x, axis=tuple(range(self.axis, len(x.shape)))) * self.coefficient
