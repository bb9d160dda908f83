# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Keras layers of segmentation networks: MAX pooling with its mask, the unpooling of such masks, and Interp."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

from components.caffe_converter.keras_base import Configured, register
from components.caffe_converter.layers.pooling import pooled_size


@register
class PoolingWithMask(Configured, arguments='kernel stride pad ceil'):
    """MAX pooling with Caffe's rounding and its mask: [B, H, W, C] → two of [B, H', W', C].

    The mask is the place of each largest value, row · W + column, as float32; of equal values the first.
    """

    def call(self, x: Any) -> Any:
        """Pools."""
        _, height, width, _ = x.shape
        (kh, kw), (sh, sw), (ph, pw) = self.kernel, self.stride, self.pad
        rows = pooled_size(height, kh, sh, ph, self.ceil, (ph, pw) != (0, 0))
        columns = pooled_size(width, kw, sw, pw, self.ceil, (ph, pw) != (0, 0))
        below, right = max((rows - 1) * sh + kh - height - ph, 0), max((columns - 1) * sw + kw - width - pw, 0)
        x = ops.pad(x, ((0, 0), (ph, below), (pw, right), (0, 0)), constant_values=-math.inf)
        # Along the columns first, then along the rows: the first of equal values in the order of rows.
        each = ops.stack([x[:, :, at : at + (columns - 1) * sw + 1 : sw] for at in range(kw)])
        column, x = ops.argmax(each, axis=0), ops.max(each, axis=0)
        starts = [slice(at, at + (rows - 1) * sh + 1, sh) for at in range(kh)]
        each = ops.stack([x[:, start] for start in starts])
        row = ops.argmax(each, axis=0)
        column = ops.take_along_axis(ops.stack([column[:, start] for start in starts]), row[None], axis=0)[0]
        row = ops.cast(row, 'int32') + (np.arange(rows, dtype='int32') * sh - ph)[:, None, None]
        column = ops.cast(column, 'int32') + (np.arange(columns, dtype='int32') * sw - pw)[:, None]
        return [ops.max(each, axis=0), ops.cast(row * width + column, 'float32')]


@register
class Upsample(Configured, arguments='size overlap'):
    """SegNet's Upsample: puts each value at its mask's place in an image of zeros, [B, H, W, C] → [B, *size, C].

    If the masks' windows overlap, the last value of a place counts.
    """

    def call(self, inputs: Any) -> Any:
        """Places the values."""
        x, mask = inputs
        _, rows, columns, channels = x.shape
        batch, places = ops.shape(x)[0], self.size[0] * self.size[1]
        image = ops.reshape(ops.arange(batch, dtype='int32'), (-1, 1, 1, 1)) * places
        target = ops.reshape((image + ops.cast(mask, 'int32')) * channels + np.arange(channels, dtype='int32'), (-1,))
        count = batch * places * channels
        if self.overlap:
            order = np.arange(rows * columns, dtype='int32').reshape(rows, columns, 1)
            order = ops.reshape(ops.broadcast_to(order, ops.shape(x)), (-1,))
            last = ops.take(ops.segment_max(order, target, num_segments=count), target)
            x = ops.where(ops.reshape(last == order, ops.shape(x)), x, 0)
        y = ops.segment_sum(ops.reshape(x, (-1,)), target, num_segments=count)
        return ops.reshape(y, (-1, *self.size, channels))


@register
class Interp(Configured, arguments='size crop'):
    """DeepLab's Interp: bilinear with the corners aligned, [B, H, W, C] → [B, *size, C].

    First cuts crop = (before, after) rows and columns.
    """

    def call(self, x: Any) -> Any:
        """Interpolates along the rows, then along the columns."""
        before, after = self.crop
        x = x[:, before : x.shape[1] - after, before : x.shape[2] - after]
        for axis, size in zip((1, 2), self.size, strict=True):
            last = x.shape[axis] - 1
            if last + 1 == size:
                continue
            place = np.arange(size) * (last / (size - 1) if size > 1 else 0.0)
            low = np.minimum(place.astype('int32'), last)
            share = (place - low).astype('float32').reshape(-1, *[1] * (3 - axis))
            share = ops.convert_to_tensor(share, dtype=x.dtype)
            x = ops.take(x, low, axis) * (1 - share) + ops.take(x, np.minimum(low + 1, last), axis) * share
        return x
