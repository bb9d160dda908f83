# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of FineTuner."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.fine_tuner import executor


class FineTunerSpec(component_spec.ComponentSpec):
    """Inputs, outputs and execution properties; `executor.Executor.Do` says what they hold."""

    PARAMETERS = {
        'settings': component_spec.ExecutionParameter(type=str),
        'embedder': component_spec.ExecutionParameter(type=str),
        'checkpoints': component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        'examples': component_spec.ChannelParameter(type=standard_artifacts.Examples),
        'transform_graph': component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
        'base_model': component_spec.ChannelParameter(type=standard_artifacts.Model),
        'head_model': component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {
        'model': component_spec.ChannelParameter(type=standard_artifacts.Model),
        'model_run': component_spec.ChannelParameter(type=standard_artifacts.ModelRun),
    }


class FineTuner(base_component.BaseComponent):
    """Trains the upper layers of the base and the head together.

    A component of its own, because TFX's Trainer takes one model to start from, and this one takes two.

    Args:
      examples: the sampled images.
      transform_graph: what Transform made: decoding, resizing, BGR, minus mean image.
      base_model: what CaffeConverter made.
      head_model: what Trainer made.
      settings: the configuration's section `fine_tuning`, with `unfreeze_from` and `seed`.
      embedder: the further arguments of `Embedder`, for the exported model; it is trained in float32 all the same.
      checkpoints: a folder that outlives a kill; '' keeps no checkpoints.
    """

    SPEC_CLASS = FineTunerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        base_model: types.BaseChannel,
        head_model: types.BaseChannel,
        settings: Mapping[str, Any],
        embedder: Mapping[str, Any],
        checkpoints: str,
    ):
        super().__init__(
            spec=FineTunerSpec(
                examples=examples,
                transform_graph=transform_graph,
                base_model=base_model,
                head_model=head_model,
                settings=json.dumps(settings, sort_keys=True),
                embedder=json.dumps(embedder, sort_keys=True),
                checkpoints=checkpoints,
                model=types.Channel(type=standard_artifacts.Model),
                model_run=types.Channel(type=standard_artifacts.ModelRun),
            )
        )
