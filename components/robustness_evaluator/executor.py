# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The executor of RobustnessEvaluator: artifacts to paths, and the exported model as a classifier."""

from __future__ import annotations

import importlib
import json
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import names
from components.artifacts import Artifacts, split_files
from components.robustness_evaluator import measuring
from components.robustness_evaluator.settings import Settings


class Executor(base_executor.BaseExecutor):
    """Classifies a sample of the test split in every frame."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs the component.

        Args:
          input_dict: `examples`, with `image`, the label and `path` in the test split; `model`, the exported model, or
            absent.
          output_dict: `robustness`, ModelEvaluation with `measuring.FILE`.
          exec_properties: `settings`, JSON of `Settings`; without a model, `load_fn`, the import path of a function
            that returns the classifier, and `arguments`, its keyword arguments as JSON; `digest`, for the cache only.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        if models := input_dict.get('model'):
            classify = exported(
                path_utils.serving_model_path(models[0].uri, path_utils.is_old_model_artifact(models[0]))
            )
        else:
            module, _, function = exec_properties['load_fn'].rpartition('.')
            classify = getattr(importlib.import_module(module), function)(**json.loads(exec_properties['arguments']))
        settings = Settings.from_json(exec_properties['settings'])
        faces = measuring.sample(split_files(input_dict['examples'], names.TEST), settings.faces)
        measuring.write(artifact_utils.get_single_uri(output_dict['robustness']), measuring.measure(classify, faces))


def exported(folder: str) -> measuring.Classifier:
    """Returns a classifier that calls `serving_default` of a SavedModel, also in a bucket."""
    import tensorflow as tf

    model = tf.saved_model.load(folder)

    def classify(images: Any) -> list[tuple[str, float]]:
        outputs = model.signatures[names.SERVING](**{names.SERVING_INPUT: tf.constant(list(images))})
        labels, probabilities = (outputs[name].numpy() for name in (names.LABEL_NAME, names.PROBABILITY))
        return [(label.decode(), float(value)) for label, value in zip(labels, probabilities, strict=True)]

    return classify
