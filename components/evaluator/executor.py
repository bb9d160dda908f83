# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The executor of Evaluator: TFX's own, followed by the check of the thresholds."""

from __future__ import annotations

import os
from typing import Any

from tfx.components.evaluator import constants, executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils

from components import names
from components.artifacts import Artifacts, split_files
from components.evaluator import metrics, tfma_results, thresholds
from components.evaluator.settings import Settings
from components.io import shards


class Executor(executor.Executor):
    """Evaluates a model with TFMA and blesses it if it meets its thresholds."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Writes the evaluation and the blessing.

        Args:
          input_dict:
            - examples: Examples, the embeddings; or, without a model, with `probability`.
            - model: Model, or absent.
          output_dict:
            - evaluation: ModelEvaluation with TFMA's files, `names.SLICES_FILE` and `thresholds.FILE`.
            - blessing: ModelBlessing in the format of TFX's Evaluator.
          exec_properties:
            - settings: str, JSON of `Settings`.
            - baseline_accuracy: str, the overall accuracy of the last blessed model; '' if there is none.
            - eval_config (without thresholds), example_splits, fairness_indicator_thresholds: str, read by TFX.
        """
        split_files(input_dict[standard_component_specs.EXAMPLES_KEY], names.TEST)  # TFX reads whatever is there
        super().Do(input_dict, output_dict, exec_properties)
        settings, baseline = Settings.from_json(exec_properties['settings']), exec_properties['baseline_accuracy']
        folder = artifact_utils.get_single_uri(output_dict[standard_component_specs.EVALUATION_KEY])
        wanted = thresholds.of(settings, float(baseline) if baseline else None)
        evaluation = tfma_results.read(folder)
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        shards.check_count([artifact_utils.get_split_uri(examples, names.TEST)], evaluation.overall.examples)
        checked = thresholds.check(wanted, evaluation) + thresholds.check_slices(settings.slice_bounds, evaluation)
        metrics.write(folder, evaluation)
        thresholds.write(folder, checked)
        blessed = not thresholds.reasons(checked)
        blessing = artifact_utils.get_single_instance(output_dict[standard_component_specs.BLESSING_KEY])
        for model in input_dict.get(standard_component_specs.MODEL_KEY, ()):
            blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
            blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
        blessing.set_int_custom_property(
            constants.ARTIFACT_PROPERTY_BLESSED_KEY,
            constants.BLESSED_VALUE if blessed else constants.NOT_BLESSED_VALUE,
        )
        name = constants.BLESSED_FILE_NAME if blessed else constants.NOT_BLESSED_FILE_NAME
        io_utils.write_string_file(os.path.join(blessing.uri, name), '')
