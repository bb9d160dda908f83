# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""From encoded images to embeddings: the graph that EmbeddingGen runs and that the exported model serves.

Imports TensorFlow and Keras, neither TFX nor Beam.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from components.embedding_gen.precision import FLOAT32, in_precision
from components.errors import InputError
from components.io.files import local_file

# The transformed feature that holds the image, and the raw one that it is made from.
IMAGE = 'image'


def load_base(path: str | Path) -> keras.Model:
    """Loads the frozen base that CaffeConverter wrote.

    Args:
      path: a `.keras` file, here or in a bucket.

    Returns:
      The model, not trainable: float32 [B, H, W, 3] (BGR, 0-255 minus the mean image) to float32 [B, h, w, C] or
      [B, C].

    Raises:
      InputError: the file is not a Keras model that can be loaded without running code of its own.
      OSError: a bucket does not give it.
    """
    import components.caffe_converter.keras_layers  # noqa: F401  registers the layers that a base may contain

    # A bucket that does not answer says nothing of the model, and may be asked again.
    with local_file(path) as file:
        try:
            base = keras.models.load_model(file, compile=False, safe_mode=True)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InputError(
                f'{path}: not a Keras model that can be loaded safely ({str(error).splitlines()[0]})'
            ) from error
    base.trainable = False
    return base


def pooled(base: keras.Model, grid: int = 1) -> keras.Model:
    """The base with its last feature map averaged over space.

    Args:
      base: float32 [B, H, W, 3] to float32 [B, h, w, C] or [B, C].
      grid: G, the map is averaged over GxG windows of one size that cover it; they overlap where G does not divide h
        or w. 1 is GlobalAveragePooling; more keeps where in an aligned face something was seen.

    Returns:
      float32 [B, H, W, 3] to float32 [B, G*G*C], window by window, row by row; a base that ends in [B, C] already is
      only flattened.

    Raises:
      InputError: the map has fewer than G rows or columns.
    """
    output = base.outputs[0]
    # Averages are taken in float32 whatever the base computes in.
    if len(output.shape) != 4:
        embedding = keras.layers.Flatten(name='embedding', dtype='float32')(output)
    elif grid == 1:
        embedding = keras.layers.GlobalAveragePooling2D(name='embedding', dtype='float32')(output)
    else:
        _, height, width, _ = output.shape
        if min(height, width) < grid:
            raise InputError(
                f"model.pooling_grid is {grid}, but the base's last map is {height}x{width}: give at most "
                f'{min(height, width)}, a larger model.input_size or an earlier model.output_layer'
            )
        strides = height // grid, width // grid
        window = height - (grid - 1) * strides[0], width - (grid - 1) * strides[1]
        pools = keras.layers.AveragePooling2D(window, strides, name='pool', dtype='float32')(output)
        embedding = keras.layers.Flatten(name='embedding', dtype='float32')(pools)
    return keras.Model(base.inputs[0], embedding, name='pooled_base')


class Embedder(tf.Module):
    """Decoding, resizing, mean image and base as one graph.

    Args:
      base: the frozen base, see `load_base`.
      transform: a callable from {'image': string [B]} to {'image': float32 [B, H, W, 3]}; in the pipeline this is the
        layer of the Transform graph, so that the mean image and the way it is subtracted are defined in one place.
      batch_size: the most images that go through the base at once. It bounds memory: VGG-16's first convolutions
        need 12.8 MB an image of 224x224.
      pooling_grid: see `pooled`.
      precision: see `precision.in_precision`; embeddings are float32 all the same.
    """

    def __init__(
        self,
        base: keras.Model,
        transform: Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]],
        batch_size: int = 32,
        pooling_grid: int = 1,
        precision: str = FLOAT32,
    ):
        super().__init__(name='embedder')
        self.base = in_precision(base, precision)
        self.pooled_base = pooled(self.base, pooling_grid)
        self.transform = transform
        self.batch_size = batch_size
        self.size = int(self.pooled_base.outputs[0].shape[-1])

    def images(self, encoded: tf.Tensor) -> tf.Tensor:
        """Encoded images, string [B], to what the base takes, float32 [B, H, W, 3], BGR, minus the mean image."""
        _, height, width, channels = self.base.inputs[0].shape
        return tf.ensure_shape(self.transform({IMAGE: encoded})[IMAGE], [None, height, width, channels])

    def embed(self, images: tf.Tensor) -> tf.Tensor:
        """float32 [B, H, W, 3] to embeddings, float32 [B, C]."""
        return self.pooled_base(images, training=False)

    def __call__(self, encoded: tf.Tensor) -> tf.Tensor:
        """Encoded images, string [B] of any B, to embeddings, float32 [B, C], `batch_size` at a time."""
        count = tf.shape(encoded)[0]

        def one_batch(start: tf.Tensor, done: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            batch = encoded[start : start + self.batch_size]
            return start + self.batch_size, tf.concat([done, self.embed(self.images(batch))], axis=0)

        _, embeddings = tf.while_loop(
            lambda start, done: start < count,
            one_batch,
            [tf.constant(0), tf.zeros([0, self.size])],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, self.size])],
            parallel_iterations=1,
        )
        return embeddings

    def identity(self) -> str:
        """What an image's embedding depends on beside its bytes, as 64 hexadecimal digits.

        That is the layers and weights of the pooled base, the versions that compute it, and the transform, which is
        known by what it makes of two images: of a black one, minus the mean image is all that is left.
        """
        total = hashlib.sha256(f'1 {tf.__version__} {keras.__version__} {self.pooled_base.to_json()}'.encode())
        for weight in self.pooled_base.weights:
            total.update(weight.numpy().tobytes())
        ramp = tf.reshape(tf.range(37 * 53 * 3) % 251, [37, 53, 3])
        probes = [tf.io.encode_png(tf.cast(image, tf.uint8)) for image in (tf.zeros_like(ramp), ramp)]
        total.update(self.images(tf.stack(probes)).numpy().tobytes())
        return total.hexdigest()
