# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The argument of FineTuner's training function, as `FnArgs` is that of TFX's Trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.fine_tuner.settings import Settings


@dataclass(frozen=True)
class FunctionArgs:
    """The argument of a `run_fn`; every attribute without another type is a path."""

    settings: Settings
    custom_config: Mapping[str, Any]
    train_files: Sequence[str]  #: gzip-compressed TFRecord files of tf.Example with the image and the label
    validation_files: Sequence[str]  #: the same of the validation split
    transform_output: str  #: folder of the TransformGraph
    base_file: str  #: the base, a `.keras` file
    head_file: str  #: the head, a `.keras` file
    model_dir: str  #: output: folder for the trained `names.BASE_FILE` and `names.HEAD_FILE`
    serving_model_dir: str  #: output: folder for the SavedModel
    model_run_dir: str  #: output: folder for `names.HISTORY_FILE`
    checkpoint: Path | None  #: the file to resume from and to write after each epoch; None for no checkpoints
