# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The executor of FineTuner: artifacts to paths to `FineTuning`, and the export of what it trained."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components import names
from components.caffe_converter.folder import MODEL_FILE
from components.io.files import any_path, atomic_path, local_file
from pipeline import cache_key
from pipeline.model.trainer import HEAD, HISTORY


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
            - base_model: Model, the folder of `base.keras`.
            - head_model: Model, the folder of `head.keras`.
          output_dict:
            - model: Model, with `base.keras` and `head.keras` as they were trained, and the SavedModel of both.
            - model_run: ModelRun, with `history.json`, see `FineTuning.run`.
          exec_properties:
            - settings: str, JSON of the configuration's section `fine_tuning` with 'unfreeze_from', 'seed' and
              'class_weights' of `trainer`.
            - embedder: str, JSON of the further arguments of `Embedder`.
            - checkpoints: str, a folder; '' for none.

        Raises:
          InputError: the base has no layer to unfreeze from.
          RunError: a split has no images, or `class_weights` is balanced and a gender is missing.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        import keras
        import tensorflow_transform as tft

        from components.embedding_gen import embedder
        from pipeline.model import export, preprocessing
        from pipeline.model.fine_tuning import batches, checkpoint, training

        settings, further = json.loads(exec_properties['settings']), json.loads(exec_properties['embedder'])
        grid = further['pooling_grid']
        base_file = os.path.join(artifact_utils.get_single_uri(input_dict['base_model']), MODEL_FILE)
        head_file = os.path.join(artifact_utils.get_single_uri(input_dict['head_model']), HEAD)
        graph = artifact_utils.get_single_uri(input_dict['transform_graph'])
        train, validation = (_files(input_dict['examples'], split) for split in (names.TRAIN, names.VALIDATION))
        kept = None
        if exec_properties['checkpoints']:
            inputs = [base_file, head_file, *train, *validation, *_all_files(graph)]
            digest = checkpoint.key([settings, grid, cache_key.fingerprint('FineTuner')], inputs)
            kept = Path(exec_properties['checkpoints'], f'{digest}.npz')

        base = embedder.load_base(base_file)
        with local_file(head_file) as file:
            head = keras.models.load_model(file, compile=False, safe_mode=True)
        transform = tft.TFTransformOutput(graph).transform_features_layer()
        mean, size = preprocessing.mean_image(transform), settings['batch_size']
        data, measured_on = batches.Batches(train, mean, size), batches.Batches(validation, mean, size)
        training.unfreeze(base, settings['unfreeze_from'])
        model = training.whole_model(base, head, grid, settings['learning_rate'], data.steps * settings['epochs'])
        history = training.FineTuning(model, data, measured_on, settings, kept).run()

        folder = artifact_utils.get_single_uri(output_dict['model'])
        base.trainable = False
        for name, trained in ((MODEL_FILE, base), (HEAD, head)):
            with atomic_path(os.path.join(folder, name)) as temporary:
                trained.save(temporary)
        whole = embedder.Embedder(base, transform, **further)
        export.export(export.GenderModel(whole, head), path_utils.serving_model_dir(folder))
        run = artifact_utils.get_single_uri(output_dict['model_run'])
        io_utils.write_string_file(os.path.join(run, HISTORY), json.dumps(history))
        if kept:
            kept.unlink(missing_ok=True)


def _files(artifacts: list[types.Artifact], split: str) -> list[str]:
    return [str(path) for path in sorted(any_path(artifact_utils.get_split_uri(artifacts, split)).glob('*.gz'))]


def _all_files(folder: str) -> list[str]:
    return sorted(os.path.join(where, name) for where, _, inside in fileio.walk(folder) for name in inside)
