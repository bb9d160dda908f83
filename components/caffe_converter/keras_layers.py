# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Keras layers for Caffe operations that no stock Keras layer computes exactly. Data is channels-last.

`keras.models.load_model` opens a `.keras` file that contains one of them only after
`import components.caffe_converter.keras_layers`, which registers them under 'caffe_converter'.
They use keras.ops alone. Those that resample images are in keras_resampling.py, those of SSD detectors in
keras_detection.py.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from components.caffe_converter.keras_base import Configured, register, to_caffe, to_keras
from components.caffe_converter.keras_detection import DetectionOutput, PriorBox
from components.caffe_converter.keras_resampling import Interp, PoolingWithMask, Upsample
from components.caffe_converter.layers.pooling import pooled_size

__all__ = [
    'LRN', 'MVN', 'Absolute', 'ArgMax', 'Convolution', 'Crop', 'Deconvolution', 'DetectionOutput', 'InnerProduct',
    'Interp', 'Log', 'Normalize', 'PReLU', 'Pooling', 'PoolingWithMask', 'Power', 'PriorBox', 'Rectifier', 'Reduction',
    'Reshape', 'Scale', 'Slice', 'Threshold', 'Upsample', 'WeightedSum',
]  # fmt: skip


@register
class Pooling(Configured, arguments='method kernel stride pad ceil'):
    """Pools with Caffe's rounding and clipping: [B, H, W, C] → [B, H', W', C].

    MAX ignores padding. AVE divides by the size of the window within the padded image.
    """

    def call(self, x: Any) -> Any:
        """Pools."""
        borders, divisors = [(0, 0)], []
        for size, k, s, p in zip(x.shape[1:3], self.kernel, self.stride, self.pad, strict=True):
            count = pooled_size(size, k, s, p, self.ceil, tuple(self.pad) != (0, 0))
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


#: Least input channels of a part of a grouped convolution, see `_convolve`.
_PART = 16


def _convolve(x: Any, kernel: Any, groups: int, dilation: Any, strides: Any = 1, padding: str = 'valid') -> Any:
    """Convolves [B, H, W, C] with a kernel [kh, kw, C/groups, filters] by stock operations that a processor is fast at.

    Keras compiles a grouped convolution with XLA on TensorFlow, which is slow on a processor. Splitting into groups is
    slow for narrow ones. So several narrow groups make one dense convolution, whose kernel is zero between the groups.
    Milliseconds for 8 images on two loaded cores (Keras' groups; one dense convolution; a part a group; this):
    ResNeXt's 32 groups at 56x56x128 174, 49, 22, 16, at 28x28x256 29, 45, 10, 9, at 7x7x1024 7.7, 91, 5.6, 5.6;
    AlexNet's conv2 (2 groups) 48, 44, 25, 25; ShuffleNet's 1x1, 3 groups, 28x28x240 3.5, 2.4, 3.1, 3.1.
    """
    *size, inner, filters = kernel.shape
    if groups == 1:
        return ops.conv(x, kernel, strides, padding, dilation_rate=dilation)
    if inner == 1 and strides == 1:
        kernel = ops.reshape(kernel, (*size, groups, filters // groups))
        return ops.depthwise_conv(x, kernel, strides, padding, dilation_rate=dilation)
    parts = max((n for n in range(1, groups + 1) if groups % n == 0 and inner * groups // n >= _PART), default=1)
    each = groups // parts  # groups of a part
    results = []
    for part, weights in zip(ops.split(x, parts, -1), ops.split(kernel, parts, -1), strict=True):
        # [kh, kw, inner, filters of each group] → [kh, kw, each · inner, filters of the part], zero between groups
        wide = ops.reshape(weights, (*size, 1, inner, each, -1))
        wide = wide * ops.reshape(ops.eye(each, dtype=weights.dtype), (1, 1, each, 1, each, 1))
        wide = ops.reshape(wide, (*size, each * inner, filters // parts))
        results.append(ops.conv(part, wide, strides, padding, dilation_rate=dilation))
    return ops.concatenate(results, -1)


class _Kernel(Configured):
    """A layer with a kernel and an optional bias."""

    def _add(self, shape: tuple[int, ...], outputs: int) -> None:
        self.kernel = self.add_weight(shape=shape, initializer='zeros', name='kernel')
        self.bias = self.add_weight(shape=(outputs,), initializer='zeros', name='bias') if self.use_bias else None


@register
class Convolution(_Kernel, arguments='filters kernel_size stride padding dilation groups use_bias'):
    """Convolves with groups, or with both stride and dilation: [B, H, W, C] → [B, H', W', filters].

    Keras refuses stride with dilation, so this convolves with stride 1 and takes every stride-th value.
    """

    def build(self, shape: Any) -> None:
        """Makes the weights: kernel [kh, kw, C/groups, filters], bias [filters]."""
        self._add((*self.kernel_size, shape[-1] // self.groups, self.filters), self.filters)

    def call(self, x: Any) -> Any:
        """Convolves."""
        if max(self.stride) > 1 and max(self.dilation) > 1:
            y = _convolve(x, self.kernel, self.groups, self.dilation, 1, self.padding)
            y = y[:, :: self.stride[0], :: self.stride[1], :]
        else:
            strides = self.stride if max(self.stride) > 1 else 1
            y = _convolve(x, self.kernel, self.groups, self.dilation, strides, self.padding)
        return y if self.bias is None else y + self.bias


@register
class Deconvolution(_Kernel, arguments='filters kernel_size stride pad dilation groups use_bias'):
    """Caffe's Deconvolution with pad, groups and dilation: [B, H, W, C] → [B, s(H-1) + d(k-1) + 1 - 2p, …, filters].

    Puts stride - 1 zeros between the values and convolves with the kernel rotated by 180°.
    """

    def build(self, shape: Any) -> None:
        """Makes the weights: kernel [kh, kw, filters/groups, C], as in Conv2DTranspose, and bias [filters]."""
        self._add((*self.kernel_size, self.filters // self.groups, shape[-1]), self.filters)

    def call(self, x: Any) -> Any:
        """Computes the transposed convolution."""
        _, height, width, channels = x.shape
        (kh, kw), (sh, sw) = self.kernel_size, self.stride
        x = ops.reshape(x, (-1, height, 1, width, 1, channels))
        x = ops.pad(x, ((0, 0), (0, 0), (0, sh - 1), (0, 0), (0, sw - 1), (0, 0)))
        x = ops.reshape(x, (-1, height * sh, width * sw, channels))
        # Drop the last stride - 1 zeros. A pad wider than the kernel cuts the result.
        x = x[:, : (height - 1) * sh + 1, : (width - 1) * sw + 1, :]
        border = [d * (k - 1) - p for d, k, p in zip(self.dilation, self.kernel_size, self.pad, strict=True)]
        x = ops.pad(x, ((0, 0), *((max(b, 0), max(b, 0)) for b in border), (0, 0)))
        cut_h, cut_w = (max(-b, 0) for b in border)
        x = x[:, cut_h : x.shape[1] - cut_h, cut_w : x.shape[2] - cut_w, :]
        # [kh, kw, out/g, g·in/g] → rotated, [kh, kw, in/g, g·out/g]
        each, inner = self.filters // self.groups, channels // self.groups
        kernel = ops.reshape(ops.flip(self.kernel, (0, 1)), (kh, kw, each, self.groups, inner))
        kernel = ops.reshape(ops.transpose(kernel, (0, 1, 4, 3, 2)), (kh, kw, inner, self.filters))
        y = _convolve(x, kernel, self.groups, self.dilation)
        return y if self.bias is None else y + self.bias


@register
class InnerProduct(_Kernel, arguments='units axis use_bias'):
    """Caffe's InnerProduct from axis 2 or 3 on, in Caffe's order of values; axis 3: (N, C, H, W) → (N, C, H, units)."""

    def build(self, shape: Any) -> None:
        """Makes the weights: kernel [inputs, units], bias [units]."""
        caffe = (shape[0], shape[3], shape[1], shape[2]) if len(shape) == 4 else shape
        self._add((math.prod(caffe[self.axis :]), self.units), self.units)

    def call(self, x: Any) -> Any:
        """Multiplies."""
        x = to_caffe(x)
        kept = x.shape[1 : self.axis]
        y = ops.matmul(ops.reshape(x, (-1, *kept, self.kernel.shape[0])), self.kernel)
        return to_keras(y if self.bias is None else y + self.bias)


@register
class Scale(Configured, arguments='shape scale bias second'):
    """x · gamma + beta with learned gamma, beta or both; each of `shape`, broadcast with the last axes of x.

    With two inputs, the second one takes the place of `second` ('gamma' or 'beta'): Caffe's axes from the batch on.
    """

    def build(self, shape: Any) -> None:
        """Makes the weights."""
        self.gamma = self.add_weight(shape=self.shape, initializer='ones', name='gamma') if self.scale else None
        self.beta = self.add_weight(shape=self.shape, initializer='zeros', name='beta') if self.bias else None

    def call(self, x: Any) -> Any:
        """Scales and shifts."""
        if self.second:
            x, other = x
            other = to_caffe(other)
            axes = [*other.shape[1:], *[1] * (len(x.shape) - len(other.shape))]
            other = to_keras(ops.reshape(other, (-1, *axes)))
            x = x * other if self.second == 'gamma' else x + other
        if self.gamma is not None:
            x = x * self.gamma
        return x if self.beta is None else x + self.beta


@register
class LRN(Configured, arguments='size alpha beta k across'):
    """Caffe's local response normalisation on [B, H, W, C]; alpha is divided by the window's size.

    8 images of 55x55x96 on two loaded cores: 11 ms; 47 ms with pooling across channels and `power`.
    """

    def call(self, x: Any) -> Any:
        """Normalises."""
        squares = ops.square(x)
        height, width, channels = x.shape[1:]
        if self.across:
            at = ops.arange(channels)
            near = ops.abs(ops.expand_dims(at, 0) - ops.expand_dims(at, 1)) <= self.size // 2  # [C, C]
            weights = ops.cast(near, x.dtype) * (self.alpha / self.size)
            return x * self._power(self.k + ops.matmul(squares, weights))
        halves = [min(self.size // 2, n - 1) for n in (height, width)]
        window = [2 * half + 1 for half in halves]
        padded = ops.pad(squares, ((0, 0), *((half, half) for half in halves), (0, 0)))
        mean = ops.average_pool(padded, tuple(window), 1, 'valid') * (window[0] * window[1] / self.size**2)
        return x * self._power(1 + self.alpha * mean)

    def _power(self, x: Any) -> Any:
        """x to the power of -beta; by roots for AlexNet's and GoogLeNet's 0.75, because `power` is slow."""
        if self.beta != 0.75:
            return ops.power(x, -self.beta)
        root = ops.rsqrt(x)
        return root * ops.sqrt(root)


@register
class Normalize(Configured, arguments='across shared eps'):
    """SSD's Normalize on [B, H, W, C]: x / sqrt(Σ x² + eps) · scale.

    Σ runs over the channels of each place, or over the whole image (`across`).
    """

    def build(self, shape: Any) -> None:
        """Makes the weight: scale [C], or [1] if it is shared."""
        self.scale = self.add_weight(shape=(1 if self.shared else shape[-1],), initializer='ones', name='scale')

    def call(self, x: Any) -> Any:
        """Normalises."""
        total = ops.sum(ops.square(x), axis=(1, 2, 3) if self.across else -1, keepdims=True)
        return x / ops.sqrt(total + self.eps) * self.scale


@register
class PReLU(keras.layers.PReLU):
    """Keras' PReLU in two passes over memory instead of six: max(x, alpha · x), where no alpha is above 1.

    32 images of 56x56x64 on two loaded cores: 10 ms, not 15.

    Args:
      at_most_one: no alpha is above 1, nor will be. Otherwise the graph has both formulas, and asks before each use.
      **kwargs: those of Keras' PReLU.
    """

    def __init__(self, at_most_one: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.at_most_one = at_most_one

    def call(self, x: Any) -> Any:
        """Rectifies; training may bring an alpha above 1, for which the maximum would be wrong."""
        if self.at_most_one:
            return ops.maximum(x, self.alpha * x)
        return ops.cond(
            ops.all(self.alpha <= 1),
            lambda: ops.maximum(x, self.alpha * x),
            lambda: ops.maximum(x, 0) + self.alpha * ops.minimum(x, 0),
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        return super().get_config() | ({'at_most_one': True} if self.at_most_one else {})


@register
class MVN(Configured, arguments='axes variance eps'):
    """Caffe's MVN: (x - mean) / (deviation + eps) over the given axes; without `variance` only x - mean."""

    def call(self, x: Any) -> Any:
        """Normalises."""
        x = x - ops.mean(x, axis=self.axes, keepdims=True)
        if not self.variance:
            return x
        return x / (ops.sqrt(ops.mean(ops.square(x), axis=self.axes, keepdims=True)) + self.eps)


@register
class Rectifier(Configured, arguments='slope'):
    """max(x, 0) + slope · min(x, 0) with a negative slope, which Keras' LeakyReLU refuses."""

    def call(self, x: Any) -> Any:
        """Rectifies."""
        return ops.maximum(x, 0) + self.slope * ops.minimum(x, 0)


@register
class Power(Configured, arguments='power scale shift'):
    """(shift + scale · x) ^ power."""

    def call(self, x: Any) -> Any:
        """Computes the power."""
        y = x * self.scale + self.shift
        return y if self.power == 1 else ops.power(y, self.power)


@register
class Log(Configured, arguments='scale shift factor'):
    """ln(shift + scale · x) · factor."""

    def call(self, x: Any) -> Any:
        """Computes the logarithm."""
        return ops.log(x * self.scale + self.shift) * self.factor


@register
class Threshold(Configured, arguments='threshold'):
    """1 for values above the threshold, else 0."""

    def call(self, x: Any) -> Any:
        """Compares."""
        return ops.cast(x > self.threshold, x.dtype)


@register
class Absolute(Configured):
    """|x|."""

    def call(self, x: Any) -> Any:
        """Computes the absolute value."""
        return ops.abs(x)


@register
class WeightedSum(Configured, arguments='coefficients'):
    """Σ coefficient · input over inputs of one shape."""

    def call(self, inputs: Any) -> Any:
        """Sums."""
        total = inputs[0] * self.coefficients[0]
        for coefficient, x in zip(self.coefficients[1:], inputs[1:], strict=True):
            total = total + x * coefficient
        return total


@register
class Slice(Configured, arguments='axis bounds'):
    """Cuts an axis at `bounds` (from 0 to its size; three or more) into a list of len(bounds) - 1 tensors."""

    def call(self, x: Any) -> Any:
        """Cuts."""
        return ops.split(x, list(self.bounds[1:-1]), axis=self.axis)


@register
class Crop(Configured, arguments='spans'):
    """Cuts each axis but the batch to `length` values from `start` on: `spans` are (start, length) in Keras' order."""

    def call(self, x: Any) -> Any:
        """Cuts."""
        return x[(slice(None), *(slice(start, start + length) for start, length in self.spans))]


@register
class Reshape(Configured, arguments='target'):
    """Caffe's Reshape and Flatten, in Caffe's order of values; `target` is Caffe's shape without the batch."""

    def call(self, x: Any) -> Any:
        """Reshapes."""
        return to_keras(ops.reshape(to_caffe(x), (-1, *self.target)))


@register
class ArgMax(Configured, arguments='axis top_k values target'):
    """Caffe's ArgMax: float32 indices, or values, of the `top_k` largest along an axis, or over all values.

    Of equal values, Caffe puts the one with the higher index first. Over all values (axis None) the output is
    N × 1 × top_k, or N × 2 × top_k with indices and values. `target` is Caffe's output shape without the batch.
    """

    def call(self, x: Any) -> Any:
        """Finds the largest values."""
        if self.axis is None:
            x = to_caffe(x)
            x = ops.reshape(x, (-1, math.prod(x.shape[1:])))
        else:
            x = ops.moveaxis(x, self.axis, -1)
        # Flipped, because top_k puts the lower index first.
        values, indices = ops.top_k(ops.flip(x, axis=-1), self.top_k)
        indices = ops.cast(x.shape[-1] - 1 - indices, values.dtype)
        if self.axis is None:
            found = ops.stack([indices, values], axis=1) if self.values else indices
            return to_keras(ops.reshape(found, (-1, *self.target)))
        return ops.moveaxis(values if self.values else indices, -1, self.axis)


@register
class Reduction(Configured, arguments='operation axis coefficient'):
    """coefficient · SUM, ASUM (of |x|) or SUMSQ over Caffe's axes from `axis` on. A MEAN is a SUM here."""

    def call(self, x: Any) -> Any:
        """Reduces."""
        x = to_caffe(x)
        x = {'ASUM': ops.abs, 'SUMSQ': ops.square}.get(self.operation, lambda same: same)(x)
        return ops.sum(x, axis=tuple(range(self.axis, len(x.shape)))) * self.coefficient
