# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""S3: listings, downloads, one wording of its errors, and a check that a bucket is usable."""

from __future__ import annotations

import errno
import functools
import uuid
from typing import Any

from components.errors import InputError, TemporaryError
from components.io.files import as_os_errors, bucket_and_name, printable
from components.io.s3_filesystem import endpoint, errors, filesystem, reason

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_WRONG_CREDENTIALS = ('InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'ExpiredToken', 'NotSignedUp')


def listing(bucket: str, prefix: str) -> tuple[list[tuple[str, bytes]], list[str]]:
    """Objects directly below a prefix, with checksum and size, and the prefixes of the folders there."""
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
    """The first object whose name begins with a prefix, with checksum and size, or None."""
    page = filesystem().call_s3('list_objects_v2', Bucket=bucket, Prefix=prefix, MaxKeys=1)
    return next(((item['Key'], _checksum(item)) for item in page.get('Contents', [])), None)


def download(bucket: str, name: str, max_bytes: int) -> bytes:
    """The content of an object; transfers at most `max_bytes` + 1 bytes.

    Raises:
      FileNotFoundError: there is no such object.
      OverflowError: it is longer than `max_bytes`.
      InputError: the store rejects the credentials.
      TemporaryError: the store does not answer or denies access.
    """
    try:
        data: bytes = filesystem().cat_file(f'{bucket}/{name}', start=0, end=max_bytes + 1)
    except FileNotFoundError:
        raise FileNotFoundError(errno.ENOENT, 'no such object') from None
    except errors() as error:
        if _code(error) in ('InvalidRange', '416'):
            return b''  # an empty object
        path = printable(f's3://{bucket}/{name}')
        if _is_credentials_error(error):
            raise input_error(error, path, bucket, '') from None
        # Even 403 may be temporary. Skipping the file would change the sample.
        raise TemporaryError(
            f'{path} cannot be read: {reason(error)}; check network and permissions, and run again'
        ) from None
    if len(data) > max_bytes:
        raise OverflowError(f'longer than the limit of {max_bytes:,} bytes')
    return data


def create(uri: str, file: str) -> None:
    """Uploads a file, unless there is such an object: the store decides, so one of several writers succeeds.

    Raises:
      FileExistsError: there is one.
      OSError: the store cannot be written.
    """
    with as_os_errors(uri):
        try:
            filesystem().put_file(file, uri, mode='create')
        except OSError as error:
            if isinstance(error, FileExistsError) or _code(error) == 'PreconditionFailed':
                raise FileExistsError(errno.EEXIST, 'exists', uri) from None
            raise


@functools.cache
def check_bucket(setting: str, uri: str, write: bool = False) -> None:
    """Checks once per process that a bucket exists and is accessible.

    Args:
      setting: for messages, e.g. the configuration key.
      uri: s3://BUCKET or a folder in it.
      write: also create an object there and delete it.

    Raises:
      InputError: there are no credentials, no such bucket, or no permission.
    """
    bucket, folder = bucket_and_name(uri)
    try:
        first(bucket, folder)
        if write:
            probe = '/'.join(filter(None, [bucket, folder.rstrip('/'), f'.write-check-{uuid.uuid4().hex}']))
            filesystem().pipe_file(probe, b'')
            filesystem().rm_file(probe)
    except errors() as error:
        raise input_error(error, f'{setting} {uri}', bucket, 'to list, read, write and delete objects') from None


def input_error(error: Exception, what: str, bucket: str, permission: str) -> InputError:
    """One line for an exception of the file system.

    Args:
      error: one of `errors`.
      what: what the message is about, e.g. 'data root s3://faces'.
      bucket: its name.
      permission: what to grant if access is denied.
    """
    why = reason(error)
    if _is_credentials_error(error):
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


def _is_credentials_error(error: Exception) -> bool:
    """Whether credentials are missing or invalid, which affects every request."""
    from botocore import exceptions

    missing = (exceptions.NoCredentialsError, exceptions.PartialCredentialsError, exceptions.ProfileNotFound)
    return isinstance(error, missing) or _code(error) in _WRONG_CREDENTIALS
