# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""TFX's Evaluator with a blessing of our own: TFMA measures, `components.evaluator.thresholds` judges."""

from __future__ import annotations

import json
import os
from typing import Any

import tensorflow_model_analysis as tfma
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.evaluator import executor as tfx_executor
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import io_utils, json_utils

from components.evaluator import metrics, thresholds


class EvaluatorSpec(component_spec.ComponentSpec):
    """TFX's, and `bounds`."""

    PARAMETERS = {
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        'bounds': component_spec.ExecutionParameter(type=str),
    }
    INPUTS = standard_component_specs.EvaluatorSpec.INPUTS
    OUTPUTS = standard_component_specs.EvaluatorSpec.OUTPUTS
    TYPE_ANNOTATION = standard_component_specs.EvaluatorSpec.TYPE_ANNOTATION


class Executor(tfx_executor.Executor):
    """Evaluates with TFMA, then blesses a model that meets its bounds."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates and judges.

        Args:
          input_dict: 'examples' (the embeddings) and 'model'.
          output_dict: 'evaluation' (TFMA's files and `bounds.FILE`) and 'blessing' (as TFX's Evaluator writes it).
          exec_properties: TFX's 'eval_config' without thresholds and 'example_splits'; 'bounds', the JSON of
            `bounds.of`.
        """
        super().Do(input_dict, output_dict, exec_properties)
        folder = artifact_utils.get_single_uri(output_dict[standard_component_specs.EVALUATION_KEY])
        rows = thresholds.check(json.loads(exec_properties['bounds']), *metrics.read_evaluation(folder))
        thresholds.write(folder, rows)
        blessed = not thresholds.reasons(rows)
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        blessing = artifact_utils.get_single_instance(output_dict[standard_component_specs.BLESSING_KEY])
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
        blessing.set_int_custom_property(
            constants.ARTIFACT_PROPERTY_BLESSED_KEY,
            constants.BLESSED_VALUE if blessed else constants.NOT_BLESSED_VALUE,
        )
        name = constants.BLESSED_FILE_NAME if blessed else constants.NOT_BLESSED_FILE_NAME
        io_utils.write_string_file(os.path.join(blessing.uri, name), '')


class Evaluator(base_beam_component.BaseBeamComponent):
    """Measures a model on the test split and blesses it if it meets its bounds.

    Args:
      examples: the embeddings.
      model: the exported model.
      eval_config: see `components.evaluator.eval_config`; it has no thresholds.
      example_splits: the splits to evaluate on.
      bounds: the JSON of `components.evaluator.thresholds.of`.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        eval_config: tfma.EvalConfig,
        example_splits: list[str],
        bounds: str,
    ):
        super().__init__(
            spec=EvaluatorSpec(
                examples=examples,
                model=model,
                eval_config=eval_config,
                example_splits=json_utils.dumps(example_splits),
                fairness_indicator_thresholds=json_utils.dumps(None),
                bounds=bounds,
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )
