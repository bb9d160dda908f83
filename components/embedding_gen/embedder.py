# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The graph from encoded images to embeddings, in EmbeddingGen and in the exported model. Imports no TFX, no Beam."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import keras
import tensorflow as tf

from components import source_digest
from components.embedding_gen.folding import folded
from components.embedding_gen.precision import FLOAT32, in_precision
from components.embedding_gen.settings import Settings
from components.errors import InputError
from components.names import IMAGE

# The modules that compute embeddings, for `Embedder.identity`.
_CODE = (__name__, 'components.caffe_converter.keras_layers')

#: {'image': string [B]} to {'image': float32 [B, H, W, 3]}, in the pipeline the layer of the Transform graph.
Transform = Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]]


def pooled(base: keras.Model, grid: int = 1) -> keras.Model:
    """Adds average pooling to the base.

    Args:
      base: float32 [B, H, W, 3] to float32 [B, h, w, C] or [B, C].
      grid: G. The feature map is averaged over GxG windows of equal size that cover it; they overlap where G does not
        divide h or w. 1 is GlobalAveragePooling; more windows keep the position of features in an aligned face.

    Returns:
      float32 [B, H, W, 3] to float32 [B, G*G*C], row by row of the grid. An output of [B, C] is only flattened.

    Raises:
      InputError: the feature map has fewer than G rows or columns.
    """
    output = base.outputs[0]
    # Averages are float32 whatever the base's precision.
    if len(output.shape) != 4:
        embedding = keras.layers.Flatten(name='embedding', dtype=FLOAT32)(output)
    elif grid == 1:
        embedding = keras.layers.GlobalAveragePooling2D(name='embedding', dtype=FLOAT32)(output)
    else:
        _, height, width, _ = output.shape
        if min(height, width) < grid:
            raise InputError(
                f"embedding.pooling_grid is {grid}, but the base's last map is {height}x{width}: give at most "
                f'{min(height, width)}, a larger model.input_size or an earlier model.output_layer'
            )
        strides = height // grid, width // grid
        window = height - (grid - 1) * strides[0], width - (grid - 1) * strides[1]
        pools = keras.layers.AveragePooling2D(window, strides, name='pool', dtype=FLOAT32)(output)
        embedding = keras.layers.Flatten(name='embedding', dtype=FLOAT32)(pools)
    return keras.Model(base.inputs[0], embedding, name='pooled_base')


class Embedder(tf.Module):
    """Decoding, resizing, mean subtraction and base as one graph.

    Args:
      base: the frozen base, see `base_model.load`. It stays as it is; `folding` makes a copy of it with fewer layers.
      transform: decodes, resizes and subtracts the mean image.
      settings: `batch_size` bounds memory: VGG-16's first convolutions need 12.8 MB an image of 224x224. Embeddings are
        float32 in every precision. With `mirror`, each is the mean of those of image and mirror image.
    """

    def __init__(self, base: keras.Model, transform: Transform, settings: Settings):
        super().__init__(name='embedder')
        # Asked of the base as it was: folding removes these layers.
        self.batch_normalised = any(isinstance(layer, keras.layers.BatchNormalization) for layer in base.layers)
        self.base = in_precision(folded(base), settings.precision)
        self.pooled_base = pooled(self.base, settings.pooling_grid)
        self.transform = transform
        self.batch_size, self.mirror = settings.batch_size, settings.mirror
        self.size = int(self.pooled_base.outputs[0].shape[-1])

    def images(self, encoded: tf.Tensor) -> tf.Tensor:
        """Encoded images, string [B], to the base's input, float32 [B, H, W, 3], as the transform makes it."""
        _, height, width, channels = self.base.inputs[0].shape
        return tf.ensure_shape(self.transform({IMAGE: encoded})[IMAGE], [None, height, width, channels])

    def embed(self, images: tf.Tensor) -> tf.Tensor:
        """float32 [B, H, W, 3] to embeddings, float32 [B, C]."""
        embedding = self.pooled_base(images, training=False)
        if self.mirror:
            embedding = (embedding + self.pooled_base(tf.reverse(images, [2]), training=False)) / 2
        return embedding

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
        """Returns a SHA-256, 64 hexadecimal digits, over everything except the image that determines an embedding.

        It covers the layers and weights of the pooled base, our code, the versions of TensorFlow and Keras, and the
        transform's output for two images. A black image minus the mean image reveals the mean image.
        """
        code = f'{tf.__version__} {keras.__version__} {source_digest.of(*_CODE)} {self.mirror}'
        total = hashlib.sha256(f'{code} {self.pooled_base.to_json()}'.encode())
        for weight in self.pooled_base.weights:
            total.update(weight.numpy().tobytes())
        ramp = tf.reshape(tf.range(37 * 53 * 3) % 251, [37, 53, 3])
        probes = [tf.io.encode_png(tf.cast(image, tf.uint8)) for image in (tf.zeros_like(ramp), ramp)]
        total.update(self.images(tf.stack(probes)).numpy().tobytes())
        return total.hexdigest()
