# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a temporary path beside `path`; renames it onto `path` when the block ends without an exception.

    The temporary name starts with a dot and keeps the suffix, because writers such as Keras choose the format by it.
    On an exception the temporary file is removed and `path` stays as it was. Two who write one path at a time, such as
    a worker that was given up for lost and the one in its place, do not share a temporary file.

    Raises:
      OSError: the directory cannot be written or the disk is full.
    """
    target = Path(path)
    temporary = target.with_name(f'.{target.stem}.{uuid.uuid4().hex[:12]}.partial{target.suffix}')
    try:
        yield temporary
        # The data must be on disk before the name is: otherwise a power cut leaves a whole name on an empty file.
        with open(temporary, 'rb') as written:
            os.fsync(written.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes `text` as UTF-8 to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding='utf-8')


def sha256_file(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's content as 64 hexadecimal digits, read in blocks."""
    with open(path, 'rb') as stream:
        return hashlib.file_digest(stream, 'sha256').hexdigest()
