# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What Dataflow needs of the bucket, looked at before a job is submitted."""

from __future__ import annotations

from components.errors import InputError

# For each answer of Google's.
_SECONDS = 30


def check_bucket(temp_location: str, project: str) -> None:
    """Looks whether the bucket to which jobs are uploaded is there and can be seen.

    Beam itself takes every failure to upload for a passing one, and tries for some ten minutes.

    Args:
      temp_location: gs://BUCKET or a folder in it.
      project: the Google Cloud project that the jobs are for.

    Raises:
      InputError: there are no credentials, no such bucket, or it may not be read.
    """
    import requests
    from google.api_core import exceptions
    from google.auth import exceptions as auth
    from google.cloud import storage  # type: ignore[import-untyped]

    bucket = temp_location.removeprefix('gs://').partition('/')[0]
    key = f'beam.temp_location {temp_location}'
    try:
        # Of all that a job needs, the least: it is also the first thing that Beam asks for.
        storage.Client(project=project).get_bucket(bucket, timeout=_SECONDS, retry=None)
    except (auth.DefaultCredentialsError, auth.RefreshError) as error:
        raise InputError(
            f'{key}: no credentials of Google Cloud can be used here ({_short(error)}); call "gcloud auth '
            'application-default login", or name a key file in GOOGLE_APPLICATION_CREDENTIALS'
        ) from error
    except exceptions.NotFound as error:
        raise InputError(f'{key}: there is no bucket {bucket}; make it, or name another one') from error
    except (exceptions.Forbidden, exceptions.Unauthorized) as error:
        raise InputError(
            f'{key}: the credentials may not see the bucket {bucket} ({_short(error)}); Dataflow needs '
            'storage.buckets.get and the role Storage Object Admin on it'
        ) from error
    except (exceptions.GoogleAPICallError, auth.GoogleAuthError, requests.RequestException) as error:
        raise InputError(f'{key}: Cloud Storage does not answer: {_short(error)}') from error


def _short(error: Exception) -> str:
    return ' '.join(str(error).split())[:200]
