# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Embeds shards of tf.Example. Imports TensorFlow, neither TFX nor Beam."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components.embedding_gen import input_check
from components.embedding_gen.embedder import Embedder
from components.embedding_gen.store import Store, digest
from components.errors import RunError
from components.io.files import any_path, local_file
from components.io.shards import atomic_shard
from components.names import EMBEDDING, IMAGE
from components.progress import Progress

# The last batch of a shard is padded to a multiple of this. Each new batch size costs a preparation of the base's
# kernels, and each padding image costs a pass through the base.
_FILL_TO = 8

# Images of the first batch whose embeddings are checked; each costs two more passes through the base.
_CHECKED = 16


class Counts(NamedTuple):
    """How many images of a shard were embedded, and how many embeddings were in the store."""

    computed: int
    known: int
    doubt: str = ''  #: what is odd about the base's input, see `input_check`


class ShardEmbedder:
    """Embeds shards. Threads of a worker may share it; it embeds one shard at a time, which uses all cores.

    Args:
      embedder: the graph.
      store: the folder of a `Store`, whose embeddings are not computed again; '' or None for none.
    """

    def __init__(self, embedder: Embedder, store: str | Path | None = None):
        self._embedder = embedder
        self._one_at_a_time = threading.Lock()
        self._doubt: str | None = None  # None: not yet checked
        self._store = Store(store, embedder.identity(), embedder.size) if store else None
        _, height, width, channels = embedder.base.inputs[0].shape
        # One graph for every number of images in a batch.
        self._embed = tf.function(
            embedder.embed,
            input_signature=[tf.TensorSpec([None, height, width, channels], tf.float32)],
            autograph=False,  # nothing to convert
        )

    def __call__(self, source: str | Path, target: str | Path, description: str = 'Embedding') -> Counts:
        """Embeds every image of one shard, with at most a few batches of images in memory.

        Args:
          source: a gzip-compressed TFRecord file of tf.Example with `image` (one encoded image), also in a bucket.
          target: the file for the same examples in order, with `embedding` (float32 [C]) in place of `image`; written
            under a temporary name and renamed when complete.
          description: label of the progress line.

        Raises:
          RunError: an embedding is not finite.
        """
        with local_file(source) as file, self._one_at_a_time:
            if self._store is not None:
                return self._shard(self._store, file, target, description)
            with tempfile.TemporaryDirectory(prefix='embeddings-') as folder:
                return self._shard(Store(folder, 'shard', self._embedder.size), file, target, description)

    def _shard(self, store: Store, source: Path, target: str | Path, description: str) -> Counts:
        digests = [digest(example.features.feature[IMAGE].bytes_list.value[0]) for example in _examples(source)]
        first = {key: index for index, key in reversed(list(enumerate(digests)))}
        wanted = [key not in store and first[key] == index for index, key in enumerate(digests)]
        computed = sum(wanted)
        known = len(digests) - computed
        label = f'{description} ({known:,} already embedded)' if known else description
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
        return Counts(computed, known, self._doubt or '')

    def _compute(self, source: Path, wanted: list[bool]) -> Iterator[tuple[int, np.ndarray]]:
        """Yields (index in the shard, embedding) of the wanted images, in order."""
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
            if self._doubt is None:
                some = images[:_CHECKED].numpy()
                self._doubt = input_check.doubt(
                    embedder.batch_normalised, lambda inputs: self._embed(inputs).numpy(), some
                )
            yield from zip(indices.numpy().tolist(), self._embed(images).numpy(), strict=False)  # drops the padding


def _write(source: Path, target: str | Path, embeddings: Iterable[np.ndarray]) -> None:
    any_path(target).parent.mkdir(parents=True, exist_ok=True)
    options = tf.io.TFRecordOptions(compression_type='GZIP')
    with atomic_shard(target) as temporary, tf.io.TFRecordWriter(str(temporary), options) as writer:
        for example, embedding in zip(_examples(source), embeddings, strict=True):
            del example.features.feature[IMAGE]
            example.features.feature[EMBEDDING].float_list.value.extend(embedding.tolist())
            writer.write(example.SerializeToString(deterministic=True))


def _examples(source: Path) -> Iterator[tf.train.Example]:
    for record in tf.data.TFRecordDataset(str(source), compression_type='GZIP').as_numpy_iterator():
        yield tf.train.Example.FromString(record)


def _name(source: Path, index: int) -> str:
    """The `path` feature of an example, for error messages."""
    for place, example in enumerate(_examples(source)):
        path = example.features.feature['path'].bytes_list.value
        if place == index and path:
            return str(path[0].decode(errors='replace'))
    return f'{source}, record {index}'
