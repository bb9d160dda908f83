# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The file system for s3://, of stores such as AWS, SeaweedFS and MinIO.

Credentials, region and endpoint come from where botocore finds them: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL, files in ~/.aws, or the pod's role. TensorFlow cannot open s3://.
"""

from __future__ import annotations

import functools
import os
import re
from typing import Any

from components.errors import InputError

_TIMEOUT_S = 20  # to connect, and between two packets
_ATTEMPTS = 4  # of a request, with growing pauses of some seconds
_MAX_REASON_LENGTH = 300


@functools.cache
def configure() -> None:
    """Sets how fsspec makes its file system, for us and for `etils.epath`.

    Raises:
      InputError: s3fs is not installed.
    """
    try:
        import fsspec
        import s3fs
    except ImportError:
        raise InputError('s3:// needs the package s3fs: install face-gender-pipeline[pipeline]') from None
    fsspec.config.conf['s3'] = {
        'use_listings_cache': False,  # other processes write too
        'config_kwargs': {
            'connect_timeout': _TIMEOUT_S,
            'read_timeout': _TIMEOUT_S,
            'retries': {'mode': 'standard', 'max_attempts': _ATTEMPTS},
            # Stores beside AWS have no host name for each bucket, and some refuse its newer checksums.
            's3': {'addressing_style': 'path' if endpoint() else 'auto'},
            'request_checksum_calculation': 'when_required',
            'response_checksum_validation': 'when_required',
        },
    }
    s3fs.S3FileSystem.retries = 2  # its own, of each of these


def filesystem() -> Any:
    """The `s3fs.S3FileSystem`; fsspec makes one for each process and thread."""
    configure()
    import fsspec

    return fsspec.filesystem('s3')


def path(uri: str, *more: str) -> Any:
    """A path of s3:// with the methods of `pathlib.Path`, an `etils.epath.Path`."""
    return _path_class()(uri, *more)


@functools.cache
def _path_class() -> Any:
    configure()
    from etils.epath import backend, gpath

    class S3Path(gpath.PosixGPath):  # type: ignore[misc]
        """epath asks TensorFlow for every scheme where that is installed."""

        _backend = backend.fsspec_backend

    return S3Path


def endpoint() -> str:
    """The address of the store; '' for AWS."""
    return os.environ.get('AWS_ENDPOINT_URL_S3') or os.environ.get('AWS_ENDPOINT_URL') or ''


def errors() -> tuple[type[Exception], ...]:
    """Exceptions that the file system raises; answers of the store are OSErrors."""
    import aiohttp
    from botocore import exceptions
    from fsspec.exceptions import FSTimeoutError

    return (OSError, exceptions.BotoCoreError, exceptions.ClientError, aiohttp.ClientError, FSTimeoutError)


def reason(error: Exception) -> str:
    """The error's message on one line of limited length."""
    # Without the query of a URL, which has long signatures.
    text = ' '.join(re.sub(r'\?[^"\s]*', '', str(error)).split()) or type(error).__name__
    return text if len(text) <= _MAX_REASON_LENGTH else text[:_MAX_REASON_LENGTH] + ' …'
