# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Trainer's entry point: trains the head on embeddings and exports it with the base as one SavedModel."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import tensorflow_transform as tft

from components import names
from components.embedding_gen import base_model, embedder
from components.embedding_gen.settings import Settings as EmbeddingSettings
from components.io.files import atomic_path, local_folder, write_text
from pipeline.model import export, preprocessing
from pipeline.model.head_training import read_embeddings, train_head, with_values
from pipeline.model.settings import TUNED, TrainerSettings

if TYPE_CHECKING:
    from tfx.components.trainer.fn_args_utils import FnArgs


def run_fn(fn_args: FnArgs) -> None:
    """Trains the head, exports base and head as one SavedModel, and saves the head beside it.

    Args:
      fn_args: TFX's. `train_files` and `eval_files` contain embeddings; `transform_output` is the preprocessing;
        `base_model` lies beside `base.keras`; `custom_config` has the sections `trainer` and `embedding` of the
        configuration; `hyperparameters` are Tuner's best, or None.
    """
    values = (fn_args.hyperparameters or {}).get('values', {})
    settings = with_values(TrainerSettings.from_dict(fn_args.custom_config['trainer']), values)
    embedding = EmbeddingSettings.from_dict(fn_args.custom_config['embedding'])
    train, validation = read_embeddings(fn_args.train_files), read_embeddings(fn_args.eval_files)
    with local_folder(fn_args.model_run_dir) as folder:
        trained = train_head(train, validation, settings, log_dir=str(folder))
        tuned = [name for name in TUNED if name in values]
        training = {'settings': settings.as_dict(), 'tuned': tuned, 'kept_epoch': trained.kept_epoch}
        for name, content in ((names.HISTORY_FILE, trained.history), (names.TRAINING_FILE, training)):
            write_text(folder / name, json.dumps(content))

    # `base_model` is a serving model's folder inside the artifact; CaffeConverter's artifact has a Keras file instead.
    base = base_model.load(os.path.join(os.path.dirname(fn_args.base_model), names.BASE_FILE))
    transform = tft.TFTransformOutput(fn_args.transform_output).transform_features_layer()
    preprocessing.check_analysed(transform, os.path.dirname(fn_args.train_files[0]))
    whole = embedder.Embedder(base, transform, embedding)
    export.export(export.GenderModel(whole, trained.head), fn_args.serving_model_dir)
    with atomic_path(os.path.join(os.path.dirname(fn_args.serving_model_dir), names.HEAD_FILE)) as temporary:
        trained.head.save(temporary)
