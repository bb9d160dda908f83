# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The executor of EmbeddingGen: artifacts to paths to `ShardEmbedder`, a shard an element on Beam."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.utils import shared
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.embedding_gen.settings import Settings
from components.names import BASE_FILE

#: Beam's counters, and the properties of the artifact that get their values.
_COMPUTED, _KNOWN = 'images_computed', 'images_known'


class _EmbedShard(beam.DoFn):
    """(description, source, target) to the number of images; one copy of the base a worker process."""

    def __init__(self, base: str, transform_graph: str, settings: Settings, store: str, handle: shared.Shared):
        self._base = base
        self._transform_graph = transform_graph
        self._settings = settings
        self._store = store
        self._handle = handle
        self._computed = Metrics.counter('EmbeddingGen', _COMPUTED)
        self._known = Metrics.counter('EmbeddingGen', _KNOWN)

    def setup(self) -> None:
        # Imported here, on the worker: the process that only submits the job has no use for Keras.
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
        yield counts.computed + counts.known


class Executor(base_beam_executor.BaseBeamExecutor):
    """Puts every image of every split through the base once."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component.

        Args:
          input_dict:
            - examples: Examples with `image` (encoded bytes) in every split.
            - transform_graph: TransformGraph from {'image': string [B]} to {'image': float32 [B, H, W, 3]}.
            - base_model: Model, the folder of `base.keras`.
          output_dict:
            - embeddings: Examples of the same splits, shards and order, with `embedding` (float32 [C]) for `image`; its
              properties `images_computed` and `images_known` say how many images went through the base.
          exec_properties:
            - settings: str, JSON of `Settings`.
            - store: str, the folder of embeddings that outlive the run, see `store`; '' for none.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict['examples'])
        embeddings = artifact_utils.get_single_instance(output_dict['embeddings'])
        embeddings.split_names = examples.split_names
        examples_utils.set_payload_format(embeddings, examples_utils.get_payload_format(examples))

        shards = []
        for split in artifact_utils.decode_split_names(examples.split_names):
            source = artifact_utils.get_split_uri([examples], split)
            target = artifact_utils.get_split_uri([embeddings], split)
            names = sorted(name for name in fileio.listdir(source) if name.endswith('.gz'))
            for index, name in enumerate(names, 1):
                label = f'Embedding {split}' + (f' {index}/{len(names)}' if len(names) > 1 else '')
                shards.append((label, os.path.join(source, name), os.path.join(target, name)))

        base = os.path.join(artifact_utils.get_single_uri(input_dict['base_model']), BASE_FILE)
        graph = artifact_utils.get_single_uri(input_dict['transform_graph'])
        settings = Settings.from_json(exec_properties['settings'])
        embed = _EmbedShard(base, graph, settings, exec_properties['store'], shared.Shared())
        with self._make_beam_pipeline() as pipeline:
            _ = pipeline | 'Shards' >> beam.Create(shards) | 'Spread' >> beam.Reshuffle() | 'Embed' >> beam.ParDo(embed)
        for counter in pipeline.result.metrics().query()['counters']:
            if counter.key.metric.name in (_COMPUTED, _KNOWN):
                embeddings.set_int_custom_property(counter.key.metric.name, counter.result)
