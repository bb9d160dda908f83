# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A data root in a bucket of Cloud Storage, through google.cloud.storage.

A bucket has no folders: one is the beginning, up to a '/', of the names of objects. Only names, sizes and checksums are
listed, and nothing is read but what is asked for.
"""

from __future__ import annotations

import errno
import functools
import gzip
import io
import logging
import os
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from components.errors import InputError, PassingError
from components.io.trees import Entry
from components.stratified_example_gen.records import shown

# https://cloud.google.com/storage/docs/buckets#naming
_URI = re.compile(r'gs://([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])(?:/(.*))?', re.DOTALL)
_FIELDS = 'items(name,size,crc32c,md5Hash),prefixes,nextPageToken'

# How long a request is repeated when the service is busy or the network fails; what the library does by default.
_PATIENCE_S = 120.0
_LETTERS_OF_A_REASON = 300


class BucketTree:
    """A folder of a bucket. Holds no connection, so that it may travel; see `trees.Tree`.

    Args:
      root: gs://BUCKET or gs://BUCKET/FOLDER.

    Raises:
      InputError: the URI is malformed.
    """

    one_grant = True

    def __init__(self, root: str):
        match = _URI.fullmatch(root)
        # What the command line could not decode is not UTF-8, which names of objects are.
        if not match or not _is_utf8(root):
            raise InputError(
                f'data root {shown(root)} names no folder of a bucket; expected gs://BUCKET/FOLDER, where BUCKET is of '
                'lower-case letters, digits, "-", "_" and "."'
            )
        self._bucket = match[1]
        folder = (match[2] or '').rstrip('/')
        self._start = f'{folder}/' if folder else ''

    def shown(self, path: bytes = b'') -> str:
        """See `Tree`."""
        return shown(f'gs://{self._bucket}/{self._name(path)}'.rstrip('/'))

    def entries(self, folder: bytes) -> list[Entry]:
        """See `Tree`. Objects whose names end in '/' are there to make empty folders show, and are no files."""
        start = self._below(folder)
        with self._listing():
            listing = _list(self._bucket, prefix=start, delimiter='/')
            files = [
                Entry(blob.name[len(start) :].encode(), False, content=_content(blob))
                for blob in listing
                if blob.name != start
            ]
            folders = [Entry(name[len(start) : -1].encode(), True) for name in listing.prefixes]
        return sorted(files + folders)

    def is_folder(self, path: bytes) -> bool:
        """See `Tree`. The root of a bucket always is one."""
        start = self._below(path)
        with self._listing():
            return any(_list(self._bucket, prefix=start, max_results=1)) or not start

    def exists(self, path: bytes) -> bool:
        """See `Tree`."""
        return self._listed(path) is not None

    def outside(self, path: bytes) -> bytes | None:
        """See `Tree`. A bucket has no links."""
        return None

    def stream(self, path: bytes, max_bytes: int) -> BinaryIO:
        """See `Tree`."""
        return io.BytesIO(self.read(path, max_bytes))

    def read(self, path: bytes, max_bytes: int) -> bytes:
        """See `Tree`. Asks for `max_bytes` + 1 bytes and gets no more, however long the object is.

        Raises:
          InputError: the credentials are refused, which concerns all objects.
          PassingError: the service does not answer, or refuses; besides what `layout.read` raises.
        """
        from google.api_core import exceptions

        try:
            blob = _client(os.getpid()).bucket(self._bucket).blob(self._name(path))
            # Raw: what is stored as gzip is unpacked below, where its length is bounded.
            data = blob.download_as_bytes(start=0, end=max_bytes, raw_download=True, checksum=None, retry=_retry())
        except exceptions.NotFound:
            raise FileNotFoundError(errno.ENOENT, 'no such object') from None
        except exceptions.RequestRangeNotSatisfiable:
            return b''  # an empty object has no first byte to begin with
        except _errors() as error:
            # Not of this object, and perhaps not for ever (too many requests get a 403, too): a sample without what
            # could not be had for a while would be kept.
            raise self._refused(error) or PassingError(
                f'{self.shown(path)} cannot be read: {_said(error)}; check network and permissions, and run again'
            ) from None
        if blob.content_encoding == 'gzip' and len(data) <= max_bytes:
            data = _unpacked(data, max_bytes)
        if len(data) > max_bytes:
            raise OverflowError(f'more than the {max_bytes:,} bytes that are read')
        return data

    def digest(self, path: bytes, entry: Entry | None) -> bytes:
        """The checksum and the size that the listing gives, or that there is no such object."""
        if entry is not None:
            return entry.content
        blob = self._listed(path)
        return b'unreadable' if blob is None else _content(blob)

    def _listed(self, path: bytes) -> Any:
        """The object of that name without its content, or None."""
        name = self._name(path).rstrip('/')
        with self._listing():
            # The name itself comes before all that begin with it.
            first = next(iter(_list(self._bucket, prefix=name, max_results=1)), None)
        return first if first is not None and first.name == name else None

    def _name(self, path: bytes) -> str:
        # Paths come from listings and so are UTF-8; what is not, from a configuration, names no object.
        return self._start + path.decode(errors='replace')

    def _below(self, folder: bytes) -> str:
        return self._name(folder) + ('/' if folder else '')

    @contextmanager
    def _listing(self) -> Iterator[None]:
        """Makes one error for people of whatever keeps a bucket from being listed."""
        from google.api_core import exceptions

        try:
            yield
        except exceptions.NotFound:
            raise InputError(f'data root {self.shown()}: there is no bucket {self._bucket}; check its name') from None
        except _errors() as error:
            if isinstance(error, exceptions.Forbidden):
                remedy = 'grant the role Storage Object Viewer on it to the account that runs this'
            else:
                remedy = 'check the network and run again'
            raise self._refused(error) or InputError(
                f'data root {self.shown()}: bucket {self._bucket} cannot be listed: {_said(error)}; {remedy}'
            ) from None

    def _refused(self, error: BaseException) -> InputError | None:
        """What to say where there are no credentials, or none that are taken; None for any other error."""
        from google.api_core import exceptions as api
        from google.auth import exceptions as auth

        refused = isinstance(error, auth.GoogleAuthError) and not isinstance(error, auth.TransportError)
        if not refused and not isinstance(error, api.Unauthorized):
            return None
        return InputError(
            f'data root {self.shown()}: no credentials that bucket {self._bucket} takes: {_said(error)}; run "gcloud '
            'auth application-default login", or set GOOGLE_APPLICATION_CREDENTIALS to the file of a key'
        )


def _list(bucket: str, **options: Any) -> Any:
    return _client(os.getpid()).list_blobs(bucket, fields=_FIELDS, retry=_retry(), **options)


@functools.cache
def _client(process: int) -> Any:
    """One for each process: a forked one must not write to its parent's connections.

    Raises:
      google.auth.exceptions.DefaultCredentialsError: there are no credentials.
    """
    # A project is for those who make buckets. google.auth would print that it found none, or none to bill.
    logging.getLogger('google.auth._default').setLevel(logging.ERROR)
    warnings.filterwarnings('ignore', 'Your application has authenticated', UserWarning)
    from google.cloud import storage

    return storage.Client(project=None)


def _retry() -> Any:
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(_PATIENCE_S)


def _errors() -> tuple[type[BaseException], ...]:
    """What the client raises; its transport's errors are OSErrors."""
    import urllib3
    from google.api_core import exceptions as api
    from google.auth import exceptions as auth

    return (api.GoogleAPIError, auth.GoogleAuthError, OSError, urllib3.exceptions.HTTPError)


def _said(error: BaseException) -> str:
    # Of a download that failed, the library also says which status it would have liked.
    text = re.sub(r"\('Request failed with status code', ([0-9]+), .*", r'status \1', str(error), flags=re.DOTALL)
    text = ' '.join(text.split()) or type(error).__name__
    return text if len(text) <= _LETTERS_OF_A_REASON else text[:_LETTERS_OF_A_REASON] + ' …'


def _content(blob: Any) -> bytes:
    # An object that was composed of parts has no MD5; one and the same file may be uploaded either way.
    return f'{blob.crc32c or blob.md5_hash} {blob.size}'.encode()


def _unpacked(data: bytes, max_bytes: int) -> bytes:
    """At most `max_bytes` + 1 bytes of what "gsutil cp -z" has packed."""
    try:
        return gzip.GzipFile(fileobj=io.BytesIO(data)).read(max_bytes + 1)
    except (EOFError, zlib.error) as error:
        raise OSError(f'is stored as gzip, and damaged: {error}') from None


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
