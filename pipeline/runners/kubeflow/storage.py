# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Where Kubeflow's launcher keeps local copies of what is in an object store.

`LocalPathForURI` in backend/src/v2/component/launcher_v2.go maps gs://, minio:// and s3:// to /gcs/, /minio/ and /s3/;
`downloadArtifacts` fills those folders before a container's own program is started and `uploadOutputArtifacts` copies
them back after it. The program itself needs no credentials and never talks to the store, but where Beam's workers do.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from components.io.files import bucket_and_name

#: The environment variable that puts the launcher's folders below another one than /, for tests.
BASE = 'KFP_LOCAL_BASE'

#: Where TFX keeps temporary files, beside its output file.
TEMPORARY = '.temp'

_FOLDERS = {'gs://': 'gcs/', 'minio://': 'minio/', 's3://': 's3/'}


def local_path(uri: str) -> str:
    """The folder that stands for an artifact's URI; any other URI is returned as it is."""
    for scheme, folder in _FOLDERS.items():
        if uri.startswith(scheme):
            return os.path.join(_base(), folder + uri.removeprefix(scheme))
    return uri


def uri(path: str) -> str:
    """The URI that `local_path` made `path` of; any other text is returned as it is."""
    for scheme, folder in _FOLDERS.items():
        start = os.path.join(_base(), folder)
        if path.startswith(start):
            return scheme + path.removeprefix(start)
    return path


def to_uris(value: Any) -> Any:
    """`value`, decoded JSON, with every string in it given to `uri`."""
    if isinstance(value, dict):
        return {key: to_uris(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_uris(item) for item in value]
    return uri(value) if isinstance(value, str) else value


def tidy(folder: str) -> None:
    """Leaves of a task's folder in the store what Kubeflow can use.

    Removes temporary files, and the empty objects that TensorFlow makes for folders: the launcher's `DownloadBlob`
    would make files of them.

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
