# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Local files and objects in buckets, written so that a reader never sees half a file.

A bucket path is `gs://BUCKET/NAME`, which TensorFlow opens, or `s3://BUCKET/NAME`, which fsspec does.
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

from components.errors import InputError
from components.io import s3_filesystem

_SCHEMES = ('gs://', 's3://')


def in_bucket(path: str | os.PathLike[str]) -> bool:
    """Whether a path is in a bucket."""
    return os.fspath(path).startswith(_SCHEMES)


def scheme(path: str | os.PathLike[str]) -> str:
    """`gs://` or `s3://`; '' for local paths."""
    return next((scheme for scheme in _SCHEMES if os.fspath(path).startswith(scheme)), '')


def bucket_and_name(uri: str) -> tuple[str, str]:
    """Splits a bucket path into the bucket and the object's name, without the slash between them."""
    bucket, _, name = uri.removeprefix(scheme(uri)).partition('/')
    return bucket, name


def printable(path: bytes | str) -> str:
    """A path as printable text on one line; newlines, bytes that are not UTF-8 and the like are escaped."""
    text = os.fsdecode(path)
    return ''.join(
        c if c.isprintable() else ascii(c)[1:-1].replace('\\udc', '\\x') if c != '\\' else '\\\\' for c in text
    )


def any_path(path: str | os.PathLike[str], *more: str) -> Path:
    """A local or bucket path with the methods of `pathlib.Path`.

    Bucket paths are `etils.epath.Path`. Local paths are not: epath would treat folders such as /s3 and /gs, where
    Kubeflow mirrors stores, as the stores themselves.
    """
    if not in_bucket(path):
        return Path(path, *more)
    if scheme(path) == 's3://':
        return s3_filesystem.path(os.fspath(path), *more)  # type: ignore[no-any-return]
    from etils import epath

    return epath.Path(path, *more)


def remove_folder(path: str | os.PathLike[str]) -> None:
    """Removes a folder and its content, as far as possible."""
    if not in_bucket(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError), as_os_errors(path):
        any_path(path).rmtree(missing_ok=True)  # type: ignore[attr-defined]


@contextlib.contextmanager
def local_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields the local file itself, or a temporary copy of an object.

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
def local_input(path: str | os.PathLike[str]) -> Iterator[Path]:
    """`local_file` for a file that the user named: an error about the copy is one about the object.

    Raises:
      InputError: the object cannot be read, or the block raised it.
    """
    if not in_bucket(path):
        yield Path(path)
        return
    with contextlib.ExitStack() as stack:
        try:
            copy = stack.enter_context(local_file(path))
        except OSError as error:
            raise InputError(f'{os.fspath(path)}: cannot be read ({error.strerror})') from None
        try:
            yield copy
        except InputError as error:
            raise InputError(str(error).replace(str(copy), os.fspath(path))) from None


@contextlib.contextmanager
def local_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields the folder, created if missing; for a bucket, a temporary folder whose files are uploaded after the block.

    For files that grow gradually: each addition to an object takes several requests.

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
def atomic_path(path: str | os.PathLike[str], folder: Path | None = None) -> Iterator[Path]:
    """Yields a temporary path, in `folder` or beside `path`, and renames it to `path` unless the block raises.

    The temporary name starts with a dot and keeps the suffix, by which writers such as Keras choose the format. On an
    exception the temporary file is removed and `path` does not change. Concurrent writers of one path, such as a worker
    that was presumed lost and its replacement, use different temporary files.

    For an object, the temporary path is local; its content is uploaded after the block and appears when complete.

    Raises:
      OSError: the folder or bucket is not writable, or the disk is full.
    """
    if in_bucket(path):
        with tempfile.TemporaryDirectory(prefix='upload-') as upload:
            content = Path(upload, os.path.basename(os.fspath(path)))
            yield content
            _transfer(content, path)
        return
    target = Path(path)
    if folder is not None:
        folder.mkdir(exist_ok=True)
    temporary = (folder or target.parent) / f'.{target.stem}.{uuid.uuid4().hex[:12]}.partial{target.suffix}'
    try:
        yield temporary
        # Data must reach the disk before the name does: otherwise a power failure can leave an empty file under `path`.
        with open(temporary, 'rb') as written:
            os.fsync(written.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes `text` to `path` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding='utf-8')


def sha256_file(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file as 64 hexadecimal digits."""
    with local_file(path) as file, open(file, 'rb') as stream:
        return hashlib.file_digest(stream, 'sha256').hexdigest()


def folder_files(path: str | os.PathLike[str]) -> dict[str, Path]:
    """The files below a folder by their path in it, with `/`; {} if there is no such folder.

    Raises:
      OSError: the bucket cannot be read.
    """
    root = any_path(path)
    if not in_bucket(path):
        return {file.relative_to(root).as_posix(): file for file in sorted(root.rglob('*')) if file.is_file()}
    if scheme(path) == 's3://':
        with as_os_errors(path):
            keys = s3_filesystem.filesystem().find(os.fspath(path))
        prefix = os.fspath(path).removeprefix('s3://').rstrip('/') + '/'
        names = (key.removeprefix(prefix) for key in keys if key.startswith(prefix) and not key.endswith('/'))
        return {name: root / name for name in names}
    import tensorflow as tf

    with as_os_errors(path):
        walked = [(folder, name) for folder, _, names in tf.io.gfile.walk(os.fspath(path)) for name in names if name]
    found = (any_path(folder, name) for folder, name in sorted(walked))
    return {file.relative_to(root).as_posix(): file for file in found}


def folder_digests(path: str | os.PathLike[str]) -> dict[str, str]:
    """The SHA-256 of each file below a folder, by its path in it; {} if there is no such folder."""
    return {name: sha256_file(file) for name, file in folder_files(path).items()}


def sync_folder(path: str | os.PathLike[str]) -> None:
    """Makes a local folder and its content survive a power failure; does nothing for a bucket."""
    if in_bucket(path):
        return
    for item in (*Path(path).rglob('*'), Path(path)):
        handle = os.open(item, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def as_os_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turns exceptions of TensorFlow and epath about a bucket into the OSErrors that local files raise.

    Args:
      path: the file or folder that the block uses.

    Raises:
      OSError: with the path, and one line of the service's answer as `strerror`; FileNotFoundError, PermissionError, or
        `errno.EIO` for errors that may be temporary.
    """
    if not in_bucket(path):
        yield
        return
    if scheme(path) == 's3://':
        try:
            yield
        except FileExistsError:
            raise
        except s3_filesystem.errors() as error:
            denied, missing = isinstance(error, PermissionError), isinstance(error, FileNotFoundError)
            number = errno.EACCES if denied else errno.ENOENT if missing else errno.EIO
            raise OSError(number, s3_filesystem.reason(error), os.fspath(path)) from None
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
        # Further lines repeat the request.
        lines = (getattr(error, 'message', None) or str(error)).strip().splitlines()
        reason = lines[0] if lines else type(error).__name__
        raise OSError(number, reason, os.fspath(path)) from None


def _transfer(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Uploads or downloads a file."""
    remote = source if in_bucket(source) else target
    with as_os_errors(remote):
        if scheme(remote) == 's3://':
            store = s3_filesystem.filesystem()
            copy = store.get_file if remote is source else store.put_file
            copy(os.fspath(source), os.fspath(target))
            return
        import tensorflow as tf

        tf.io.gfile.copy(os.fspath(source), os.fspath(target), overwrite=True)
