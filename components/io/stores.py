# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Buckets: the client by the scheme of a URI, downloads, and a check that a bucket is usable."""

from __future__ import annotations

import errno
import functools
import gzip
import io
import zlib
from typing import Protocol

from components.errors import InputError, TemporaryError
from components.io import cloud_storage, s3
from components.io.files import bucket_and_name, printable, scheme


class Store(Protocol):
    """What `cloud_storage` and `s3` both have; see there.

    Attributes:
      PERMISSION: what a pipeline needs on its bucket.
    """

    PERMISSION: str

    def listing(self, bucket: str, prefix: str) -> tuple[list[tuple[str, bytes]], list[str]]:
        """Objects directly below a prefix, with checksum and size, and the prefixes of the folders there."""

    def first(self, bucket: str, prefix: str) -> tuple[str, bytes] | None:
        """The first object whose name begins with a prefix, with checksum and size, or None."""

    def read(self, bucket: str, name: str, max_bytes: int) -> tuple[bytes, bool]:
        """At most `max_bytes` + 1 bytes of an object, and whether it is stored as gzip.

        Raises:
          FileNotFoundError: there is no such object.
        """

    def create(self, uri: str, file: str) -> None:
        """Uploads a file, unless there is such an object: the store decides, so one of several writers succeeds.

        Raises:
          FileExistsError: there is one.
          OSError: the bucket cannot be written.
        """

    def probe(self, bucket: str, folder: str, write: bool) -> None:
        """Uses a bucket as the pipeline does; with `write`, also creates an object in a folder and deletes it."""

    def errors(self) -> tuple[type[Exception], ...]:
        """Exceptions of the client."""

    def reason(self, error: Exception) -> str:
        """The message of one of them on one line of limited length."""

    def is_credentials_error(self, error: Exception) -> bool:
        """Whether credentials are missing or invalid, which affects every request."""

    def input_error(self, error: Exception, what: str, bucket: str, permission: str) -> InputError:
        """One line for one of them.

        Args:
          error: one of `errors`.
          what: what the message is about, e.g. 'data root gs://faces'.
          bucket: its name.
          permission: what to grant if access is denied.
        """


def of(uri: str) -> Store:
    """The client for a URI, or for its scheme alone."""
    return s3 if scheme(uri) == 's3://' else cloud_storage


def download(uri: str, max_bytes: int) -> bytes:
    """The content of an object; transfers at most `max_bytes` + 1 bytes, and decompresses objects stored as gzip.

    Raises:
      FileNotFoundError: there is no such object.
      OverflowError: it is longer than `max_bytes`.
      OSError: its gzip data is damaged.
      InputError: the store rejects the credentials.
      TemporaryError: the store does not answer or denies access.
    """
    store, (bucket, name) = of(uri), bucket_and_name(uri)
    try:
        data, compressed = store.read(bucket, name, max_bytes)
    except FileNotFoundError:
        raise FileNotFoundError(errno.ENOENT, 'no such object') from None
    except store.errors() as error:
        if store.is_credentials_error(error):
            raise store.input_error(error, printable(uri), bucket, '') from None
        # Even 403 may be temporary (too many requests). Skipping the file would change the sample.
        raise TemporaryError(
            f'{printable(uri)} cannot be read: {store.reason(error)}; check network and permissions, and run again'
        ) from None
    if compressed and len(data) <= max_bytes:
        try:
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(max_bytes + 1)
        except (EOFError, zlib.error) as error:
            raise OSError(f'stored as damaged gzip: {error}') from None
    if len(data) > max_bytes:
        raise OverflowError(f'longer than the limit of {max_bytes:,} bytes')
    return data


@functools.cache
def check_bucket(setting: str, uri: str, write: bool = False) -> None:
    """Checks once per process that a bucket exists and is accessible.

    TensorFlow and Beam treat most failures as temporary and retry for minutes.

    Args:
      setting: for messages, e.g. the configuration key.
      uri: a bucket or a folder in it.
      write: also create an object there and delete it.

    Raises:
      InputError: there are no credentials, no such bucket, or no permission.
    """
    store, (bucket, folder) = of(uri), bucket_and_name(uri)
    try:
        store.probe(bucket, folder, write)
    except store.errors() as error:
        raise store.input_error(error, f'{setting} {uri}', bucket, store.PERMISSION) from error
