# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Batches of images for training through the base: decoded as Transform does, augmented, minus the mean image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from components import names
from components.errors import RunError
from components.fine_tuner.settings import Settings
from pipeline.model.preprocessing import decode

# Encoded images that are shuffled at a time: some hundred megabytes at most. An epoch of more is shuffled in part.
_SHUFFLED = 10_000


def changed(image: tf.Tensor, flip: tf.Tensor, top: tf.Tensor, left: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Mirrors an image and resizes a window of it to the whole.

    Args:
      image: float32 [H, W, 3].
      flip: bool [], left becomes right.
      top, left: int32 [], the window's first row and column in the mirrored image.
      size: int32 [2], its rows and columns.

    Returns:
      float32 [H, W, 3], resized as `preprocessing.decode` does.
    """
    height, width, _ = image.shape
    image = tf.where(flip, image[:, ::-1], image)
    window = tf.slice(image, tf.stack([top, left, 0]), tf.concat([size, [3]], 0))
    return tf.image.resize(window, (height, width), method='bilinear', antialias=False)


def augmented(image: tf.Tensor, key: tf.Tensor, flip: bool, crop: float) -> tf.Tensor:
    """An image changed by chance; the same key changes it in the same way.

    Args:
      image: float32 [H, W, 3].
      key: int64 [2], a seed.
      flip: whether half of the images are mirrored.
      crop: the most that a window leaves out of each side's length, 0 to below 1; where it lies is chance.

    Returns:
      float32 [H, W, 3].
    """
    height, width, _ = image.shape
    chance = tf.random.stateless_uniform([4], key)
    whole = tf.constant([height, width])
    size = tf.cast(tf.round(tf.cast(whole, tf.float32) * (1 - crop * chance[1])), tf.int32)
    size = tf.clip_by_value(size, 1, whole)
    # The product can be rounded up to the number of places.
    corner = tf.minimum(tf.cast(chance[2:] * tf.cast(whole - size + 1, tf.float32), tf.int32), whole - size)
    return changed(image, tf.logical_and(flip, chance[0] < 0.5), corner[0], corner[1], size)


def _labels(records: tf.Tensor) -> tf.Tensor:
    return tf.io.parse_example(records, {names.LABEL: tf.io.FixedLenFeature([], tf.int64)})[names.LABEL]


class Batches:
    """The batches of one split: (float32 [B, H, W, 3], BGR, minus the mean image; float32 [B, 1]).

    Nothing but encoded images that wait in the shuffle and two batches are in memory.

    Args:
      files: gzip-compressed TFRecord files of tf.Example with `image` and the label.
      mean: float32 [H, W, 3], see `preprocessing.mean_image`.
      batch_size: images a step.

    Attributes:
      labels: float32 [N], in the order of the files.

    Raises:
      RunError: the files have no examples.
    """

    def __init__(self, files: Sequence[str], mean: tf.Tensor, batch_size: int):
        records = tf.data.TFRecordDataset(sorted(files), compression_type='GZIP')
        self._mean = mean
        self._batch_size = batch_size
        self.labels = np.concatenate([[], *(_labels(some).numpy() for some in records.batch(1024))]).astype(np.float32)
        if not self.images:
            raise RunError(f'no images in {", ".join(files) or "a split"}; give the split more images')
        self._records = records.apply(tf.data.experimental.assert_cardinality(self.images))

    @property
    def images(self) -> int:
        """How many there are."""
        return len(self.labels)

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return -(-self.images // self._batch_size)

    def plain(self) -> tf.data.Dataset:
        """In the order of the files, bit for bit what Transform gives."""
        return self._batched(self._records.map(self._parsed), lambda image, _: image)

    def training(self, epoch: int, settings: Settings, seed: int) -> tf.data.Dataset:
        """Shuffled and augmented: what an image becomes in an epoch follows from the seed, the epoch and its number.

        Args:
          epoch: 0, 1, ...
          settings: what the augmentation may do.
          seed: of the order and the augmentation.
        """

        def change(image: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
            key = tf.random.experimental.stateless_fold_in(tf.constant([seed, epoch], tf.int64), number)
            return augmented(image, key, settings.flip, settings.crop)

        # Two seeds, because tf.data knows 64 bits: neighbours in one do not meet neighbours in the other.
        tf.random.set_seed(seed)
        records = self._records.map(self._parsed).enumerate()
        records = records.shuffle(min(self.images, _SHUFFLED), seed=epoch, reshuffle_each_iteration=False)
        return self._batched(records.map(lambda number, example: (*example, number)), change)

    def _parsed(self, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        spec = {
            names.IMAGE: tf.io.FixedLenFeature([], tf.string),
            names.LABEL: tf.io.FixedLenFeature([], tf.int64),
        }
        example = tf.io.parse_single_example(record, spec)
        return example[names.IMAGE], example[names.LABEL]

    def _batched(
        self, records: tf.data.Dataset, change: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    ) -> tf.data.Dataset:
        height, width, _ = self._mean.shape

        def prepare(encoded: tf.Tensor, label: tf.Tensor, number: tf.Tensor = 0) -> tuple[tf.Tensor, tf.Tensor]:
            image = tf.ensure_shape(decode(encoded, height, width), [height, width, 3])
            return change(image, number) - self._mean, tf.cast(label[tf.newaxis], tf.float32)

        return records.map(prepare, num_parallel_calls=2).batch(self._batch_size).prefetch(1)
