# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The executor of FineTuner: calls the training function with the paths of the artifacts."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from collections.abc import Sequence
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import names, source_digest
from components.artifacts import Artifacts, split_files
from components.fine_tuner.function_args import FunctionArgs
from components.fine_tuner.settings import Settings
from components.io.files import any_path, in_bucket, sha256_file


class Executor(base_executor.BaseExecutor):
    """Trains the upper layers of the base together with the head and exports both, as Trainer does."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs the component.

        Args:
          input_dict: `examples`, with `image` and the label in the training and validation splits; `transform_graph`,
            from {'image': string [B]} to {'image': float32 [B, H, W, 3]}; `base_model`, with `names.BASE_FILE`;
            `head_model`, with `names.HEAD_FILE`.
          output_dict: `model`, with the trained base and head under the same names, and the SavedModel; `model_run`,
            with `names.HISTORY_FILE`.
          exec_properties: `run_fn`, import path of the training function; `settings`, JSON of `Settings`;
            `custom_config`, JSON of further values for the function; `checkpoints`, a folder or ''.

        Raises:
          InputError: the base has no layer `unfreeze_from`.
          RunError: a split has no images, or lacks a gender that `class_weights` needs.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        module, _, function = exec_properties['run_fn'].rpartition('.')
        uri = artifact_utils.get_single_uri
        base_file = os.path.join(uri(input_dict['base_model']), names.BASE_FILE)
        head_file = os.path.join(uri(input_dict['head_model']), names.HEAD_FILE)
        graph = uri(input_dict['transform_graph'])
        train, validation = (split_files(input_dict['examples'], split) for split in (names.TRAIN, names.VALIDATION))
        checkpoint = None
        if exec_properties['checkpoints']:
            texts = [exec_properties['settings'], exec_properties['custom_config'], source_digest.of(module)]
            digest = _digest(texts, [base_file, head_file, *train, *validation, *_all_files(graph)])
            checkpoint = any_path(exec_properties['checkpoints'], f'{digest}.npz')
        model_dir = uri(output_dict['model'])
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
                model_run_dir=uri(output_dict['model_run']),
                checkpoint=checkpoint,
            )
        )
        if checkpoint:
            checkpoint.unlink(missing_ok=True)
            if not in_bucket(checkpoint):  # a run may have been killed while it wrote one
                for partial in checkpoint.parent.glob(f'.{digest}.*'):
                    partial.unlink(missing_ok=True)


def _digest(texts: Sequence[str], files: Sequence[str]) -> str:
    """The SHA-256 over everything that a checkpoint depends on: texts, and the content of files in their order."""
    total = hashlib.sha256(json.dumps(list(texts)).encode())
    for file in files:
        total.update(sha256_file(file).encode())
    return total.hexdigest()


def _all_files(folder: str) -> list[str]:
    return sorted(os.path.join(where, name) for where, _, inside in fileio.walk(folder) for name in inside)
