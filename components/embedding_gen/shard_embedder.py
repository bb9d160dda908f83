# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Shards of tf.Example with images to shards of tf.Example with embeddings.

Imports TensorFlow, neither TFX nor Beam.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.embedding_gen.embedder import Embedder
from components.embedding_gen.store import Store, digest
from components.errors import RunError
from components.io.files import any_path, atomic_path, local_file
from components.names import EMBEDDING, IMAGE
from components.progress import Progress

# The last batch of a shard is filled up to a multiple of this, so that the base sees few different batch sizes (each
# one costs a preparation of its kernels) and few images that nobody asked for.
_FILL_TO = 8


@dataclass(frozen=True)
class Counts:
    """How many images of a shard went through the base and how many embeddings were known already."""

    computed: int
    known: int


class ShardEmbedder:
    """Embeds shards; made once a worker, whose threads may share it: one shard at a time, which takes all cores anyway.

    Args:
      embedder: does the work.
      store: the folder of a `Store`; what is known there is not computed again. '' or None keeps nothing.
    """

    def __init__(self, embedder: Embedder, store: str | Path | None = None):
        self._embedder = embedder
        self._one_at_a_time = threading.Lock()
        self._store = Store(store, embedder.identity(), embedder.size) if store else None
        _, height, width, channels = embedder.base.inputs[0].shape
        # One graph for every number of images in a batch.
        self._embed = tf.function(
            embedder.embed, input_signature=[tf.TensorSpec([None, height, width, channels], tf.float32)]
        )

    def __call__(self, source: str | Path, target: str | Path, description: str = 'Embedding') -> Counts:
        """Embeds every image of one shard, in order, holding no more than a few batches of images in memory.

        Args:
          source: a gzip-compressed TFRecord file of tf.Example, each with `image` (one encoded image); it and `target`
            may be in a bucket.
          target: where the same examples go, in the same order, without `image` and with `embedding` (float32, C
            values); written under a temporary name and renamed when complete.
          description: what the progress line says.

        Raises:
          RunError: the base gives values that are not finite, so no head can be trained on them.
        """
        with local_file(source) as file, self._one_at_a_time:
            if self._store is not None:
                return self._shard(self._store, file, target, description)
            with tempfile.TemporaryDirectory(prefix='embeddings-') as folder:
                return self._shard(Store(folder, 'shard', self._embedder.size), file, target, description)

    def _shard(self, store: Store, source: Path, target: str | Path, description: str) -> Counts:
        digests = [digest(_image(example)) for example in _examples(source)]
        wanted, seen = [], set()
        for key in digests:
            wanted.append(key not in store and key not in seen)
            seen.add(key)
        computed = sum(wanted)
        known = len(digests) - computed
        label = f'{description} ({known:,} known already)' if known else description
        try:
            with Progress(label, computed, 'images') as progress:
                for index, embedding in self._compute(source, wanted):
                    if not np.isfinite(embedding).all():
                        raise RunError(
                            f'{_name(source, index)}: the base gives values that are not finite; '
                            'check that the weights belong to this prototxt'
                        )
                    store.add(digests[index], embedding)
                    progress.update()
        finally:
            store.write()
        _write(source, target, (store[key] for key in digests))
        return Counts(computed, known)

    def _compute(self, source: Path, wanted: list[bool]) -> Iterator[tuple[int, np.ndarray]]:
        """(place in the shard, embedding) of the images that are wanted, in order."""
        if not any(wanted):
            return
        embedder, mask = self._embedder, tf.constant(wanted)

        def prepare(indices: tf.Tensor, records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            encoded = tf.io.parse_example(records, {IMAGE: tf.io.FixedLenFeature([], tf.string)})[IMAGE]
            missing = -tf.shape(encoded)[0] % min(_FILL_TO, embedder.batch_size)
            encoded = tf.concat([encoded, tf.repeat(encoded[-1:], missing)], axis=0)
            return indices, embedder.images(encoded)

        # Decoding the next batch overlaps with the convolutions of this one.
        batches = (
            tf.data.TFRecordDataset(str(source), compression_type='GZIP')
            .enumerate()
            .filter(lambda index, record: mask[index])
            .batch(embedder.batch_size)
            .map(prepare, num_parallel_calls=1)
            .prefetch(1)
        )
        for indices, images in batches:
            yield from zip(indices.numpy().tolist(), self._embed(images).numpy(), strict=False)  # less what was filled


def _write(source: Path, target: str | Path, embeddings: Iterable[np.ndarray]) -> None:
    any_path(target).parent.mkdir(parents=True, exist_ok=True)
    options = tf.io.TFRecordOptions(compression_type='GZIP')
    with atomic_path(target) as temporary, tf.io.TFRecordWriter(str(temporary), options) as writer:
        for example, embedding in zip(_examples(source), embeddings, strict=True):
            del example.features.feature[IMAGE]
            example.features.feature[EMBEDDING].float_list.value.extend(embedding.tolist())
            writer.write(example.SerializeToString(deterministic=True))


def _examples(source: Path) -> Iterator[tf.train.Example]:
    for record in tf.data.TFRecordDataset(str(source), compression_type='GZIP').as_numpy_iterator():
        yield tf.train.Example.FromString(record)


def _image(example: tf.train.Example) -> bytes:
    return bytes(example.features.feature[IMAGE].bytes_list.value[0])


def _name(source: Path, index: int) -> str:
    """The path of an image of a shard, for people."""
    for place, example in enumerate(_examples(source)):
        path = example.features.feature['path'].bytes_list.value
        if place == index and path:
            return str(path[0].decode(errors='replace'))
    return f'{source}, record {index}'
