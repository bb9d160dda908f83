# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Opens the user's files with one error line for everything that can be wrong with a path."""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
from collections.abc import Iterator

from components.errors import InputError


@contextlib.contextmanager
def reading(path: str | os.PathLike[str], what: str) -> Iterator[int]:
    """Yields the size of a regular file in bytes, and turns errors of the system inside the block into InputError.

    Args:
      path: the file.
      what: its kind for messages, with an article: 'a prototxt'.
    """
    expected = f'{os.fspath(path)}: expected {what}'
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            kind = 'a folder' if stat.S_ISDIR(status.st_mode) else 'not a regular file'
            raise InputError(f'{expected}, found {kind}; give the path of the file')
        yield status.st_size
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f'{expected}, found no such file; check the path') from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f'{expected}, cannot read it: {reason}') from None


def download_problem(head: bytes) -> str:
    """Names what a failed download left in place of a file, from its first bytes; '' if nothing is wrong."""
    if head.startswith(b'version https://git-lfs'):
        return 'a Git LFS pointer; fetch the file itself with git lfs pull'
    start = head.removeprefix(b'\xef\xbb\xbf').lstrip().lower()
    if start.startswith((b'<!doctype html', b'<html')) or (start[:1] == b'<' and b'<html' in start):
        return 'a web page; the download failed, try it again'
    return ''


def map_caffemodel(path: str | os.PathLike[str]) -> mmap.mmap:
    """Maps a .caffemodel into memory, read-only.

    Raises:
      InputError: the file cannot be read, is empty, or is what users commonly have in place of a .caffemodel.
    """
    with reading(path, 'a .caffemodel') as size:
        if not size:
            raise InputError(f'{path}: expected a .caffemodel, found an empty file; download it again')
        with open(path, 'rb') as stream:
            data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    head = data[:512]
    found = download_problem(head)
    if not found and all(byte >= 32 or byte in b'\t\r\n' for byte in head) and b':' in head and len(data) < 64 << 20:
        found = 'text; are PROTOTXT and CAFFEMODEL swapped?'
    if found:
        raise InputError(f'{path}: expected a .caffemodel, found {found}')
    return data
