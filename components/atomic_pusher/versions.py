# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Numbered versions of a model in a serving directory, as TensorFlow Serving reads them.

`push` and `existing` also work on buckets; the other functions work on local folders. A bucket cannot rename a folder
in one step: there, a version is complete when it has its graph, which is written last.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from components.errors import InputError
from components.io import stores
from components.io.files import (
    any_path,
    atomic_path,
    folder_digests,
    folder_files,
    in_bucket,
    local_file,
    remove_folder,
    sync_folder,
)

#: Folder of versions that a rollback withdrew; servers ignore it, because its name is not a number.
WITHDRAWN = 'withdrawn'
_PARTIAL = '.partial-'
_CLAIMS = '.pushing'
_GRAPH = 'saved_model.pb'


def existing(base_directory: str) -> list[int]:
    """The complete versions in a serving directory, ascending; [] if it does not exist. Other names are ignored."""
    if in_bucket(base_directory):
        split = (name.split('/') for name in folder_files(base_directory))
        return _numbers(parts[0] for parts in split if parts[1:] == [_GRAPH])
    folder = Path(base_directory)
    return _numbers(item.name for item in folder.iterdir()) if folder.is_dir() else []


def served(base_directory: Path) -> list[int]:
    """The versions in a local serving directory, ascending; raises InputError if there is none."""
    found = _numbers(item.name for item in base_directory.iterdir()) if base_directory.is_dir() else []
    if not found:
        raise InputError(f'--model {base_directory}: no model version here; give serving/NAME of a run directory')
    return found


def withdrawn(base_directory: Path) -> list[int]:
    """The versions that rollbacks withdrew, ascending."""
    folder = base_directory / WITHDRAWN
    return _numbers(item.name for item in folder.iterdir()) if folder.is_dir() else []


def rollback(base_directory: Path, to: int | None = None) -> int:
    """Makes an older or a withdrawn version the newest one and returns it; deletes nothing.

    Servers load the highest number. A withdrawn `to` is renamed back first; then every higher version is renamed into
    `WITHDRAWN`, the highest first. A complete version is served at every moment, and a second call completes a rollback
    that was killed.

    Args:
      base_directory: the serving directory.
      to: the version to serve; None for the one before the newest.

    Raises:
      InputError: the version does not exist, there is only one, or the folder cannot be changed.
    """
    here, aside = served(base_directory), withdrawn(base_directory)
    if to is None:
        if len(here) < 2:
            raise InputError(f'--model {base_directory}: has only version {here[0]}; there is none to go back to')
        to = here[-2]
    if to not in here and to not in aside:
        known = ', '.join(map(str, sorted(here + aside)))
        raise InputError(f'--to {to}: no such version in {base_directory}; known versions: {known}')
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
    """Copies a SavedModel to a new version, which appears in one step; returns its folder and number.

    If the newest version already has exactly these files, it is the result: an earlier push was killed after the copy.

    The number is the time in seconds since 1970, as in TFX's Pusher. If a version is not older than that (the clock was
    set back, or two pushes fall into one second), it is one more than the highest number.

    Raises:
      OSError: the directory cannot be written.
    """
    # Also above withdrawn versions: a number identifies one model.
    served, aside = existing(base_directory), existing(os.path.join(base_directory, WITHDRAWN))
    if served:
        newest = os.path.join(base_directory, str(served[-1]))
        if folder_digests(newest) == folder_digests(model_dir):
            return newest, str(served[-1])
    taken = served + aside
    version = str(max([int(time.time()), *(number + 1 for number in taken)]))
    if in_bucket(base_directory):
        with _claimed(base_directory, int(version)) as claimed:
            target = os.path.join(base_directory, str(claimed))
            _upload(model_dir, target)
        return target, str(claimed)
    target = os.path.join(base_directory, version)
    base = Path(base_directory)
    base.mkdir(parents=True, exist_ok=True)
    for left in base.glob(f'{_PARTIAL}*'):  # by a killed push; two runs never use one directory at once
        remove_folder(left)
    partial = base / (_PARTIAL + version)
    _copy(model_dir, partial)
    # Data must reach the disk before the name does, and the name before the metadata say so.
    sync_folder(partial)
    partial.rename(target)
    sync_folder(target)
    return target, version


def _copy(model_dir: str, target: Path) -> None:
    for name, file in folder_files(model_dir).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        with local_file(file) as here:
            shutil.copyfile(here, target / name)


@contextlib.contextmanager
def _claimed(base_directory: str, version: int) -> Iterator[int]:
    """Yields this number, or the next that no other push has: of several writers, the store lets one create a claim."""
    with tempfile.NamedTemporaryFile() as empty:
        while True:
            claim = os.path.join(base_directory, _CLAIMS, str(version))
            try:
                stores.of(claim).create(claim, empty.name)
                if not folder_files(os.path.join(base_directory, str(version))):  # of a push that ended
                    break
            except FileExistsError:
                pass
            version += 1
    yield version
    any_path(claim).unlink(missing_ok=True)


def _upload(model_dir: str, target: str) -> None:
    files = folder_files(model_dir)
    for name in sorted(files, key=lambda name: name == _GRAPH):
        with local_file(files[name]) as here, atomic_path(os.path.join(target, name)) as there:
            shutil.copyfile(here, there)
