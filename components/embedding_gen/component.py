# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of EmbeddingGen."""

from __future__ import annotations

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import BaseChannel
from tfx.types.standard_artifacts import Examples, Model, TransformGraph

from components import specification
from components.embedding_gen import executor
from components.embedding_gen.settings import Settings


class EmbeddingGen(base_beam_component.BaseBeamComponent):
    """Embeds each image exactly once: decoding, mean image, base, pooling.

    Args:
      examples: the sampled images.
      transform_graph: Transform's output: decodes, resizes, converts to BGR and subtracts the mean image.
      base_model: CaffeConverter's output.
      settings: how the base embeds images.
      store: a folder of embeddings that later runs reuse; '' for none.
    """

    SPEC_CLASS = specification.make(
        'EmbeddingGenSpec',
        inputs={'examples': Examples, 'transform_graph': TransformGraph, 'base_model': Model},
        outputs={'embeddings': Examples},
        properties=('settings', 'store'),
    )
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: BaseChannel,
        transform_graph: BaseChannel,
        base_model: BaseChannel,
        settings: Settings | None = None,
        *,
        store: str = '',
    ):
        inputs = {'examples': examples, 'transform_graph': transform_graph, 'base_model': base_model}
        properties = {'settings': (settings or Settings()).to_json(), 'store': store}
        super().__init__(specification.fill(self.SPEC_CLASS, **inputs, **properties))
