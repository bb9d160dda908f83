# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of RobustnessEvaluator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import BaseChannel
from tfx.types.standard_artifacts import Examples, Model, ModelEvaluation

from components import specification
from components.robustness_evaluator import executor
from components.robustness_evaluator.settings import Settings


class RobustnessEvaluator(base_component.BaseComponent):
    """Measures a model's accuracy on test faces in other frames, beside the same faces as they are.

    Args:
      examples: images with labels.
      model: the exported model; None for the one that `load_fn` returns.
      settings: how many faces.
      load_fn: without `model`, the import path of a function that returns the classifier, see `measuring.Classifier`.
      arguments: keyword arguments of `load_fn`, as JSON values.
      digest: without `model`, identifies the model's content, so that another one under the same path misses the cache.
    """

    SPEC_CLASS = specification.make(
        'RobustnessEvaluatorSpec',
        inputs={'examples': Examples, 'model': Model},
        outputs={'robustness': ModelEvaluation},
        properties=('settings', 'load_fn', 'arguments', 'digest'),
        optional=('model',),
    )
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: BaseChannel,
        model: BaseChannel | None,
        settings: Settings | None = None,
        *,
        load_fn: str = '',
        arguments: Mapping[str, Any] | None = None,
        digest: str = '',
    ):
        super().__init__(
            specification.fill(
                self.SPEC_CLASS,
                examples=examples,
                **({'model': model} if model else {}),
                settings=(settings or Settings()).to_json(),
                load_fn=load_fn,
                arguments=json.dumps(dict(arguments or {})),
                digest=digest,
            )
        )
