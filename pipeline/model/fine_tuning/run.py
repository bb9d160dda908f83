# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""FineTuner's training function: trains base and head together and exports them as one SavedModel."""

from __future__ import annotations

import os

import keras
import tensorflow_transform as tft

from components import names
from components.embedding_gen import base_model
from components.embedding_gen.embedder import Embedder
from components.embedding_gen.settings import Settings as EmbeddingSettings
from components.fine_tuner.function_args import FunctionArgs
from components.io.files import atomic_path, local_file, write_text
from pipeline.model import export, preprocessing
from pipeline.model.fine_tuning import batches, training
from pipeline.model.settings import TrainerSettings, TransformSettings


def run_fn(args: FunctionArgs) -> None:
    """Trains base and head, and writes both, their SavedModel, and the history.

    Training is in float32. `args.custom_config` has the sections `trainer`, for its seed and class weights,
    `embedding`, for the validation and the exported model, and `transform`, for the base's input.
    """
    settings = args.settings
    trainer = TrainerSettings.from_dict(args.custom_config['trainer'])
    embedding = EmbeddingSettings.from_dict(args.custom_config['embedding'])
    base = base_model.load(args.base_file)
    with local_file(args.head_file) as file:
        head = keras.models.load_model(file, compile=False, safe_mode=True)
    transform = tft.TFTransformOutput(args.transform_output).transform_features_layer()
    base_input = TransformSettings.from_dict(args.custom_config['transform'])
    mean = preprocessing.mean_image(transform, base_input)
    train, validation = (
        batches.Batches(files, mean, settings.batch_size, base_input)
        for files in (args.train_files, args.validation_files)
    )
    training.unfreeze(base, str(settings.unfreeze_from))
    history = training.FineTuning(base, head, train, validation, settings, trainer, embedding, args.checkpoint).run()

    base.trainable = False
    for name, trained in ((names.BASE_FILE, base), (names.HEAD_FILE, head)):
        with atomic_path(os.path.join(args.model_dir, name)) as temporary:
            trained.save(temporary)
    export.export(export.GenderModel(Embedder(base, transform, embedding), head), args.serving_model_dir)
    write_text(os.path.join(args.model_run_dir, names.HISTORY_FILE), history.to_json())
