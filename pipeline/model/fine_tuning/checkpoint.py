# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""One file that training goes on from, written after every epoch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.io.files import atomic_path


def save(path: Path, state: dict[str, Any], arrays: Sequence[np.ndarray]) -> None:
    """Writes a checkpoint, whole or not at all.

    Args:
      path: a file that ends in `.npz`.
      state: plain values for JSON.
      arrays: numbers of any shape.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        np.savez(temporary, np.array(json.dumps(state)), *arrays)


def load(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Reads what `save` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        state, *arrays = (stored[f'arr_{number}'] for number in range(len(stored.files)))
    return json.loads(str(state)), arrays
