# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Transform's preprocessing: decode, resize, subtract the mean image, scale and order channels for the base."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components import names
from components.io.shards import check_count
from pipeline.model.settings import BGR, TransformSettings

_Transform = Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]]

_ANALYSED = 'analysed'


def decode(encoded: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Decodes and resizes one image, JPEG or PNG, string [], to float32 [height, width, 3], BGR, 0-255.

    It is resized bilinearly with half-pixel centres and no antialias.
    """
    # INTEGER_ACCURATE, libjpeg's slow integer transform, gives the same pixels on every machine.
    rgb = tf.io.decode_jpeg(encoded, channels=3, dct_method='INTEGER_ACCURATE')
    resized = tf.image.resize(rgb, (height, width), method='bilinear', antialias=False)
    return tf.reverse(resized, [-1])  # a third of the time of [..., ::-1], which was half of the decoding


def preprocessing_fn(inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Transform's entry point.

    Args:
      inputs: 'image': string [B] or [B, 1], encoded images; other features are ignored.
      custom_config: 'height' and 'width' of the network's input in pixels, and the section 'transform' of the
        configuration or nothing.

    Returns:
      'image': float32 [B, height, width, 3], see `base_input`. With a mean image, also 'analysed': int64 [B], the
      number of images that it is of.
    """
    height, width = custom_config['height'], custom_config['width']
    encoded = tf.reshape(inputs[names.IMAGE], [-1])
    settings = TransformSettings.from_dict(custom_config.get('transform', {}))
    outputs = {}
    if settings.mean == 'fixed':
        mean = settings.mean_bgr
    else:
        mean, count = _mean_image(encoded, height, width)
        outputs[_ANALYSED] = tf.fill(tf.shape(encoded), tf.cast(count, tf.int64))
    images = tf.map_fn(lambda one: decode(one, height, width), encoded, fn_output_signature=tf.float32)
    images = tf.ensure_shape(images, [None, height, width, 3])
    return {names.IMAGE: base_input(images, tf.cast(mean, tf.float32), settings), **outputs}


def base_input(images: tf.Tensor, mean: tf.Tensor, settings: TransformSettings) -> tf.Tensor:
    """What the base sees of images: (image - mean) * `settings.scale`, in the order `settings.channels`.

    Args:
      images: float32 [..., height, width, 3], BGR, 0-255.
      mean: float32 [height, width, 3] or [3], BGR, 0-255.
      settings: of the base's input.
    """
    scaled = (images - mean) * settings.scale  # a scale of 1 changes no bit
    return scaled if settings.channels == BGR else tf.reverse(scaled, [-1])


def mean_image(transform: _Transform, settings: TransformSettings) -> tf.Tensor:
    """Returns the mean that a Transform graph with these settings subtracts, float32 [height, width, 3], BGR, 0-255."""
    seen = _of_black(transform)[names.IMAGE][0]  # black minus the mean
    return -(seen if settings.channels == BGR else seen[..., ::-1]) / settings.scale


def check_analysed(transform: _Transform, split: str) -> None:
    """Compares the number of images that a mean image is of with the ingestion's; see `shards.check_count`.

    Args:
      transform: the layer of a Transform graph.
      split: the folder of the training split.

    Raises:
      RunError: the numbers differ.
    """
    outputs = _of_black(transform)
    if _ANALYSED in outputs:
        check_count([split], int(outputs[_ANALYSED][0]))


def _of_black(transform: _Transform) -> dict[str, tf.Tensor]:
    black = tf.io.encode_png(tf.zeros([1, 1, 3], tf.uint8))
    return transform({names.IMAGE: black[tf.newaxis]})


def _mean_image(encoded: tf.Tensor, height: int, width: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The mean of all analysed images, float64 [height, width, 3], BGR, 0-255, and their number, float64 []."""
    # Two images at a time, added in order: a batch has up to 1,000 images, which are 600 MB when decoded to 224x224. A
    # float64 sum over a million images is still more precise than float32.
    total = tf.foldl(
        lambda so_far, one: so_far + tf.cast(decode(one, height, width), tf.float64),
        encoded,
        initializer=tf.zeros([height, width, 3], tf.float64),
        parallel_iterations=2,
    )
    count = tft.sum(tf.cast(tf.size(encoded), tf.float64)[tf.newaxis])
    return tft.sum(total[tf.newaxis], reduce_instance_dims=False) / count, count
