# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Where a data root is: a folder of this machine, or one of a bucket (`buckets`). Knows nothing of layouts."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from typing import BinaryIO, NamedTuple, Protocol

from components.errors import InputError
from components.stratified_example_gen.records import shown

_SCHEME = re.compile(r'[A-Za-z][A-Za-z0-9+.-]*://')
_BUCKET = 'gs://'


class Entry(NamedTuple):
    """A name in a folder.

    `is_folder` follows a link; `content` is what the listing itself says of the content, b'' where it says nothing.
    """

    name: bytes
    is_folder: bool
    is_link: bool = False
    content: bytes = b''


class Tree(Protocol):
    """Files below a root. Paths are bytes relative to it, b'' the root itself.

    Attributes:
      one_grant: who may list one folder may list all, so that a few listings tell as much as all of them.
    """

    one_grant: bool

    def shown(self, path: bytes = b'') -> str:
        """The whole path or URI for a message."""

    def entries(self, folder: bytes) -> list[Entry]:
        """What is in a folder, sorted by name.

        Raises:
          InputError: it cannot be listed.
        """

    def is_folder(self, path: bytes) -> bool:
        """Whether there is such a folder."""

    def exists(self, path: bytes) -> bool:
        """Whether there is anything of that very name."""

    def outside(self, path: bytes) -> bytes | None:
        """Where a path ends, all links followed, if that is outside the root; None if it is inside."""

    def stream(self, path: bytes, max_bytes: int) -> BinaryIO:
        """A file's content, to be closed; raises as `layout.read` does."""

    def read(self, path: bytes, max_bytes: int) -> bytes:
        """A file's content; see `layout.read`."""

    def digest(self, path: bytes, entry: Entry | None) -> bytes:
        """What changes with a file's content; `entry` is what a listing said of it, None where none was made."""


def is_uri(text: str) -> bool:
    """Whether a data root is written as a URI, of whatever scheme."""
    return _SCHEME.match(text) is not None


def at(data_root: str) -> Tree:
    """What is at a data root; only looks at how it is written.

    Raises:
      InputError: a URI that names no folder of a bucket.
    """
    if not is_uri(data_root):
        return LocalTree(data_root)
    if not data_root.startswith(_BUCKET):
        raise InputError(f'data root {shown(data_root)}: expected a folder of this machine or gs://BUCKET/FOLDER')
    from components.io import bucket_tree

    return bucket_tree.BucketTree(data_root)


class LocalTree:
    """A folder of this machine."""

    one_grant = False

    def __init__(self, root: str):
        self._root = os.fsencode(root)

    def shown(self, path: bytes = b'') -> str:
        """See `Tree`."""
        return shown(self._full(path))

    def entries(self, folder: bytes) -> list[Entry]:
        """See `Tree`."""
        try:
            with os.scandir(self._full(folder)) as found:
                return sorted(Entry(entry.name, _is_folder(entry), entry.is_symlink()) for entry in found)
        except OSError as error:
            raise InputError(
                f'folder {self.shown(folder)} cannot be listed: {error.strerror}; '
                'grant read and execute permission on it or move it out of the data root'
            ) from None

    def is_folder(self, path: bytes) -> bool:
        """See `Tree`."""
        return os.path.isdir(self._full(path))

    def exists(self, path: bytes) -> bool:
        """See `Tree`."""
        return os.path.lexists(self._full(path))

    def outside(self, path: bytes) -> bytes | None:
        """See `Tree`."""
        root, end = os.path.realpath(self._root), os.path.realpath(self._full(path))
        inside = os.path.join(end, b'').startswith(os.path.join(root, b''))
        return None if inside else end

    def stream(self, path: bytes, max_bytes: int) -> BinaryIO:
        """See `Tree`."""
        stream = open(self._full(path), 'rb', opener=_opener)  # noqa: SIM115
        status = os.fstat(stream.fileno())
        if stat.S_ISREG(status.st_mode) and status.st_size <= max_bytes:
            return stream
        stream.close()
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError('not a regular file')
        raise OverflowError(f'{status.st_size:,} bytes; at most {max_bytes:,} are read')

    def read(self, path: bytes, max_bytes: int) -> bytes:
        """See `Tree`."""
        with self.stream(path, max_bytes) as stream:
            data = stream.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise OverflowError(f'it grows; at most {max_bytes:,} bytes are read')
        return data

    def digest(self, path: bytes, entry: Entry | None) -> bytes:
        """The SHA-256 of the content, or why there is none."""
        try:
            with open(self._full(path), 'rb', opener=_opener) as stream:
                if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                    return b'not a file'
                return hashlib.file_digest(stream, 'sha256').digest()
        except OSError:
            return b'unreadable'

    def _full(self, path: bytes) -> bytes:
        return os.path.join(self._root, path) if path else self._root


def _opener(path: str | bytes, flags: int) -> int:
    # Opening a pipe nobody writes to would otherwise wait for ever. It does nothing to a regular file.
    return os.open(path, flags | os.O_NONBLOCK)


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or to where nobody may look
        return False
