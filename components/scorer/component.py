# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of Scorer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import BaseChannel
from tfx.types.standard_artifacts import Examples

from components import specification
from components.scorer import executor


class Scorer(base_component.BaseComponent):
    """Scores the test split with a finished model, exported or served.

    Args:
      examples: images.
      load_fn: import path of a function that returns the classifier: encoded images to (label, probability) each.
      arguments: keyword arguments of `load_fn`, as JSON values.
      model: identifies the model's content, so that another model under the same path misses the cache.
    """

    SPEC_CLASS = specification.make(
        'ScorerSpec',
        inputs={'examples': Examples},
        outputs={'scores': Examples},
        properties=('load_fn', 'arguments', 'model'),
    )
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, examples: BaseChannel, load_fn: str, arguments: Mapping[str, Any], *, model: str):
        properties = {'load_fn': load_fn, 'arguments': json.dumps(dict(arguments)), 'model': model}
        super().__init__(specification.fill(self.SPEC_CLASS, examples=examples, **properties))
