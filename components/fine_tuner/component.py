# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of FineTuner."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import BaseChannel
from tfx.types.standard_artifacts import Examples, Model, ModelRun, TransformGraph

from components import specification
from components.fine_tuner import executor
from components.fine_tuner.settings import Settings


class FineTuner(base_component.BaseComponent):
    """Trains the upper layers of the base together with the head.

    TFX's Trainer starts from one model; this component starts from two.

    Args:
      examples: the sampled images.
      transform_graph: Transform's output: decodes, resizes, converts to BGR and subtracts the mean image.
      base_model: CaffeConverter's output.
      head_model: Trainer's output.
      run_fn: import path of the training function, which takes a `FunctionArgs`.
      settings: how to train.
      custom_config: further JSON values for the function.
      checkpoints: a folder that survives a killed run; '' for no checkpoints.
    """

    SPEC_CLASS = specification.make(
        'FineTunerSpec',
        inputs={'examples': Examples, 'transform_graph': TransformGraph, 'base_model': Model, 'head_model': Model},
        outputs={'model': Model, 'model_run': ModelRun},
        properties=('run_fn', 'settings', 'custom_config', 'checkpoints'),
    )
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: BaseChannel,
        transform_graph: BaseChannel,
        base_model: BaseChannel,
        head_model: BaseChannel,
        *,
        run_fn: str,
        settings: Settings,
        custom_config: Mapping[str, Any],
        checkpoints: str = '',
    ):
        inputs = {'examples': examples, 'transform_graph': transform_graph}
        models = {'base_model': base_model, 'head_model': head_model}
        properties = {
            'run_fn': run_fn,
            'settings': settings.to_json(),
            'custom_config': json.dumps(custom_config, sort_keys=True),
            'checkpoints': checkpoints,
        }
        super().__init__(specification.fill(self.SPEC_CLASS, **inputs, **models, **properties))
