# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Batches of images for fine-tuning: decoded as by Transform, augmented, and made the base's input."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from components import names
from components.errors import RunError
from components.fine_tuner.settings import Settings
from components.io.shards import check_count
from pipeline.model.preprocessing import base_input, decode
from pipeline.model.settings import TransformSettings

# Size of the shuffle buffer in encoded images, at most some hundred megabytes. Larger epochs are shuffled partly.
_SHUFFLE_BUFFER = 10_000

_LABEL = {names.LABEL: tf.io.FixedLenFeature([], tf.int64)}


def mirror_and_crop(image: tf.Tensor, flip: tf.Tensor, top: tf.Tensor, left: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Mirrors an image, float32 [H, W, 3], if `flip`, and resizes a window of it as `preprocessing.decode` does.

    Args:
      image: the image.
      flip: bool [].
      top: int32 [], the window's first row.
      left: int32 [], its first column in the mirrored image.
      size: int32 [2], its rows and columns.
    """
    height, width, _ = image.shape
    image = tf.where(flip, image[:, ::-1], image)
    window = tf.slice(image, tf.stack([top, left, 0]), tf.concat([size, [3]], 0))
    return tf.image.resize(window, (height, width), method='bilinear', antialias=False)


def rotate_and_shrink(image: tf.Tensor, angle: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """Rotates and shrinks an image, float32 [H, W, 3], around its middle; its edge is mirrored around it.

    Args:
      image: the image.
      angle: float32 [], in radians, clockwise as displayed.
      scale: float32 [], what its size is multiplied by.
    """
    height, width, _ = image.shape
    x, y = (width - 1) / 2, (height - 1) / 2
    # Where each place of the result comes from.
    cos, sin = tf.cos(angle) / scale, tf.sin(angle) / scale
    zero = tf.zeros_like(cos)
    rows = [cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y, zero, zero]
    return keras.ops.image.affine_transform(image, tf.stack(rows), 'bilinear', 'reflect', data_format='channels_last')


def augment(image: tf.Tensor, key: tf.Tensor, settings: Settings) -> tf.Tensor:
    """Changes an image, float32 [H, W, 3], 0-255, at random, as the settings say.

    Args:
      image: the image.
      key: int64 [2], the seed.
      settings: the largest changes; where all are 0, the image keeps every bit.
    """
    height, width, _ = image.shape
    # One key for each kind of change, so that one more kind leaves the others as they were.
    turned, bright, contrasted = (tf.random.experimental.stateless_fold_in(key, number) for number in range(3))
    if settings.rotation or settings.zoom_out:
        angle, shrunk = tf.unstack(tf.random.stateless_uniform([2], turned))
        angle = (2 * angle - 1) * math.radians(settings.rotation)
        image = rotate_and_shrink(image, angle, 1 - settings.zoom_out * shrunk)
    draws = tf.random.stateless_uniform([4], key)
    whole = tf.constant([height, width])
    size = tf.cast(tf.round(tf.cast(whole, tf.float32) * (1 - settings.crop * draws[1])), tf.int32)
    size = tf.clip_by_value(size, 1, whole)
    # The product can be rounded up to the number of places.
    corner = tf.minimum(tf.cast(draws[2:] * tf.cast(whole - size + 1, tf.float32), tf.int32), whole - size)
    image = mirror_and_crop(image, tf.logical_and(settings.flip, draws[0] < 0.5), corner[0], corner[1], size)
    if settings.brightness:
        image = tf.image.stateless_random_brightness(image, 255 * settings.brightness, bright)
    if settings.contrast:
        image = tf.image.stateless_random_contrast(image, 1 - settings.contrast, 1 + settings.contrast, contrasted)
    return tf.clip_by_value(image, 0, 255) if settings.brightness or settings.contrast else image


class Batches:
    """The batches of one split: (float32 [B, H, W, 3], see `preprocessing.base_input`; float32 [B, 1]).

    Only the encoded images in the shuffle buffer and two batches are in memory.

    Args:
      files: gzip-compressed TFRecord files of tf.Example with `image` and the label, all of a split.
      mean: float32 [H, W, 3], see `preprocessing.mean_image`.
      batch_size: images a step.
      transform: how pixels become the base's input.

    Raises:
      RunError: the files have no examples, or another number of them than was ingested.
    """

    labels: np.ndarray  #: float32 [N], in the order of the files

    def __init__(self, files: Sequence[str], mean: tf.Tensor, batch_size: int, transform: TransformSettings):
        records = tf.data.TFRecordDataset(sorted(files), compression_type='GZIP')
        self._mean, self._transform = mean, transform
        self._batch_size = batch_size
        parsed = (tf.io.parse_example(batch, _LABEL)[names.LABEL].numpy() for batch in records.batch(1024))
        self.labels = np.concatenate([[], *parsed]).astype(np.float32)
        if not self.images:
            raise RunError(f'no images in {", ".join(files) or "a split"}; give the split more images')
        check_count(sorted({os.path.dirname(file) for file in files}), self.images)
        self._records = records.apply(tf.data.experimental.assert_cardinality(self.images))

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.labels)

    @property
    def steps(self) -> int:
        """Number of batches an epoch."""
        return -(-self.images // self._batch_size)

    def plain(self) -> tf.data.Dataset:
        """The images in the order of the files, equal to Transform's (bit for bit if the scale is a power of two)."""
        return self._batched(self._records.map(self._parsed), lambda image, _: image)

    def training(self, epoch: int, settings: Settings, seed: int) -> tf.data.Dataset:
        """The images shuffled and augmented; the result depends only on epoch (0, 1, …), settings and seed."""

        def change(image: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
            key = tf.random.experimental.stateless_fold_in(tf.constant([seed, epoch], tf.int64), number)
            return augment(image, key, settings)

        # The global and the local seed stay separate, so that no sum of seed and epoch repeats an order.
        tf.random.set_seed(seed)
        records = self._records.map(self._parsed).enumerate()
        records = records.shuffle(min(self.images, _SHUFFLE_BUFFER), seed=epoch, reshuffle_each_iteration=False)
        return self._batched(records.map(lambda number, example: (*example, number)), change)

    def _parsed(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        spec = {names.IMAGE: tf.io.FixedLenFeature([], tf.string), **_LABEL}
        example = tf.io.parse_single_example(record, spec)
        return example[names.IMAGE], example[names.LABEL]

    def _batched(
        self, records: tf.data.Dataset, change: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    ) -> tf.data.Dataset:
        height, width, _ = self._mean.shape

        def prepare(encoded: tf.Tensor, label: tf.Tensor, number: tf.Tensor = 0) -> tuple[tf.Tensor, tf.Tensor]:
            image = tf.ensure_shape(decode(encoded, height, width), [height, width, 3])
            image = base_input(change(image, number), self._mean, self._transform)
            return image, tf.cast(label[tf.newaxis], tf.float32)

        return records.map(prepare, num_parallel_calls=2).batch(self._batch_size).prefetch(1)
