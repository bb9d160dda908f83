# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Exports the model: one SavedModel with three signatures, which share one graph and one set of weights."""

from __future__ import annotations

import os

import keras
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from components import names
from components.embedding_gen.embedder import Embedder
from pipeline.model import request_validation

#: In the SavedModel: what TensorFlow Serving replays before it serves a version (its saved_model_warmup_util.cc).
WARMUP = os.path.join('assets.extra', 'tf_serving_warmup_requests')


class GenderModel(tf.Module):
    """The embedder, and the head from float32 [B, C] to logits, float32 [B, 1]."""

    def __init__(self, embedder: Embedder, head: keras.Model):
        super().__init__(name=names.MODEL)
        self.embedder, self.head = embedder, head
        # Both signatures that take images call this, so that its graph is made, saved and loaded once.
        self.from_images = tf.function(
            self._from_images, autograph=False, input_signature=[tf.TensorSpec([None], tf.string)]
        )

    def _from_images(self, encoded: tf.Tensor) -> dict[str, tf.Tensor]:
        return self.from_embeddings(self.embedder(request_validation.checked(encoded)))

    def from_embeddings(self, embeddings: tf.Tensor) -> dict[str, tf.Tensor]:
        """Embeddings, float32 [B, C], to the outputs of every signature.

        Returns:
          'probability': float32 [B], of female; 'label': string [B], 'male' or 'female'; 'logit': float32 [B].
        """
        logit = self.head(embeddings, training=False)[:, 0]
        probability = tf.sigmoid(logit)
        male, female = names.GENDERS
        return {
            names.PROBABILITY: probability,
            names.LABEL_NAME: tf.where(probability > names.THRESHOLD, female, male),
            names.LOGIT: logit,
        }

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """The signatures by name, traced for any number of images."""

        def serving_default(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
            return self.from_images(image_bytes)

        def examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            parsed = tf.io.parse_example(examples, {names.IMAGE: tf.io.FixedLenFeature([], tf.string)})
            return self.from_images(parsed[names.IMAGE])

        def embeddings(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            spec = {names.EMBEDDING: tf.io.FixedLenFeature([self.embedder.size], tf.float32)}
            return self.from_embeddings(tf.io.parse_example(examples, spec)[names.EMBEDDING])

        return {
            name: tf.function(
                fn, autograph=False, input_signature=[tf.TensorSpec([None], tf.string, name=argument)]
            ).get_concrete_function()
            for name, fn, argument in (
                (names.SERVING, serving_default, names.SERVING_INPUT),
                (names.FROM_EXAMPLES, examples, 'examples'),
                (names.FROM_EMBEDDINGS, embeddings, 'examples'),
            )
        }


def export(model: GenderModel, directory: str) -> None:
    """Writes the SavedModel, with float32 weights, without training state, and with requests that warm a server up."""
    signatures = model.signatures()
    # Only what the signatures use: Keras' objects behind it would double the time to save and to load.
    saved = tf.Module(name=names.MODEL)
    saved.weights = [*{id(weight): weight for used in signatures.values() for weight in used.variables}.values()]
    tf.saved_model.save(saved, directory, signatures=signatures)
    _, height, width, _ = model.embedder.base.inputs[0].shape
    image = tf.io.encode_jpeg(tf.fill([height, width, 3], tf.constant(128, tf.uint8))).numpy()
    path = os.path.join(directory, WARMUP)
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.TFRecordWriter(path) as writer:
        # Kernels are prepared for each shape: that of one image, and that of a full batch of the base.
        for images in sorted({1, model.embedder.batch_size}):
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = names.MODEL
            request.model_spec.signature_name = names.SERVING
            request.inputs[names.SERVING_INPUT].CopyFrom(tf.make_tensor_proto([image] * images, tf.string))
            writer.write(log.SerializeToString())
