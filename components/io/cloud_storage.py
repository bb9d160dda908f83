# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Google Cloud Storage for `stores`: one client per process, one wording of its errors."""

from __future__ import annotations

import errno
import functools
import logging
import os
import re
import uuid
import warnings
from typing import Any

from components.errors import InputError
from components.io.files import bucket_and_name

_CHECK_TIMEOUT_S = 30  # per request
_LISTED_FIELDS = 'items(name,size,crc32c,md5Hash),prefixes,nextPageToken'
_RETRY_S = 120.0  # the library's default
_MAX_REASON_LENGTH = 300

PERMISSION = 'storage.buckets.get and the role Storage Object Admin'


def listing(bucket: str, prefix: str) -> tuple[list[tuple[str, bytes]], list[str]]:
    """See `stores.Store`."""
    found = _list(bucket, prefix=prefix, delimiter='/')
    objects = [(blob.name, _checksum(blob)) for blob in found]
    return objects, list(found.prefixes)


def first(bucket: str, prefix: str) -> tuple[str, bytes] | None:
    """See `stores.Store`."""
    return next(((blob.name, _checksum(blob)) for blob in _list(bucket, prefix=prefix, max_results=1)), None)


def _list(bucket: str, **options: Any) -> Any:
    return _client(os.getpid()).list_blobs(bucket, fields=_LISTED_FIELDS, retry=_retry(), **options)


def _checksum(blob: Any) -> bytes:
    # CRC-32C first: composed objects have no MD5, and one file may be uploaded either way.
    return f'{blob.crc32c or blob.md5_hash} {blob.size}'.encode()


def read(bucket: str, name: str, max_bytes: int) -> tuple[bytes, bool]:
    """See `stores.Store`."""
    from google.api_core import exceptions

    try:
        blob = _client(os.getpid()).bucket(bucket).blob(name)
        data = blob.download_as_bytes(start=0, end=max_bytes, raw_download=True, checksum=None, retry=_retry())
    except exceptions.NotFound:
        raise FileNotFoundError from None
    except exceptions.RequestRangeNotSatisfiable:
        return b'', False  # an empty object
    return data, blob.content_encoding == 'gzip'


def create(uri: str, file: str) -> None:
    """See `stores.Store`."""
    from google.api_core import exceptions

    bucket, name = bucket_and_name(uri)
    try:
        blob = _client(os.getpid()).bucket(bucket).blob(name)
        blob.upload_from_filename(file, if_generation_match=0, retry=_retry())
    except exceptions.PreconditionFailed:
        raise FileExistsError(errno.EEXIST, 'exists', uri) from None
    except errors() as error:
        raise OSError(errno.EIO, reason(error), uri) from None


def probe(bucket: str, folder: str, write: bool) -> None:
    """See `stores.Store`."""
    options = {'timeout': _CHECK_TIMEOUT_S, 'retry': None}
    # Dataflow jobs need this permission, and Beam requests the bucket first.
    found = _new_client().get_bucket(bucket, **options)
    if write:
        blob = found.blob(os.path.join(folder, f'.write-check-{uuid.uuid4().hex}'))
        blob.upload_from_string(b'', **options)
        blob.delete(**options)


def errors() -> tuple[type[Exception], ...]:
    """Exceptions that the client raises; its transport raises OSErrors."""
    import urllib3
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth

    return (api.GoogleAPIError, auth.GoogleAuthError, OSError, urllib3.exceptions.HTTPError)


def input_error(error: Exception, what: str, bucket: str, permission: str) -> InputError:
    """See `stores.Store`."""
    from google.api_core import exceptions as api

    why = reason(error)
    if is_credentials_error(error):
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


def is_credentials_error(error: Exception) -> bool:
    """See `stores.Store`."""
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth

    if isinstance(error, auth.GoogleAuthError):
        return not isinstance(error, auth.TransportError)
    return isinstance(error, api.Unauthorized)


def reason(error: Exception) -> str:
    """See `stores.Store`."""
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
