# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The executor of EmbeddingGen: on Beam, each shard is one element for `ShardEmbedder`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.utils import shared
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from components.artifacts import Artifacts, split_files
from components.embedding_gen import input_check
from components.embedding_gen.settings import Settings
from components.io.files import remove_folder
from components.io.shards import WORK, copy_account
from components.names import BASE_FILE
from components.progress import note

#: Beam counters, and the artifact properties that hold their totals.
_COMPUTED, _KNOWN = 'images_computed', 'images_known'


class _EmbedShard(beam.DoFn):
    """(description, source, target) to the number of images. A worker process loads the base once."""

    def __init__(self, base: str, transform_graph: str, settings: Settings, store: str, handle: shared.Shared):
        self._base, self._transform_graph, self._store = base, transform_graph, store
        self._settings, self._handle = settings, handle
        self._computed = Metrics.counter('EmbeddingGen', _COMPUTED)
        self._known = Metrics.counter('EmbeddingGen', _KNOWN)

    def setup(self) -> None:
        # Imported on the worker: the process that submits the job does not need Keras.
        import tensorflow_transform as tft

        from components.embedding_gen import base_model, embedder, precision, shard_embedder

        def load() -> shard_embedder.ShardEmbedder:
            precision.check(self._settings.precision)
            transform = tft.TFTransformOutput(self._transform_graph).transform_features_layer()
            made = embedder.Embedder(base_model.load(self._base), transform, self._settings)
            return shard_embedder.ShardEmbedder(made, self._store)

        self._embed = self._handle.acquire(load, tag=f'{self._base}|{self._transform_graph}')

    def process(self, element: tuple[str, str, str]) -> Iterator[int]:
        description, source, target = element
        counts = self._embed(source, target, description)
        self._computed.inc(counts.computed)
        self._known.inc(counts.known)
        if counts.doubt:
            Metrics.counter('EmbeddingGen', counts.doubt).inc()
        yield counts.computed + counts.known


class Executor(base_beam_executor.BaseBeamExecutor):
    """Embeds every image of every split once."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs the component.

        Args:
          input_dict: `examples`, with `image` (encoded bytes) in every split; `transform_graph`, from {'image': string
            [B]} to {'image': float32 [B, H, W, 3]}; `base_model`, the folder of `base.keras`.
          output_dict: `embeddings`, Examples of the same splits, shards and order, with `embedding` (float32 [C]) for
            `image`; `images_computed` and `images_known` count images embedded now and found in the store;
            `input_check.SMALL` or `LARGE` is set where the base's input looks wrong.
          exec_properties: `settings`, JSON of `Settings`; `store`, a folder for `Store`, or ''.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict['examples'])
        embeddings = artifact_utils.get_single_instance(output_dict['embeddings'])
        embeddings.split_names = examples.split_names
        examples_utils.set_payload_format(embeddings, examples_utils.get_payload_format(examples))

        shards = []
        for split in artifact_utils.decode_split_names(examples.split_names):
            sources = split_files([examples], split)
            target = artifact_utils.get_split_uri([embeddings], split)
            for index, source in enumerate(sources, 1):
                label = f'Embedding {split}' + (f' {index}/{len(sources)}' if len(sources) > 1 else '')
                shards.append((label, source, os.path.join(target, os.path.basename(source))))

        base = os.path.join(artifact_utils.get_single_uri(input_dict['base_model']), BASE_FILE)
        graph = artifact_utils.get_single_uri(input_dict['transform_graph'])
        settings = Settings.from_json(exec_properties['settings'])
        embed = _EmbedShard(base, graph, settings, exec_properties['store'], shared.Shared())
        with self._make_beam_pipeline() as pipeline:
            _ = pipeline | 'Shards' >> beam.Create(shards) | 'Spread' >> beam.Reshuffle() | 'Embed' >> beam.ParDo(embed)
        remove_folder(os.path.join(embeddings.uri, WORK))  # a worker may have been killed
        copy_account(examples.uri, embeddings.uri)
        for counter in pipeline.result.metrics().query()['counters']:
            name = counter.key.metric.name
            if name in (_COMPUTED, _KNOWN):
                embeddings.set_int_custom_property(name, counter.result)
            elif name in input_check.WARNINGS:
                embeddings.set_int_custom_property(name, 1)
                note(f'Warning: {input_check.WARNINGS[name]}')
