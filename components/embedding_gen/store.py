# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Stores embeddings by image content, for later runs and for a restart after a kill. Imports only numpy.

The folder has one subfolder for each `Embedder.identity`. A subfolder holds pairs of files that never change:
`NAME.embeddings.npy`, float32 [N, C], and `NAME.digests.npy`, uint8 [N, 64]: the SHA-256 of each encoded image, then
that of this key with the bytes of its embedding. Deleted and damaged rows are computed again. In a bucket, opening the
store copies every pair to a temporary folder; only `write` writes.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import time
import weakref
from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from components.io.files import any_path, atomic_path, in_bucket, local_file

_DIGESTS, _EMBEDDINGS = '.digests.npy', '.embeddings.npy'

# Pairs read at a time; reads from a bucket mostly wait.
_THREADS = 8

#: At most this many seconds of work are lost by a kill and held in memory; in a bucket more, because every write makes
#: two objects that later runs download.
SECONDS_BETWEEN_WRITES = 30.0
_TIMES_IN_BUCKET = 10


def digest(encoded: bytes) -> bytes:
    """The SHA-256 of an encoded image, 32 bytes; the key of its embedding."""
    return hashlib.sha256(encoded).digest()


def _check(key: bytes, embedding: np.ndarray) -> bytes:
    """The SHA-256 of a key with its embedding, float32 [C]."""
    return hashlib.sha256(key + embedding.astype('<f4').tobytes()).digest()


class Store:
    """The embeddings of one identity.

    Several processes may add to one folder. Each sees the pairs from before it opened the store, and its own.

    Args:
      folder: the parent of all identities, also in a bucket.
      identity: see `Embedder.identity`.
      size: C, floats an embedding.
      seconds: between two writes by `add`; ten times that in a bucket.
    """

    def __init__(self, folder: str | Path, identity: str, size: int, seconds: float = SECONDS_BETWEEN_WRITES):
        self._folder = any_path(folder) / identity
        self._copies: Path | None = None
        self._size = size
        self._seconds = seconds * (_TIMES_IN_BUCKET if in_bucket(folder) else 1)
        self._parts: list[np.ndarray] = []
        self._places: dict[bytes, tuple[int, int]] = {}  # digest to (part, row)
        self._new: dict[bytes, np.ndarray] = {}
        self._written = time.monotonic()
        if in_bucket(folder):
            self._copies = Path(tempfile.mkdtemp(prefix='embedding-store-'))
            weakref.finalize(self, shutil.rmtree, self._copies, ignore_errors=True)
        with ThreadPoolExecutor(_THREADS) as pool:
            for pair in pool.map(self._read, sorted(self._folder.glob(f'*{_DIGESTS}'))):
                if pair is not None:
                    self._know(*pair)

    def __contains__(self, key: bytes) -> bool:
        return key in self._new or key in self._places

    def __getitem__(self, key: bytes) -> np.ndarray:
        """The embedding, float32 [C], of the image with this digest; raises KeyError if the store lacks it."""
        if key in self._new:
            return self._new[key]
        part, row = self._places[key]
        return self._parts[part][row]

    def add(self, key: bytes, embedding: np.ndarray) -> None:
        """Adds an embedding, float32 [C], in memory; calls `write` every `seconds`."""
        self._new[key] = embedding
        if time.monotonic() - self._written >= self._seconds:
            self.write()

    def write(self) -> None:
        """Writes the embeddings added since the last write."""
        self._written = time.monotonic()
        if not self._new:
            return
        embeddings = np.stack(list(self._new.values()))
        pairs = (key + _check(key, row) for key, row in zip(self._new, embeddings, strict=True))
        digests = np.frombuffer(b''.join(pairs), np.uint8).reshape(-1, 64)
        self._folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(digests.tobytes()).hexdigest()[:24]
        # Digests last: they mark the pair as complete.
        for suffix, content in ((_EMBEDDINGS, embeddings), (_DIGESTS, digests)):
            with atomic_path(self._folder / f'{name}{suffix}') as temporary:
                np.save(temporary, content, allow_pickle=False)
        if self._copies is not None:
            np.save(self._copies / f'{name}{_EMBEDDINGS}', embeddings, allow_pickle=False)
        # Mapped from the disk, so that memory does not grow.
        rows = np.load((self._copies or self._folder) / f'{name}{_EMBEDDINGS}', mmap_mode='r', allow_pickle=False)
        self._know(digests, rows)
        self._new.clear()

    def _know(self, digests: np.ndarray, rows: np.ndarray, damaged: Container[int] = ()) -> None:
        part = len(self._parts)
        self._parts.append(rows)
        self._places.update(
            (row[:32].tobytes(), (part, index)) for index, row in enumerate(digests) if index not in damaged
        )

    def _read(self, file: Path) -> tuple[np.ndarray, np.ndarray, set[int]] | None:
        """Reads a pair of files by that of digests; the embeddings are mapped, not loaded.

        Returns:
          Digests, embeddings, and the rows that differ from their digest; None if the files do not fit together.
        """
        try:
            with local_file(file) as here:
                digests = np.load(here, allow_pickle=False)
            embeddings = file.parent / file.name.replace(_DIGESTS, _EMBEDDINGS)
            if self._copies is not None:
                with local_file(embeddings) as copy:
                    embeddings = Path(shutil.move(copy, self._copies))
            rows = np.load(embeddings, mmap_mode='r', allow_pickle=False)
            if digests.dtype != np.uint8 or digests.shape != (len(rows), 64) or (
                rows.dtype != np.float32 or rows.shape[1:] != (self._size,)
            ):  # fmt: skip
                raise ValueError(f'found {digests.dtype} {digests.shape} and {rows.dtype} {rows.shape}')
        except (OSError, ValueError, EOFError) as error:
            logging.warning('%s: not read, its embeddings are computed again (%s)', file, error)
            return None
        damaged = {
            index
            for index, (pair, row) in enumerate(zip(digests, rows, strict=True))
            if _check(pair[:32].tobytes(), row) != pair[32:].tobytes()
        }
        if damaged:
            logging.warning('%s: %d of %d rows are damaged and computed again', embeddings, len(damaged), len(rows))
        return digests, rows, damaged
