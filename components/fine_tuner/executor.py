# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The executor of FineTuner: artifacts to paths to a call of the function that trains."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import names, source_digest
from components.fine_tuner.function_args import FunctionArgs
from components.fine_tuner.settings import Settings
from components.io.files import any_path, sha256_file


class Executor(base_executor.BaseExecutor):
    """Trains the upper layers of the base and the head together and exports them as Trainer does."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component.

        Args:
          input_dict:
            - examples: Examples with `image` and the label; the training and the validation split are read.
            - transform_graph: TransformGraph from {'image': string [B]} to {'image': float32 [B, H, W, 3]}.
            - base_model: Model, the folder of `names.BASE_FILE`.
            - head_model: Model, the folder of `names.HEAD_FILE`.
          output_dict:
            - model: Model, with `names.BASE_FILE` and `names.HEAD_FILE` as they were trained, and the SavedModel.
            - model_run: ModelRun, with `names.HISTORY_FILE`.
          exec_properties:
            - run_fn: str, import path of the function that trains.
            - settings: str, JSON of `Settings`.
            - custom_config: str, JSON of plain values for the function.
            - checkpoints: str, a folder; '' for none.

        Raises:
          InputError: the base has no layer to unfreeze from.
          RunError: a split has no images, or a gender that `class_weights` needs.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        module, _, function = exec_properties['run_fn'].rpartition('.')
        base_file = os.path.join(artifact_utils.get_single_uri(input_dict['base_model']), names.BASE_FILE)
        head_file = os.path.join(artifact_utils.get_single_uri(input_dict['head_model']), names.HEAD_FILE)
        graph = artifact_utils.get_single_uri(input_dict['transform_graph'])
        train, validation = (_files(input_dict['examples'], split) for split in (names.TRAIN, names.VALIDATION))
        checkpoint = None
        if exec_properties['checkpoints']:
            made_of = [exec_properties['settings'], exec_properties['custom_config'], source_digest.of(module)]
            digest = _digest(made_of, [base_file, head_file, *train, *validation, *_all_files(graph)])
            checkpoint = Path(exec_properties['checkpoints'], f'{digest}.npz')
        model_dir = artifact_utils.get_single_uri(output_dict['model'])
        getattr(importlib.import_module(module), function)(
            FunctionArgs(
                settings=Settings.from_json(exec_properties['settings']),
                custom_config=json.loads(exec_properties['custom_config']),
                train_files=train,
                validation_files=validation,
                transform_output=graph,
                base_file=base_file,
                head_file=head_file,
                model_dir=model_dir,
                serving_model_dir=path_utils.serving_model_dir(model_dir),
                model_run_dir=artifact_utils.get_single_uri(output_dict['model_run']),
                checkpoint=checkpoint,
            )
        )
        if checkpoint:
            checkpoint.unlink(missing_ok=True)


def _digest(texts: Sequence[str], files: Sequence[str]) -> str:
    """What a checkpoint was made of; of files the content and the order count, and not the names."""
    total = hashlib.sha256(json.dumps(list(texts)).encode())
    for file in files:
        total.update(sha256_file(file).encode())
    return total.hexdigest()


def _files(artifacts: list[types.Artifact], split: str) -> list[str]:
    return [str(path) for path in sorted(any_path(artifact_utils.get_split_uri(artifacts, split)).glob('*.gz'))]


def _all_files(folder: str) -> list[str]:
    return sorted(os.path.join(where, name) for where, _, inside in fileio.walk(folder) for name in inside)
