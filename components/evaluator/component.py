# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of Evaluator."""

from __future__ import annotations

from collections.abc import Sequence

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts
from tfx.utils import json_utils

from components import names, specification
from components.evaluator import eval_config, executor
from components.evaluator.settings import Settings


class Evaluator(base_beam_component.BaseBeamComponent):
    """Evaluates a model on the test split with TFMA and blesses it if it meets its thresholds.

    Args:
      examples: the embeddings; or, without a model, Scorer's output.
      model: the exported model, or None.
      settings: the thresholds.
      extra_slices: features to slice by besides gender and age band.
      baseline_accuracy: the overall accuracy of the last blessed model; None if there is none.
    """

    SPEC_CLASS = specification.make(
        'EvaluatorSpec',
        inputs={'examples': standard_artifacts.Examples, 'model': standard_artifacts.Model},
        outputs={'evaluation': standard_artifacts.ModelEvaluation, 'blessing': standard_artifacts.ModelBlessing},
        # The last three are for TFX's executor, which ours extends.
        properties=('settings', 'baseline_accuracy', 'eval_config', 'example_splits', 'fairness_indicator_thresholds'),
        optional=('model',),
    )
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel | None,
        settings: Settings | None = None,
        *,
        extra_slices: Sequence[str] = (),
        baseline_accuracy: float | None = None,
    ):
        super().__init__(
            specification.fill(
                self.SPEC_CLASS,
                examples=examples,
                **({'model': model} if model else {}),
                settings=(settings or Settings()).to_json(),
                baseline_accuracy='' if baseline_accuracy is None else repr(baseline_accuracy),
                eval_config=eval_config.as_json(extra_slices, model=model is not None),
                example_splits=json_utils.dumps([names.TEST]),
                fairness_indicator_thresholds=json_utils.dumps(None),
            )
        )
