# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of SignatureCheck."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.signature_check import executor


class SignatureCheckSpec(component_spec.ComponentSpec):
    """Inputs, outputs and execution properties; `executor.Executor.Do` says what they hold."""

    PARAMETERS = {
        'split': component_spec.ExecutionParameter(type=str),
        'images': component_spec.ExecutionParameter(type=int),
        'precision': component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        'model': component_spec.ChannelParameter(type=standard_artifacts.Model),
        'examples': component_spec.ChannelParameter(type=standard_artifacts.Examples),
        'embeddings': component_spec.ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {'blessing': component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing)}


class SignatureCheck(base_component.BaseComponent):
    """Proves that the exported model's signatures agree; Pusher takes its blessing as `infra_blessing`.

    Args:
      model: the exported model.
      examples: the sampled images.
      embeddings: the embeddings of the same images.
      split: whose images are compared.
      images: how many of them.
      precision: what the base computes in, float32 or bfloat16.
    """

    SPEC_CLASS = SignatureCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        examples: types.BaseChannel,
        embeddings: types.BaseChannel,
        split: str,
        images: int = 16,
        precision: str = 'float32',
    ):
        super().__init__(
            spec=SignatureCheckSpec(
                model=model,
                examples=examples,
                embeddings=embeddings,
                split=split,
                images=images,
                precision=precision,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )
