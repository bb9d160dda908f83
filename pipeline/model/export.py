# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Exports the model: one SavedModel with three signatures, which share one graph and one set of weights."""

from __future__ import annotations

import keras
import tensorflow as tf

from components import names
from components.embedding_gen.embedder import Embedder
from pipeline.model import request_validation


class GenderModel(tf.Module):
    """The embedder, and the head from float32 [B, C] to logits, float32 [B, 1]."""

    def __init__(self, embedder: Embedder, head: keras.Model):
        super().__init__(name=names.MODEL)
        self.embedder, self.head = embedder, head

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
            return self.from_embeddings(self.embedder(request_validation.checked(image_bytes)))

        def examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            parsed = tf.io.parse_example(examples, {names.IMAGE: tf.io.FixedLenFeature([], tf.string)})
            return self.from_embeddings(self.embedder(request_validation.checked(parsed[names.IMAGE])))

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
    """Writes the SavedModel, with float32 weights and without training state."""
    tf.saved_model.save(model, directory, signatures=model.signatures())
