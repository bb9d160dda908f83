# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Directory trees to read: a local folder, or a folder of a bucket in Cloud Storage or S3.

A bucket has no folders; object names up to a '/' act as one. Listing transfers only names, sizes and checksums.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple, Protocol

from components.errors import InputError
from components.io import stores
from components.io.files import bucket_and_name, in_bucket, printable, scheme

_SCHEME = re.compile(r'[A-Za-z][A-Za-z0-9+.-]*://')
# https://cloud.google.com/storage/docs/buckets#naming
_BUCKET_NAME = re.compile(r'[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]')


class Entry(NamedTuple):
    """An item of a folder.

    `is_folder` follows links. `checksum` is the listed checksum, or b'' if there is none.
    """

    name: bytes
    is_folder: bool
    is_link: bool = False
    checksum: bytes = b''


class Tree(Protocol):
    """Files below a root. Paths are bytes relative to it; b'' is the root itself.

    Attributes:
      uniform_access: one permission covers every folder, so a folder that can be listed proves that all can.
    """

    uniform_access: bool

    def printable(self, path: bytes = b'') -> str:
        """The full path or URI, for messages."""

    def entries(self, folder: bytes) -> list[Entry]:
        """The content of a folder, sorted by name.

        Raises:
          InputError: the folder cannot be listed.
        """

    def is_folder(self, path: bytes) -> bool:
        """Whether this folder exists."""

    def exists(self, path: bytes) -> bool:
        """Whether a file, folder or link with exactly this name exists."""

    def outside_target(self, path: bytes) -> bytes | None:
        """The target of a path, with all links followed, if it is outside the root; None if it is inside."""

    def stream(self, path: bytes, max_bytes: int) -> BinaryIO:
        """Opens a file; raises the same as `read`."""

    def read(self, path: bytes, max_bytes: int) -> bytes:
        """The content of a file.

        Raises:
          FileNotFoundError: it does not exist.
          IsADirectoryError: it is not a regular file but e.g. a pipe, which could block.
          OverflowError: it is longer than `max_bytes`.
          OSError: it cannot be read.
          InputError: the bucket rejects the credentials.
          TemporaryError: the bucket does not answer or refuses access.
        """

    def digest(self, path: bytes, entry: Entry | None) -> bytes:
        """A digest that changes with the file's content; `entry` is its item of a listing, if there was one."""


def is_uri(text: str) -> bool:
    """Whether a data root is a URI, of any scheme."""
    return _SCHEME.match(text) is not None


def open_tree(data_root: str) -> Tree:
    """The tree at a path or a URI of gs:// or s3://; neither lists nor reads anything.

    Raises:
      InputError: the URI does not name a folder of a bucket.
    """
    if in_bucket(data_root):
        return _BucketTree(data_root)
    if is_uri(data_root):
        raise InputError(
            f'data root {printable(data_root)}: expected a local folder, gs://BUCKET/FOLDER or s3://BUCKET/FOLDER'
        )
    return _LocalTree(data_root)


class _LocalTree:
    """A local folder."""

    uniform_access = False

    def __init__(self, root: str):
        self._root = os.fsencode(root)

    def printable(self, path: bytes = b'') -> str:
        return printable(self._full(path))

    def entries(self, folder: bytes) -> list[Entry]:
        try:
            with os.scandir(self._full(folder)) as found:
                return sorted(Entry(entry.name, _is_folder(entry), entry.is_symlink()) for entry in found)
        except OSError as error:
            raise InputError(
                f'folder {self.printable(folder)} cannot be listed: {error.strerror}; '
                'grant read and execute permission on it or move it out of the data root'
            ) from None

    def is_folder(self, path: bytes) -> bool:
        return os.path.isdir(self._full(path))

    def exists(self, path: bytes) -> bool:
        return os.path.lexists(self._full(path))

    def outside_target(self, path: bytes) -> bytes | None:
        root, target = os.path.realpath(self._root), os.path.realpath(self._full(path))
        inside = os.path.join(target, b'').startswith(os.path.join(root, b''))
        return None if inside else target

    def stream(self, path: bytes, max_bytes: int) -> BinaryIO:
        stream = open(self._full(path), 'rb', opener=_opener)  # noqa: SIM115
        status = os.fstat(stream.fileno())
        if stat.S_ISREG(status.st_mode) and status.st_size <= max_bytes:
            return stream
        stream.close()
        if not stat.S_ISREG(status.st_mode):
            raise IsADirectoryError('not a regular file')
        raise OverflowError(f'{status.st_size:,} bytes; the limit is {max_bytes:,}')

    def read(self, path: bytes, max_bytes: int) -> bytes:
        with self.stream(path, max_bytes) as stream:
            data = stream.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise OverflowError(f'grew while it was read; the limit is {max_bytes:,} bytes')
        return data

    def digest(self, path: bytes, entry: Entry | None) -> bytes:
        try:
            with open(self._full(path), 'rb', opener=_opener) as stream:
                if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                    return b'not a file'
                return hashlib.file_digest(stream, 'sha256').digest()
        except OSError:
            return b'unreadable'

    def _full(self, path: bytes) -> bytes:
        return os.path.join(self._root, path) if path else self._root


class _BucketTree:
    """A folder of a bucket. Holds no connection, so it can be pickled.

    Args:
      root: SCHEME://BUCKET or SCHEME://BUCKET/FOLDER.

    Raises:
      InputError: the URI is malformed.
    """

    uniform_access = True

    def __init__(self, root: str):
        self._scheme = scheme(root)
        self._bucket, folder = bucket_and_name(root)
        try:
            root.encode()  # object names are UTF-8
        except UnicodeEncodeError:
            self._bucket = ''
        if not _BUCKET_NAME.fullmatch(self._bucket):
            raise InputError(
                f'data root {printable(root)} does not name a folder of a bucket; expected '
                f'{self._scheme}BUCKET/FOLDER, where BUCKET consists of lower-case letters, digits, "-", "_" and "."'
            )
        folder = folder.rstrip('/')
        self._prefix = f'{folder}/' if folder else ''

    def printable(self, path: bytes = b'') -> str:
        return printable(f'{self._scheme}{self._bucket}/{self._name(path)}'.rstrip('/'))

    def entries(self, folder: bytes) -> list[Entry]:
        # Skips the object named like the folder, which only marks an empty one.
        prefix = self._folder_prefix(folder)
        with self._listing_errors():
            objects, below = self._store.listing(self._bucket, prefix)
        files = [Entry(name[len(prefix) :].encode(), False, checksum=sum_) for name, sum_ in objects if name != prefix]
        folders = [Entry(name[len(prefix) : -1].encode(), True) for name in below]
        return sorted(files + folders)

    def is_folder(self, path: bytes) -> bool:
        # The root of a bucket always exists.
        prefix = self._folder_prefix(path)
        with self._listing_errors():
            return self._store.first(self._bucket, prefix) is not None or not prefix

    def exists(self, path: bytes) -> bool:
        return self._find(path) is not None

    def outside_target(self, path: bytes) -> bytes | None:
        return None

    def stream(self, path: bytes, max_bytes: int) -> BinaryIO:
        return io.BytesIO(self.read(path, max_bytes))

    def read(self, path: bytes, max_bytes: int) -> bytes:
        return stores.download(f'{self._scheme}{self._bucket}/{self._name(path)}', max_bytes)

    def digest(self, path: bytes, entry: Entry | None) -> bytes:
        if entry is not None:
            return entry.checksum
        return self._find(path) or b'unreadable'

    @property
    def _store(self) -> stores.Store:
        return stores.of(self._scheme)

    def _find(self, path: bytes) -> bytes | None:
        """The checksum of the object with this name, or None."""
        name = self._name(path).rstrip('/')
        with self._listing_errors():
            # A name sorts before all longer names that start with it.
            first = self._store.first(self._bucket, name)
        return first[1] if first is not None and first[0] == name else None

    def _name(self, path: bytes) -> str:
        # Listed paths are UTF-8; other bytes come from the configuration and match no object.
        return self._prefix + path.decode(errors='replace')

    def _folder_prefix(self, folder: bytes) -> str:
        return self._name(folder) + ('/' if folder else '')

    @contextmanager
    def _listing_errors(self) -> Iterator[None]:
        try:
            yield
        except self._store.errors() as error:
            permission = 'the role Storage Object Viewer' if self._scheme == 'gs://' else 'to list and read objects'
            raise self._store.input_error(error, f'data root {self.printable()}', self._bucket, permission) from None


def _opener(path: str | bytes, flags: int) -> int:
    # Without O_NONBLOCK, opening a pipe that has no writer blocks forever. Regular files are unaffected.
    return os.open(path, flags | os.O_NONBLOCK)


def _is_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or into a folder without permission
        return False
