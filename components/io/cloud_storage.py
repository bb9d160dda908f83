# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Google Cloud Storage: one client per process, one wording of its errors, and a check that a bucket is usable."""

from __future__ import annotations

import errno
import functools
import gzip
import io
import logging
import os
import re
import uuid
import warnings
import zlib
from typing import Any

from components.errors import InputError, TemporaryError
from components.io.files import bucket_and_name, printable

_CHECK_TIMEOUT_S = 30  # per request
_LISTED_FIELDS = 'items(name,size,crc32c,md5Hash),prefixes,nextPageToken'
_RETRY_S = 120.0  # the library's default
_MAX_REASON_LENGTH = 300


def listing(bucket: str, prefix: str) -> tuple[list[tuple[str, bytes]], list[str]]:
    """Objects directly below a prefix, with checksum and size, and the prefixes of the folders there."""
    found = _list(bucket, prefix=prefix, delimiter='/')
    objects = [(blob.name, _checksum(blob)) for blob in found]
    return objects, list(found.prefixes)


def first(bucket: str, prefix: str) -> tuple[str, bytes] | None:
    """The first object whose name begins with a prefix, with checksum and size, or None."""
    return next(((blob.name, _checksum(blob)) for blob in _list(bucket, prefix=prefix, max_results=1)), None)


def _list(bucket: str, **options: Any) -> Any:
    return _client(os.getpid()).list_blobs(bucket, fields=_LISTED_FIELDS, retry=_retry(), **options)


def _checksum(blob: Any) -> bytes:
    # CRC-32C first: composed objects have no MD5, and one file may be uploaded either way.
    return f'{blob.crc32c or blob.md5_hash} {blob.size}'.encode()


def download(bucket: str, name: str, max_bytes: int) -> bytes:
    """The content of an object; transfers at most `max_bytes` + 1 bytes, and decompresses objects stored as gzip.

    Raises:
      FileNotFoundError: there is no such object.
      OverflowError: it is longer than `max_bytes`.
      OSError: its gzip data is damaged.
      InputError: the bucket rejects the credentials.
      TemporaryError: the bucket does not answer or denies access.
    """
    from google.api_core import exceptions

    try:
        blob = _client(os.getpid()).bucket(bucket).blob(name)
        data = blob.download_as_bytes(start=0, end=max_bytes, raw_download=True, checksum=None, retry=_retry())
    except exceptions.NotFound:
        raise FileNotFoundError(errno.ENOENT, 'no such object') from None
    except exceptions.RequestRangeNotSatisfiable:
        return b''  # an empty object
    except errors() as error:
        path = printable(f'gs://{bucket}/{name}')
        if _is_credentials_error(error):
            raise input_error(error, path, bucket, '') from None
        # Even 403 may be temporary (too many requests). Skipping the file would change the sample.
        raise TemporaryError(
            f'{path} cannot be read: {_reason(error)}; check network and permissions, and run again'
        ) from None
    if blob.content_encoding == 'gzip' and len(data) <= max_bytes:
        try:
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(max_bytes + 1)
        except (EOFError, zlib.error) as error:
            raise OSError(f'stored as damaged gzip: {error}') from None
    if len(data) > max_bytes:
        raise OverflowError(f'longer than the limit of {max_bytes:,} bytes')
    return data


def create(uri: str, file: str) -> None:
    """Uploads a file, unless there is such an object: the store decides, so one of several writers succeeds.

    Raises:
      FileExistsError: there is one.
      OSError: the bucket cannot be written.
    """
    from google.api_core import exceptions

    bucket, name = bucket_and_name(uri)
    try:
        blob = _client(os.getpid()).bucket(bucket).blob(name)
        blob.upload_from_filename(file, if_generation_match=0, retry=_retry())
    except exceptions.PreconditionFailed:
        raise FileExistsError(errno.EEXIST, 'exists', uri) from None
    except errors() as error:
        raise OSError(errno.EIO, _reason(error), uri) from None


@functools.cache
def check_bucket(setting: str, uri: str, write: bool = False) -> None:
    """Checks once per process that a bucket exists and is accessible.

    TensorFlow and Beam treat most failures as temporary and retry for minutes.

    Args:
      setting: for messages, e.g. the configuration key.
      uri: gs://BUCKET or a folder in it.
      write: also create an object there and delete it.

    Raises:
      InputError: there are no credentials, no such bucket, or no permission.
    """
    bucket, folder = bucket_and_name(uri)
    options = {'timeout': _CHECK_TIMEOUT_S, 'retry': None}
    try:
        # Dataflow jobs need this permission, and Beam requests the bucket first.
        found = _new_client().get_bucket(bucket, **options)
        if write:
            blob = found.blob(os.path.join(folder, f'.write-check-{uuid.uuid4().hex}'))
            blob.upload_from_string(b'', **options)
            blob.delete(**options)
    except errors() as error:
        needed = 'storage.buckets.get and the role Storage Object Admin'
        raise input_error(error, f'{setting} {uri}', bucket, needed) from error


def errors() -> tuple[type[Exception], ...]:
    """Exceptions that the client raises; its transport raises OSErrors."""
    import urllib3
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth

    return (api.GoogleAPIError, auth.GoogleAuthError, OSError, urllib3.exceptions.HTTPError)


def input_error(error: Exception, what: str, bucket: str, permission: str) -> InputError:
    """One line for an exception of the client.

    Args:
      error: one of `errors`.
      what: what the message is about, e.g. 'data root gs://faces'.
      bucket: its name.
      permission: what to grant if access is denied.
    """
    from google.api_core import exceptions as api

    why = _reason(error)
    if _is_credentials_error(error):
        text = (
            f'no valid Google Cloud credentials ({why}); run "gcloud auth application-default login", or set '
            'GOOGLE_APPLICATION_CREDENTIALS to a key file'
        )
    elif isinstance(error, api.NotFound):
        text = f'bucket {bucket} does not exist; create it or correct the name'
    elif isinstance(error, api.Forbidden):
        text = f'access to bucket {bucket} is denied ({why}); grant this account {permission} on it'
    else:
        text = f'Cloud Storage does not answer for bucket {bucket} ({why}); check the network and run again'
    return InputError(f'{what}: {text}')


def _is_credentials_error(error: Exception) -> bool:
    """Whether credentials are missing or invalid, which affects every request."""
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth

    if isinstance(error, auth.GoogleAuthError):
        return not isinstance(error, auth.TransportError)
    return isinstance(error, api.Unauthorized)


def _reason(error: Exception) -> str:
    """The error's message on one line of limited length."""
    # After a failed download, the library also lists the status codes that it expected.
    text = re.sub(r"\('Request failed with status code', ([0-9]+), .*", r'status \1', str(error), flags=re.DOTALL)
    text = ' '.join(text.split()) or type(error).__name__
    return text if len(text) <= _MAX_REASON_LENGTH else text[:_MAX_REASON_LENGTH] + ' …'


@functools.cache
def _client(process: int) -> Any:
    """One client per process: a forked process must not write to its parent's connections."""
    return _new_client()


def _retry() -> Any:
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(_RETRY_S)


def _new_client() -> Any:
    # Only creating buckets requires a project. google.auth would warn that it found no project or quota project.
    logging.getLogger('google.auth._default').setLevel(logging.ERROR)
    warnings.filterwarnings('ignore', 'Your application has authenticated', UserWarning)
    from google.cloud import storage

    return storage.Client(project=None)
