# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Maps URIs of Kubeflow's object store to the launcher's local copies.

`LocalPathForURI` in backend/src/v2/component/launcher_v2.go maps gs://, minio:// and s3:// to /gcs/, /minio/ and /s3/.
`downloadArtifacts` fills these folders before the container's program starts; `uploadOutputArtifacts` copies them back
after it. The program needs access to the store only if Beam runs elsewhere.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from components.io.files import bucket_and_name

#: The environment variable with the parent of the launcher's folders, for tests; / by default.
BASE = 'KFP_LOCAL_BASE'

#: TFX's folder for temporary files, beside its output file.
TEMPORARY = '.temp'

_FOLDERS = {'gs://': 'gcs/', 'minio://': 'minio/', 's3://': 's3/'}


def local_path(uri: str) -> str:
    """Returns the local folder of an artifact's URI; returns other URIs unchanged."""
    for scheme, folder in _FOLDERS.items():
        if uri.startswith(scheme):
            return os.path.join(_base(), folder + uri.removeprefix(scheme))
    return uri


def uri(path: str) -> str:
    """Returns the URI of a path from `local_path`; returns other text unchanged."""
    for scheme, folder in _FOLDERS.items():
        start = os.path.join(_base(), folder)
        if path.startswith(start):
            return scheme + path.removeprefix(start)
    return path


def to_uris(value: Any) -> Any:
    """Applies `uri` to every string in decoded JSON."""
    if isinstance(value, dict):
        return {key: to_uris(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_uris(item) for item in value]
    return uri(value) if isinstance(value, str) else value


def tidy(folder: str) -> None:
    """Removes temporary files from a task's folder in the store, and TensorFlow's empty objects for folders.

    The launcher's `DownloadBlob` would create files for those objects.

    Args:
      folder: gs://BUCKET/NAME.
    """
    from google.cloud import storage
    from google.cloud.exceptions import NotFound
    from google.cloud.storage.retry import DEFAULT_RETRY

    bucket, name = bucket_and_name(folder)
    for blob in storage.Client(project=None).list_blobs(bucket, prefix=f'{name}/', fields='items(name),nextPageToken'):
        if blob.name.endswith('/') or blob.name.startswith(f'{name}/{TEMPORARY}/'):
            with contextlib.suppress(NotFound):
                blob.delete(retry=DEFAULT_RETRY)


def _base() -> str:
    return os.environ.get(BASE, '/')
