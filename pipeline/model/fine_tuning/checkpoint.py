# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The file from which fine-tuning resumes, and the history of its epochs.

Compared with `keras.callbacks.BackupAndRestore` of Keras 3.15: a small model with dropout, interrupted after three of
six epochs, ended with weights that differed by up to 0.08 from those of an uninterrupted training (without dropout they
were equal). Here they are equal bit for bit, with dropout too.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from components.io.files import atomic_path, local_file


@dataclass
class History:
    """The measures by epoch, the content of `names.HISTORY_FILE`."""

    start: dict[str, float]  #: 'val_loss' and 'val_accuracy' before the first epoch
    accuracy: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    kept_epoch: int = 0  #: the epoch whose weights are kept, counted from 1; 0 for those before the first

    def to_json(self) -> str:
        """The history as JSON; its keys are the attributes."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads the JSON of `to_json`."""
        return cls(**json.loads(text))


def save(path: Path, history: History, arrays: Sequence[np.ndarray]) -> None:
    """Writes a checkpoint, a `.npz` file, also in a bucket; a killed write leaves the previous one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        np.savez(temporary, np.array(history.to_json()), *arrays)


def load(path: Path) -> tuple[History, list[np.ndarray]]:
    """Reads a checkpoint of `save`."""
    with local_file(path) as file, np.load(file, allow_pickle=False) as stored:
        history, *arrays = (stored[f'arr_{number}'] for number in range(len(stored.files)))
    return History.from_json(str(history)), arrays
