# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of EmbeddingGen."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts

from components import specification
from components.embedding_gen import executor
from components.embedding_gen.settings import Settings


class EmbeddingGen(base_beam_component.BaseBeamComponent):
    """Puts each image through decoding, mean image, base and pooling exactly once.

    Args:
      examples: the sampled images.
      transform_graph: what Transform made: decoding, resizing, BGR, minus mean image.
      base_model: what CaffeConverter made.
      settings: how images go through the base.
      store: a folder for embeddings that outlive the run, '' for none.
    """

    SPEC_CLASS = specification.make(
        'EmbeddingGenSpec',
        inputs={
            'examples': standard_artifacts.Examples,
            'transform_graph': standard_artifacts.TransformGraph,
            'base_model': standard_artifacts.Model,
        },
        outputs={'embeddings': standard_artifacts.Examples},
        properties=('settings', 'store'),
    )
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        base_model: types.BaseChannel,
        settings: Settings | None = None,
        *,
        store: str = '',
    ):
        super().__init__(
            specification.fill(
                self.SPEC_CLASS,
                examples=examples,
                transform_graph=transform_graph,
                base_model=base_model,
                settings=(settings or Settings()).to_json(),
                store=store,
            )
        )
