# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Embeddings by content: what was computed once is found again by later runs and after a kill. Knows only numpy.

A folder holds one folder for each way of embedding (`Embedder.identity`), and that one pairs of files, written when
they are complete and never changed: `NAME.embeddings.npy`, float32 [N, C], and `NAME.digests.npy`, uint8 [N, 32], the
SHA-256 of the encoded images. Everything in it can be deleted at any time; it is then computed again.

Where the folder is in a bucket, who opens it copies all pairs to a temporary folder first, and pairs are written only
when they are asked for: a pair a shard.
"""

from __future__ import annotations

import hashlib
import logging
import math
import shutil
import tempfile
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from components.io.files import any_path, atomic_path, in_bucket, local_file

_DIGESTS, _EMBEDDINGS = '.digests.npy', '.embeddings.npy'

# Pairs that are read at a time; out of a bucket, most of it is waiting.
_THREADS = 8

#: What a kill loses at most, in seconds of work; it also bounds what is held in memory.
SECONDS_BETWEEN_WRITES = 30.0


def digest(encoded: bytes) -> bytes:
    """The SHA-256 of an encoded image, 32 bytes: what it is known by."""
    return hashlib.sha256(encoded).digest()


class Store:
    """The embeddings of one way of embedding.

    Several processes may add to one folder at once; each sees what was there when it opened it and what it added.

    Args:
      folder: where all stores of a run directory are; may be in a bucket.
      identity: of the way of embedding; others' files are not seen.
      size: C, floats an embedding.
      seconds: between two writes; not of a bucket.
    """

    def __init__(self, folder: str | Path, identity: str, size: int, seconds: float = SECONDS_BETWEEN_WRITES):
        self._folder = any_path(folder) / identity
        self._copies: Path | None = None
        self._size = size
        self._seconds = math.inf if in_bucket(folder) else seconds
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
        """The embedding, float32 [C], of the image with this digest.

        Raises:
          KeyError: it is not there.
        """
        if key in self._new:
            return self._new[key]
        part, row = self._places[key]
        return self._parts[part][row]

    def add(self, key: bytes, embedding: np.ndarray) -> None:
        """Keeps an embedding, float32 [C]; it is on disk after `write`, which this calls every so often."""
        self._new[key] = embedding
        if time.monotonic() - self._written >= self._seconds:
            self.write()

    def write(self) -> None:
        """Writes what was added since the last time."""
        self._written = time.monotonic()
        if not self._new:
            return
        digests = np.frombuffer(b''.join(self._new), np.uint8).reshape(-1, 32)
        embeddings = np.stack(list(self._new.values()))
        self._folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(digests.tobytes()).hexdigest()[:24]
        # The digests come last: a pair is there when they are.
        for suffix, content in ((_EMBEDDINGS, embeddings), (_DIGESTS, digests)):
            with atomic_path(self._folder / f'{name}{suffix}') as temporary:
                np.save(temporary, content, allow_pickle=False)
        if self._copies is not None:
            np.save(self._copies / f'{name}{_EMBEDDINGS}', embeddings, allow_pickle=False)
        # From the disk, so that memory does not grow.
        rows = np.load((self._copies or self._folder) / f'{name}{_EMBEDDINGS}', mmap_mode='r', allow_pickle=False)
        self._know(digests, rows)
        self._new.clear()

    def _know(self, digests: np.ndarray, rows: np.ndarray) -> None:
        part = len(self._parts)
        self._parts.append(rows)
        self._places.update((row.tobytes(), (part, index)) for index, row in enumerate(digests))

    def _read(self, file: Path) -> tuple[np.ndarray, np.ndarray] | None:
        """A pair, by the file of its digests; the embeddings stay on disk until they are asked for."""
        try:
            with local_file(file) as here:
                digests = np.load(here, allow_pickle=False)
            embeddings = file.parent / file.name.replace(_DIGESTS, _EMBEDDINGS)
            if self._copies is not None:
                with local_file(embeddings) as copy:
                    embeddings = Path(shutil.move(copy, self._copies))
            rows = np.load(embeddings, mmap_mode='r', allow_pickle=False)
            if digests.dtype != np.uint8 or digests.shape != (len(rows), 32) or (
                rows.dtype != np.float32 or rows.shape[1:] != (self._size,)
            ):  # fmt: skip
                raise ValueError(f'found {digests.dtype} {digests.shape} and {rows.dtype} {rows.shape}')
        except (OSError, ValueError, EOFError) as error:
            logging.warning('%s: not read, its embeddings are computed again (%s)', file, error)
            return None
        return digests, rows
