# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Shards of tf.Example with images to shards of tf.Example with embeddings.

Imports TensorFlow, neither TFX nor Beam.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.embedding_gen.embedder import IMAGE, Embedder
from components.errors import RunError
from components.files import atomic_path
from components.progress import Progress

EMBEDDING = 'embedding'

# The last batch of a shard is filled up to a multiple of this, so that the base sees few different batch sizes (each
# one costs a preparation of its kernels) and few images that nobody asked for.
_FILL_TO = 8


def count_records(path: str | Path) -> int:
    """How many records a gzip-compressed TFRecord file has."""
    return sum(1 for _ in tf.data.TFRecordDataset(str(path), compression_type='GZIP'))


def embed_shard(source: str | Path, target: str | Path, embedder: Embedder, description: str = 'Embedding') -> int:
    """Embeds every image of one shard, in order, holding no more than a few batches in memory.

    Args:
      source: a gzip-compressed TFRecord file of tf.Example, each with `image` (one encoded image).
      target: where the same examples go, in the same order, without `image` and with `embedding` (float32, C values);
        written under a temporary name and renamed when complete.
      embedder: does the work.
      description: what the progress line says.

    Returns:
      The number of examples.

    Raises:
      RunError: the base gives values that are not finite, so no head can be trained on them.
    """
    total = count_records(source)
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    options = tf.io.TFRecordOptions(compression_type='GZIP')
    with (
        atomic_path(target) as temporary,
        Progress(description, total, 'images') as progress,
        tf.io.TFRecordWriter(str(temporary), options) as writer,
    ):
        for records, embeddings in _embedded_batches(source, embedder):
            for record, embedding in zip(records, embeddings, strict=True):
                writer.write(_with_embedding(record, embedding, source))
            progress.update(len(records))
    return total


def _embedded_batches(source: str | Path, embedder: Embedder) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of (serialized examples, bytes [B]; embeddings, float32 [B, C])."""

    def prepare(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        encoded = tf.io.parse_example(records, {IMAGE: tf.io.FixedLenFeature([], tf.string)})[IMAGE]
        missing = -tf.shape(encoded)[0] % min(_FILL_TO, embedder.batch_size)
        encoded = tf.concat([encoded, tf.repeat(encoded[-1:], missing)], axis=0)
        return records, embedder.images(encoded)

    # Decoding the next batch overlaps with the convolutions of this one.
    batches = (
        tf.data.TFRecordDataset(str(source), compression_type='GZIP')
        .batch(embedder.batch_size)
        .map(prepare, num_parallel_calls=1)
        .prefetch(1)
    )
    embed = tf.function(embedder.embed)
    for records, images in batches:
        yield records.numpy(), embed(images).numpy()[: len(records)]


def _with_embedding(record: bytes, embedding: np.ndarray, source: str | Path) -> bytes:
    example = tf.train.Example.FromString(record)
    if not np.isfinite(embedding).all():
        path = example.features.feature['path'].bytes_list.value
        raise RunError(
            f'{path[0].decode(errors="replace") if path else source}: the base gives values that are not finite; '
            'check that the weights belong to this prototxt'
        )
    del example.features.feature[IMAGE]
    example.features.feature[EMBEDDING].float_list.value.extend(embedding.tolist())
    return example.SerializeToString(deterministic=True)
