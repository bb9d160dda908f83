# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Embeds shards of tf.Example. Imports TensorFlow, neither TFX nor Beam."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components.embedding_gen import input_check
from components.embedding_gen.embedder import Embedder
from components.embedding_gen.store import Store, digest
from components.errors import RunError
from components.io.files import any_path, local_file, printable
from components.io.shards import atomic_shard
from components.names import EMBEDDING, IMAGE, PATH
from components.progress import Progress

# The last batch of a shard is padded to a multiple of this. Each new batch size costs a preparation of the base's
# kernels, and each padding image costs a pass through the base.
_FILL_TO = 8

# Halves of a batch pass through the base side by side: small layers do not occupy all cores. Measured for MobileFaceNet
# and 32 images: 279 images/s as one, 308 as two; for VGG-16 12.3 and 12.4.
_HALVES = 2

# Examples that are in memory at once, without their batch of decoded images.
_MOST_EXAMPLES = 512

# Images of the first batch that are checked; each costs one more pass through a base with batch normalisation.
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
        self._halves = ThreadPoolExecutor(_HALVES)
        self._doubt: str | None = None  # None: not yet checked
        self._store = Store(store, embedder.identity(), embedder.size) if store else None
        _, height, width, channels = embedder.base.inputs[0].shape
        # One graph for every number of images in a batch.
        self._embed = tf.function(
            embedder.embed,
            input_signature=[tf.TensorSpec([None, height, width, channels], tf.float32)],
            autograph=False,  # nothing to convert
        )
        self._images = tf.function(embedder.images, input_signature=[tf.TensorSpec([None], tf.string)])

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
        digests = [digest(_image(example)) for example in _examples(source)]
        first = {key: index for index, key in reversed(list(enumerate(digests)))}
        wanted = [key not in store and first[key] == index for index, key in enumerate(digests)]
        computed = sum(wanted)
        known = len(digests) - computed
        label = f'{description} ({known:,} already embedded)' if known else description
        any_path(target).parent.mkdir(parents=True, exist_ok=True)
        options = tf.io.TFRecordOptions(compression_type='GZIP')
        with (
            Progress(label, computed, 'images') as progress,
            atomic_shard(target) as temporary,
            tf.io.TFRecordWriter(str(temporary), options) as writer,
        ):
            try:
                for group in _ahead(self._groups(source, wanted)):
                    for index, embedding in self._compute(group):
                        store.add(digests[index], embedding)
                        progress.update()
                    for index, example in group.examples.items():
                        del example.features.feature[IMAGE]
                        example.features.feature[EMBEDDING].float_list.value.extend(store[digests[index]].tolist())
                        writer.write(example.SerializeToString(deterministic=True))
            finally:
                store.write()
        return Counts(computed, known, self._doubt or '')

    def _groups(self, source: Path, wanted: list[bool]) -> Iterator[_Group]:
        """Yields the examples of a shard in order, in groups with at most one batch of wanted images."""
        group = _Group()
        for index, example in enumerate(_examples(source)):
            group.examples[index] = example
            if wanted[index]:
                group.encoded[index] = _image(example)
            if len(group.encoded) == self._embedder.batch_size or len(group.examples) == _MOST_EXAMPLES:
                yield self._decoded(group)
                group = _Group()
        if group.examples:
            yield self._decoded(group)

    def _decoded(self, group: _Group) -> _Group:
        if encoded := [*group.encoded.values()]:
            filled = min(-(-len(encoded) // _FILL_TO) * _FILL_TO, self._embedder.batch_size)
            group.images = self._images(tf.constant(encoded + encoded[-1:] * (filled - len(encoded))))
        return group

    def _embedded(self, images: tf.Tensor) -> np.ndarray:
        size = -(-len(images) // (_HALVES * _FILL_TO)) * _FILL_TO
        halves = [images[start : start + size] for start in range(0, len(images), size)]
        return np.concatenate([*self._halves.map(lambda half: self._embed(half).numpy(), halves)])

    def _compute(self, group: _Group) -> Iterator[tuple[int, np.ndarray]]:
        """Yields (index in the shard, embedding) of the wanted images, in order."""
        if group.images is None:
            return
        embeddings = self._embedded(group.images)
        if self._doubt is None:
            some = slice(_CHECKED)
            again = (lambda images: self._embed(images).numpy()) if self._embedder.batch_normalised else None
            self._doubt = input_check.doubt(group.images[some].numpy(), embeddings[some], again)
        for index, embedding in zip(group.encoded, embeddings, strict=False):  # drops the padding
            if not np.isfinite(embedding).all():
                path = group.examples[index].features.feature[PATH].bytes_list.value
                name = printable(path[0]) if path else f'record {index}'
                raise RunError(
                    f'{name}: the base gives values that are not finite; check that the weights belong to this prototxt'
                )
            yield index, embedding


@dataclass
class _Group:
    """Some examples of a shard by index, and those of their images that are to be embedded."""

    examples: dict[int, tf.train.Example] = field(default_factory=dict)
    encoded: dict[int, bytes] = field(default_factory=dict)
    images: tf.Tensor | None = None  # the base's input, padded


def _ahead(groups: Iterator[_Group]) -> Iterator[_Group]:
    """Yields the groups; each is read and decoded while the one before it passes through the base."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, groups, None)
        while (group := coming.result()) is not None:
            coming = pool.submit(next, groups, None)
            yield group


def _examples(source: Path) -> Iterator[tf.train.Example]:
    for record in tf.data.TFRecordDataset(str(source), compression_type='GZIP').as_numpy_iterator():
        yield tf.train.Example.FromString(record)


def _image(example: tf.train.Example) -> bytes:
    return bytes(example.features.feature[IMAGE].bytes_list.value[0])
