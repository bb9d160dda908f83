# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The client of a bucket, by the scheme of its URI."""

from __future__ import annotations

from typing import Protocol

from components.errors import InputError
from components.io import cloud_storage, s3
from components.io.files import scheme


class Store(Protocol):
    """What `cloud_storage` and `s3` both have; see there."""

    def listing(self, bucket: str, prefix: str) -> tuple[list[tuple[str, bytes]], list[str]]:
        """Objects and folders directly below a prefix."""

    def first(self, bucket: str, prefix: str) -> tuple[str, bytes] | None:
        """The first object below a prefix."""

    def download(self, bucket: str, name: str, max_bytes: int) -> bytes:
        """The content of an object."""

    def create(self, uri: str, file: str) -> None:
        """Uploads a file, unless there is such an object."""

    def check_bucket(self, setting: str, uri: str, write: bool = False) -> None:
        """Checks that a bucket is accessible."""

    def errors(self) -> tuple[type[Exception], ...]:
        """Exceptions of the client."""

    def input_error(self, error: Exception, what: str, bucket: str, permission: str) -> InputError:
        """One line for one of them."""


def of(uri: str) -> Store:
    """The client for a URI, or for its scheme alone."""
    return s3 if scheme(uri) == 's3://' else cloud_storage
