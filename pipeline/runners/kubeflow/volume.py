# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Tries to read and write the volume, because Kubeflow gives it no group (fsGroup): its owner may not be ours."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from components.errors import InputError


def check_readable(path: Path) -> None:
    """Reads one byte of a file, or of the first file below a folder; passes if there is none.

    Raises:
      InputError: this user may not; the message names the owner.
    """
    try:
        if path.is_dir():
            below = (Path(folder, files[0]) for folder, _, files in os.walk(path, onerror=_raise) if files)
            path = next(below, path)
        if path.is_file():
            with path.open('rb') as file:
                file.read(1)
    except PermissionError as error:
        raise InputError(f'{path}: {_refusal("read", Path(error.filename))}') from None


def check_writable(folder: Path) -> None:
    """Writes a temporary file to a folder, or to the parent that it would be made in, and removes it.

    Raises:
      InputError: that failed, or only / exists; if this user may not, the message names the owner.
    """
    place = folder
    try:
        while not place.is_dir():
            place = place.parent
        if place == Path(place.anchor):
            raise InputError(f'{folder}: no parent of it exists; mount a volume there (kubeflow.claim, kubeflow.mount)')
        with tempfile.TemporaryFile(dir=place):
            pass
    except PermissionError:
        raise InputError(f'{folder}: {_refusal("write to", place)}') from None
    except OSError as error:
        raise InputError(f'{folder}: cannot write to {place} ({error.strerror})') from None


def _refusal(verb: str, path: Path) -> str:
    user, group = os.geteuid(), os.getegid()
    try:
        status = path.stat()
        owner = f' (owner {status.st_uid}:{status.st_gid}, mode {status.st_mode & 0o7777:o})'
    except OSError:
        owner = ''
    return f'user {user} may not {verb} {path}{owner}; run "chown -R {user}:{group} {path}" where the volume is'


def _raise(error: OSError) -> None:
    raise error
