# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Numbered versions of a model under one folder, as TensorFlow Serving watches it.

A push knows the file systems that TFX knows, through its `fileio`; looking and rolling back are for this machine's and
need no TFX.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from components.errors import InputError

#: Where a rollback puts versions: not a number, so that servers do not see it.
WITHDRAWN = 'withdrawn'
_PARTIAL = '.partial-'


def existing(base_directory: str) -> list[int]:
    """The versions under a serving directory, ascending; other names are not versions."""
    from tfx.dsl.io import fileio

    return _numbers(fileio.listdir(base_directory)) if fileio.exists(base_directory) else []


def served(base_directory: Path) -> list[int]:
    """The versions in a folder of this machine, ascending; a server takes the last.

    Raises:
      InputError: it is no serving directory.
    """
    found = _numbers(item.name for item in base_directory.iterdir()) if base_directory.is_dir() else []
    if not found:
        raise InputError(f'--model {base_directory}: holds no version; give serving/NAME of a run directory')
    return found


def withdrawn(base_directory: Path) -> list[int]:
    """The versions that rollbacks have put aside, ascending."""
    folder = base_directory / WITHDRAWN
    return _numbers(item.name for item in folder.iterdir()) if folder.is_dir() else []


def rollback(base_directory: Path, to: int | None = None) -> int:
    """Makes an older version, or one that was withdrawn, the newest one served; deletes nothing.

    Servers take the highest number, so every higher one is renamed into `WITHDRAWN`, the highest first, and a withdrawn
    `to` is renamed back before that: at every moment there is a whole version to serve, and a rollback that was killed
    is finished by calling it again.

    Args:
      base_directory: the folder of versions.
      to: the version; None for the one before the newest.

    Returns:
      The version that is now the newest.

    Raises:
      InputError: there is no such version, or only one, or the folder cannot be changed.
    """
    here, aside = served(base_directory), withdrawn(base_directory)
    if to is None:
        if len(here) < 2:
            raise InputError(f'--model {base_directory}: has only version {here[0]}; there is none to go back to')
        to = here[-2]
    if to not in here and to not in aside:
        known = ', '.join(map(str, sorted(here + aside)))
        raise InputError(f'--to {to}: there is no such version in {base_directory} (there are {known})')
    folder = base_directory / WITHDRAWN
    try:
        folder.mkdir(exist_ok=True)
        if to not in here:
            (folder / str(to)).rename(base_directory / str(to))
        for version in reversed(here):
            if version > to:
                (base_directory / str(version)).rename(folder / str(version))
    except OSError as error:
        raise InputError(f'--model {base_directory}: cannot be changed ({error.strerror})') from None
    return to


def _numbers(names: Iterable[str]) -> list[int]:
    plain = (name.strip('/') for name in names)
    return sorted(int(name) for name in plain if name.isascii() and name.isdigit())


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
    from tfx.dsl.io import fileio
    from tfx.utils import io_utils

    # Also higher than what was withdrawn: a number never stands for two models.
    taken = existing(base_directory) + existing(os.path.join(base_directory, WITHDRAWN))
    version = str(max([int(time.time()), *(number + 1 for number in taken)]))
    fileio.makedirs(base_directory)
    for name in fileio.listdir(base_directory):
        if name.startswith(_PARTIAL):  # left by a push that was killed; runs on one directory exclude each other
            fileio.rmtree(os.path.join(base_directory, name))
    partial = os.path.join(base_directory, _PARTIAL + version)
    target = os.path.join(base_directory, version)
    io_utils.copy_dir(model_dir, partial)
    fileio.rename(partial, target)
    return target, version
