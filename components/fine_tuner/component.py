# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of FineTuner."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts

from components import specification
from components.fine_tuner import executor
from components.fine_tuner.settings import Settings


class FineTuner(base_component.BaseComponent):
    """Trains the upper layers of the base and the head together.

    A component of its own, because TFX's Trainer starts from one model, and this one from two.

    Args:
      examples: the sampled images.
      transform_graph: what Transform made: decoding, resizing, BGR, minus mean image.
      base_model: what CaffeConverter made.
      head_model: what Trainer made.
      run_fn: import path of the function that trains; it takes a `FunctionArgs`.
      settings: how to train.
      custom_config: further plain values for the function.
      checkpoints: a folder that outlives a killed run; '' keeps no checkpoints.
    """

    SPEC_CLASS = specification.make(
        'FineTunerSpec',
        inputs={
            'examples': standard_artifacts.Examples,
            'transform_graph': standard_artifacts.TransformGraph,
            'base_model': standard_artifacts.Model,
            'head_model': standard_artifacts.Model,
        },
        outputs={'model': standard_artifacts.Model, 'model_run': standard_artifacts.ModelRun},
        properties=('run_fn', 'settings', 'custom_config', 'checkpoints'),
    )
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        base_model: types.BaseChannel,
        head_model: types.BaseChannel,
        *,
        run_fn: str,
        settings: Settings,
        custom_config: Mapping[str, Any],
        checkpoints: str = '',
    ):
        super().__init__(
            specification.fill(
                self.SPEC_CLASS,
                examples=examples,
                transform_graph=transform_graph,
                base_model=base_model,
                head_model=head_model,
                run_fn=run_fn,
                settings=settings.to_json(),
                custom_config=json.dumps(custom_config, sort_keys=True),
                checkpoints=checkpoints,
            )
        )
