# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Opens the user's files with one error line for everything that can be wrong with a path."""

from __future__ import annotations

import contextlib
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
