# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of EmbeddingGen."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.embedding_gen import executor


class EmbeddingGenSpec(component_spec.ComponentSpec):
    """Inputs, outputs and execution properties; `executor.Executor.Do` says what they hold."""

    PARAMETERS = {
        'batch_size': component_spec.ExecutionParameter(type=int),
        'pooling_grid': component_spec.ExecutionParameter(type=int),
        'precision': component_spec.ExecutionParameter(type=str),
        'store': component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        'examples': component_spec.ChannelParameter(type=standard_artifacts.Examples),
        'transform_graph': component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
        'base_model': component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {'embeddings': component_spec.ChannelParameter(type=standard_artifacts.Examples)}


class EmbeddingGen(base_component.BaseComponent):
    """Puts each image through decoding, mean image, base and pooling exactly once.

    Args:
      examples: the sampled images.
      transform_graph: what Transform made: decoding, resizing, BGR, minus mean image.
      base_model: what CaffeConverter made.
      batch_size: images a batch; bounds memory.
      pooling_grid: G, the last feature map is averaged over GxG windows; 1 is GlobalAveragePooling.
      precision: float32, or bfloat16 where the processor computes in it.
      store: a folder for embeddings that outlive the run, '' for none.
    """

    SPEC_CLASS = EmbeddingGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        base_model: types.BaseChannel,
        batch_size: int = 32,
        pooling_grid: int = 1,
        precision: str = 'float32',
        store: str = '',
    ):
        super().__init__(
            spec=EmbeddingGenSpec(
                examples=examples,
                transform_graph=transform_graph,
                base_model=base_model,
                batch_size=batch_size,
                pooling_grid=pooling_grid,
                precision=precision,
                store=store,
                embeddings=types.Channel(type=standard_artifacts.Examples),
            )
        )
