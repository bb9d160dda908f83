# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A run directory: its lock, its identity, and links to inputs by content."""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from components.errors import InputError
from components.io.files import write_text


def check_apart(output: Path, data: Path | str) -> None:
    """Raises InputError if the run directory is inside the folder of data, or the other way round; writes nothing."""
    if isinstance(data, str):
        return
    run, faces = output.resolve(), data.resolve()
    if run.is_relative_to(faces) or faces.is_relative_to(run):
        raise InputError(
            f'--output {output}: this and --data {data} are inside one another; give a directory outside the data'
        )


@contextlib.contextmanager
def exclusive(output: Path) -> Iterator[None]:
    """Creates the run directory if needed and locks it. The kernel releases the lock when the process dies.

    Raises:
      InputError: the directory is not writable, or another run holds the lock.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        handle = os.open(output / '.lock', os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise InputError(
            f'--output {output}: not writable ({error.strerror}); give a directory you can write to'
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(handle, 20).decode(errors='replace').strip() or 'unknown'
            raise InputError(
                f'--output {output}: another run (process {owner}) is using it; wait, or give another directory'
            ) from None
        with contextlib.suppress(OSError):  # a full disk; the number only helps others
            os.truncate(handle, 0)
            os.write(handle, f'{os.getpid()}\n'.encode())
        yield
    finally:
        os.close(handle)


def identity(output: Path, create: bool = True) -> str:
    """Returns the run directory's unique id, 16 hexadecimal digits, or '' without one.

    Args:
      output: the run directory.
      create: gives the directory an id on the first call.
    """
    file = output / '.id'
    if not file.is_file():
        if not create:
            return ''
        write_text(file, uuid.uuid4().hex[:16])
    return file.read_text('utf-8')


def by_content(output: Path, source: Path | str, sha256: str, create: bool = True) -> str:
    """Returns a path for `source` that depends on its content only, so that moving an input keeps the cache valid.

    Args:
      output: the run directory.
      source: a file or folder, or the URI of a bucket folder as a string.
      sha256: the digest of its content.
      create: whether to make the link.

    Returns:
      The absolute path of a symbolic link `inputs/<sha256><suffix>` in the run directory. A URI is returned unchanged.
    """
    if isinstance(source, str):
        return source.rstrip('/')
    folder = output.resolve() / 'inputs'
    link = folder / f'{sha256}{source.suffix if source.is_file() else ""}'
    if not create:
        return str(link)
    folder.mkdir(exist_ok=True)
    temporary = link.with_name(f'.{link.name}.{os.getpid()}')
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(source.resolve())
    temporary.replace(link)
    return str(link)
