# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Numbered versions of a model under one folder, as TensorFlow Serving watches it.

Knows the file systems that TFX knows, through its `fileio`.
"""

from __future__ import annotations

import os
import time

from tfx.dsl.io import fileio
from tfx.utils import io_utils

_PARTIAL = '.partial-'


def existing(base_directory: str) -> list[int]:
    """The versions under a serving directory, ascending; other names are not versions."""
    if not fileio.exists(base_directory):
        return []
    return sorted(int(name.strip('/')) for name in fileio.listdir(base_directory) if name.strip('/').isdigit())


def push(model_dir: str, base_directory: str) -> tuple[str, str]:
    """Copies a SavedModel to a new version, which appears in one step; older versions stay.

    The number is the time in seconds since 1970, as TFX's Pusher has it, or one more than the newest version if that is
    not smaller (a clock that was set back, two pushes in a second), so that the newest version has the highest number.

    Args:
      model_dir: the SavedModel.
      base_directory: the folder of versions; made if it is not there.

    Returns:
      The folder of the new version and its number.
    """
    versions = existing(base_directory)
    version = str(max([int(time.time()), *(number + 1 for number in versions[-1:])]))
    fileio.makedirs(base_directory)
    for name in fileio.listdir(base_directory):
        if name.startswith(_PARTIAL):  # left by a push that was killed; runs on one directory exclude each other
            fileio.rmtree(os.path.join(base_directory, name))
    partial = os.path.join(base_directory, _PARTIAL + version)
    target = os.path.join(base_directory, version)
    io_utils.copy_dir(model_dir, partial)
    fileio.rename(partial, target)
    return target, version
