# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What FineTuner hands to the function that trains, as TFX's Trainer hands `FnArgs` to its `run_fn`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.fine_tuner.settings import Settings


@dataclass(frozen=True)
class FunctionArgs:
    """The arguments of a `run_fn`.

    Attributes:
      settings: how to train.
      custom_config: plain values for the function.
      train_files: gzip-compressed TFRecord files of tf.Example with the image and the label.
      validation_files: those of the validation split.
      transform_output: folder of the TransformGraph.
      base_file: the base as `.keras`.
      head_file: the head as `.keras`.
      model_dir: gets `names.BASE_FILE` and `names.HEAD_FILE` as they were trained.
      serving_model_dir: gets the SavedModel.
      model_run_dir: gets `names.HISTORY_FILE`.
      checkpoint: the file to resume from and to write after each epoch; None keeps no checkpoints.
    """

    settings: Settings
    custom_config: Mapping[str, Any]
    train_files: Sequence[str]
    validation_files: Sequence[str]
    transform_output: str
    base_file: str
    head_file: str
    model_dir: str
    serving_model_dir: str
    model_run_dir: str
    checkpoint: Path | None
