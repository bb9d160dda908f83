# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""S3 for `stores`, with one wording of its errors."""

from __future__ import annotations

import errno
import uuid
from typing import Any

from components.errors import InputError
from components.io.files import as_os_errors
from components.io.s3_filesystem import endpoint, errors, filesystem, reason

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_WRONG_CREDENTIALS = ('InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'ExpiredToken', 'NotSignedUp')

PERMISSION = 'to list, read, write and delete objects'


def listing(bucket: str, prefix: str) -> tuple[list[tuple[str, bytes]], list[str]]:
    """See `stores.Store`."""
    objects, folders = [], []
    options: dict[str, Any] = {}
    while True:
        page = filesystem().call_s3('list_objects_v2', Bucket=bucket, Prefix=prefix, Delimiter='/', **options)
        objects += [(item['Key'], _checksum(item)) for item in page.get('Contents', [])]
        folders += [item['Prefix'] for item in page.get('CommonPrefixes', [])]
        if not page.get('IsTruncated'):
            return objects, folders
        options = {'ContinuationToken': page['NextContinuationToken']}


def first(bucket: str, prefix: str) -> tuple[str, bytes] | None:
    """See `stores.Store`."""
    page = filesystem().call_s3('list_objects_v2', Bucket=bucket, Prefix=prefix, MaxKeys=1)
    return next(((item['Key'], _checksum(item)) for item in page.get('Contents', [])), None)


def read(bucket: str, name: str, max_bytes: int) -> tuple[bytes, bool]:
    """See `stores.Store`."""
    try:
        return filesystem().cat_file(f'{bucket}/{name}', start=0, end=max_bytes + 1), False
    except errors() as error:
        if _code(error) in ('InvalidRange', '416'):
            return b'', False  # an empty object
        raise


def create(uri: str, file: str) -> None:
    """See `stores.Store`."""
    with as_os_errors(uri):
        try:
            filesystem().put_file(file, uri, mode='create')
        except OSError as error:
            if isinstance(error, FileExistsError) or _code(error) == 'PreconditionFailed':
                raise FileExistsError(errno.EEXIST, 'exists', uri) from None
            raise


def probe(bucket: str, folder: str, write: bool) -> None:
    """See `stores.Store`."""
    first(bucket, folder)
    if write:
        path = '/'.join(filter(None, [bucket, folder.rstrip('/'), f'.write-check-{uuid.uuid4().hex}']))
        filesystem().pipe_file(path, b'')
        filesystem().rm_file(path)


def input_error(error: Exception, what: str, bucket: str, permission: str) -> InputError:
    """See `stores.Store`."""
    why = reason(error)
    if is_credentials_error(error):
        text = f'no valid credentials ({why}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE'
    elif isinstance(error, FileNotFoundError):
        text = f'bucket {bucket} does not exist; create it or correct the name'
    elif isinstance(error, PermissionError):
        text = f'access to bucket {bucket} is denied ({why}); grant this account the permission {permission}'.rstrip()
    else:
        where = f'the store at {endpoint()}' if endpoint() else 'AWS (AWS_ENDPOINT_URL is not set)'
        text = f'{where} does not answer for bucket {bucket} ({why}); check endpoint and network, and run again'
    return InputError(f'{what}: {text}')


def _checksum(item: dict[str, Any]) -> bytes:
    return f'{item["ETag"]} {item["Size"]}'.encode()


def _code(error: Exception) -> str:
    """The store's error code, or ''."""
    response = getattr(error.__cause__ or error, 'response', None) or {}
    return str(response.get('Error', {}).get('Code', ''))


def is_credentials_error(error: Exception) -> bool:
    """See `stores.Store`."""
    from botocore import exceptions

    missing = (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.ProfileNotFound)
    return isinstance(error, missing) or _code(error) in _WRONG_CREDENTIALS
