# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Kubeflow's object store for `kfp_executor`: a folder, or Cloud Storage or S3 on loopback.

Replaces `UploadBlob` and `DownloadBlob` in backend/src/v2/objectstore/object_store.go of github.com/kubeflow/pipelines:
only files are kept, and downloading nothing is no error.
"""

import os
import shutil
import tempfile
from pathlib import Path

from tests.fakes import s3_store
from tests.fakes.google_cloud import objects


class InFolder:
    """minio:// as a folder."""

    def __init__(self, folder: Path):
        self._folder = folder

    def files(self, uri: str) -> Path:
        """Returns the folder of an artifact."""
        return self._folder / uri.removeprefix('minio://')

    def upload(self, source: Path, uri: str) -> None:
        """Uploads a file, or all files of a folder."""
        _copy(source, self.files(uri))

    def download(self, uri: str, target: Path) -> None:
        """Downloads the files of a URI."""
        _copy(self.files(uri), target)


class InBucket:
    """gs:// or s3:// as the objects of a bucket."""

    def __init__(self, bucket: objects.Objects | s3_store.Store, folder: Path):
        self._bucket = bucket
        self._folder = folder
        self._root = f's3://{s3_store.BUCKET}/' if isinstance(bucket, s3_store.Store) else f'gs://{bucket.name}/'

    def files(self, uri: str) -> Path:
        """Returns a copy of an artifact's file or files."""
        copy = Path(tempfile.mkdtemp(dir=self._folder)) / 'artifact'
        if self._name(uri) in self._bucket.names(self._name(uri)):
            copy.write_bytes(self._bucket.get(self._name(uri)))
        else:
            self.download(uri, copy)
        return copy

    def upload(self, source: Path, uri: str) -> None:
        """See `InFolder`."""
        for file in sorted(source.rglob('*')) if source.is_dir() else [source]:
            if file.is_file():
                self._bucket.put(str(Path(self._name(uri), file.relative_to(source))), file.read_bytes())

    def download(self, uri: str, target: Path) -> None:
        """See `InFolder`."""
        start = self._name(uri) + '/'
        for name in self._bucket.names(start):
            assert not name.endswith('/'), f'{name}: DownloadBlob would create a file for a folder'
            file = target / name.removeprefix(start)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self._bucket.get(name))

    def _name(self, uri: str) -> str:
        return uri.removeprefix(self._root)


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for folder, _, names in os.walk(source):
        for name in names:
            file = Path(folder, name)
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
