# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A bucket of Cloud Storage, looked at before it is needed."""

from __future__ import annotations

import functools
import os
import uuid

from components.errors import InputError
from components.io.files import bucket_and_name

# For each answer of Google's.
_SECONDS = 30


@functools.cache
def check(what: str, uri: str, write: bool = False) -> None:
    """Looks whether a bucket is there and can be used; once a process.

    TensorFlow and Beam take most failures for passing ones, and try for minutes.

    Args:
      what: for messages, e.g. the configuration's key.
      uri: gs://BUCKET or a folder in it.
      write: also write an object there, and remove it.

    Raises:
      InputError: there are no credentials, no such bucket, or it may not be used.
    """
    import requests
    from google.api_core import exceptions
    from google.auth import exceptions as auth
    from google.cloud import storage

    bucket, folder = bucket_and_name(uri)
    key = f'{what} {uri}'
    try:
        # What a job on Dataflow needs least: it is also the first thing that Beam asks for.
        found = storage.Client(project=None).get_bucket(bucket, timeout=_SECONDS, retry=None)
        if write:
            blob = found.blob(os.path.join(folder, f'.write-check-{uuid.uuid4().hex}'))
            blob.upload_from_string(b'', timeout=_SECONDS, retry=None)
            blob.delete(timeout=_SECONDS, retry=None)
    except (auth.DefaultCredentialsError, auth.RefreshError) as error:
        raise InputError(
            f'{key}: no credentials of Google Cloud can be used here ({_short(error)}); call "gcloud auth '
            'application-default login", or name a key file in GOOGLE_APPLICATION_CREDENTIALS'
        ) from error
    except exceptions.NotFound as error:
        raise InputError(f'{key}: there is no bucket {bucket}; make it, or name another one') from error
    except (exceptions.Forbidden, exceptions.Unauthorized) as error:
        raise InputError(
            f'{key}: the credentials may not use the bucket {bucket} ({_short(error)}); grant them '
            'storage.buckets.get and the role Storage Object Admin on it'
        ) from error
    except (exceptions.GoogleAPICallError, auth.GoogleAuthError, requests.RequestException) as error:
        raise InputError(f'{key}: Cloud Storage does not answer: {_short(error)}') from error


def _short(error: Exception) -> str:
    return ' '.join(str(error).split())[:200]
