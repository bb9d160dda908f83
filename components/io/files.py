# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Files of this machine and objects of a bucket, written so that a reader never sees half of one.

A path of a bucket is `gs://BUCKET/NAME`; TensorFlow opens it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path


def in_bucket(path: str | os.PathLike[str]) -> bool:
    """Whether a path is one of a bucket."""
    return os.fspath(path).startswith('gs://')


def bucket_and_name(uri: str) -> tuple[str, str]:
    """A path of a bucket as the bucket's name and what follows it, without the slash between them."""
    bucket, _, name = uri.removeprefix('gs://').partition('/')
    return bucket, name


def any_path(path: str | os.PathLike[str], *more: str) -> Path:
    """A path of either kind, with the methods of `pathlib.Path`.

    A bucket's is an `etils.epath.Path`. One of this machine is not: epath takes folders such as /s3 and /gs, where
    Kubeflow mirrors stores, for the stores themselves.
    """
    if not in_bucket(path):
        return Path(path, *more)
    from etils import epath

    return epath.Path(path, *more)


def remove_folder(path: str | os.PathLike[str]) -> None:
    """Removes a folder of either kind with all that is in it, as far as that is possible."""
    if not in_bucket(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError), errors_of_the_system(path):
        any_path(path).rmtree(missing_ok=True)  # type: ignore[attr-defined]


@contextlib.contextmanager
def local_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives the file itself, or a copy of an object of a bucket that is gone after the block.

    Raises:
      OSError: the object cannot be read.
    """
    if not in_bucket(path):
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix='download-') as folder:
        copy = Path(folder, os.path.basename(os.fspath(path)))
        _transfer(path, copy)
        yield copy


@contextlib.contextmanager
def local_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a folder to write to, made if it is not there: itself, or one whose files go to the bucket at the end.

    For what is written bit by bit: each addition to an object of a bucket costs several requests.

    Raises:
      OSError: the folder or the bucket cannot be written.
    """
    if not in_bucket(path):
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix='upload-') as temporary:
        yield Path(temporary)
        for file in sorted(Path(temporary).rglob('*')):
            if file.is_file():
                _transfer(file, any_path(path) / file.relative_to(temporary).as_posix())


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a temporary path beside `path`; renames it onto `path` when the block ends without an exception.

    The temporary name starts with a dot and keeps the suffix, because writers such as Keras choose the format by it.
    On an exception the temporary file is removed and `path` stays as it was. Two who write one path at a time, such as
    a worker that was given up for lost and the one in its place, do not share a temporary file.

    For an object of a bucket the temporary path is one of this machine's, whose content is uploaded at the end; the
    object is there when all of it is.

    Raises:
      OSError: the directory or the bucket cannot be written, or the disk is full.
    """
    if in_bucket(path):
        with tempfile.TemporaryDirectory(prefix='upload-') as folder:
            content = Path(folder, os.path.basename(os.fspath(path)))
            yield content
            _transfer(content, path)
        return
    target = Path(path)
    temporary = target.with_name(f'.{target.stem}.{uuid.uuid4().hex[:12]}.partial{target.suffix}')
    try:
        yield temporary
        # The data must be on disk before the name is: otherwise a power cut leaves a whole name on an empty file.
        with open(temporary, 'rb') as written:
            os.fsync(written.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes `text` as UTF-8 to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding='utf-8')


def sha256_file(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's content as 64 hexadecimal digits, read in blocks."""
    with local_file(path) as file, open(file, 'rb') as stream:
        return hashlib.file_digest(stream, 'sha256').hexdigest()


@contextlib.contextmanager
def errors_of_the_system(path: str | os.PathLike[str]) -> Iterator[None]:
    """Makes of what TensorFlow and epath raise about a bucket what Python raises about a folder.

    Args:
      path: which file or folder the block is about.

    Raises:
      OSError: with the path and, in `strerror`, one line of what the service said; FileNotFoundError or PermissionError
        where it says so, and with `errno.EIO` what may pass.
    """
    if not in_bucket(path):
        yield
        return
    import tensorflow as tf

    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        number = errno.EIO
        if isinstance(error, FileNotFoundError | tf.errors.NotFoundError):
            number = errno.ENOENT
        elif isinstance(error, tf.errors.PermissionDeniedError | tf.errors.UnauthenticatedError):
            number = errno.EACCES
        # What was asked of the service follows in further lines.
        lines = (getattr(error, 'message', None) or str(error)).strip().splitlines()
        reason = lines[0] if lines else type(error).__name__
        raise OSError(number, reason, os.fspath(path)) from None


def _transfer(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Copies between this machine and a bucket."""
    import tensorflow as tf

    with errors_of_the_system(source if in_bucket(source) else target):
        tf.io.gfile.copy(os.fspath(source), os.fspath(target), overwrite=True)
