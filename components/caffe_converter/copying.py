# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Copies transposed weights at the speed of memory, and writes them while it copies."""

from __future__ import annotations

import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

_ROWS = 32  # measured on VGG-Face's fc6 (4096 × 25088): 16 to 128 take 0.2 s, numpy's own copy 2.6 to 3.1 s
_SMALL = 1 << 16
_SLAB = 2 << 20  # floats a thread copies at a time when they go to a file: 8 MB
_THREADS = 4


def contiguous(view: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Copies `view` as float32 in C order into `out` (same shape) or a new array; may return `view` if it is in order.

    numpy copies a transposed view in the order of the result and reads one cache line for each value. If the view's
    last axis is the slowest in memory (Caffe's outputs, Keras' last axis), this copies a few outputs at a time: first
    transposed within the cache, then in runs to their places.
    """
    order = sorted(range(view.ndim), key=lambda axis: -view.strides[axis])
    memory = view.transpose(order)
    fast = view.size >= _SMALL and view.ndim > 1 and order[0] == view.ndim - 1
    if not fast or memory.strides[-1] != memory.itemsize:
        if out is None:
            return np.ascontiguousarray(view, np.float32)
        out[...] = view
        return out
    outputs, inner = memory.shape[0], memory.shape[1:]
    places = [order[1:].index(axis) for axis in range(view.ndim - 1)]  # view's axes among `inner`
    result = np.empty(view.shape, np.float32) if out is None else out
    turned = np.empty((math.prod(inner), _ROWS), np.float32)
    for start in range(0, outputs, _ROWS):
        rows = memory[start : start + _ROWS]
        block = turned[:, : len(rows)]
        block[...] = rows.reshape(len(rows), -1).T
        result[..., start : start + len(rows)] = block.reshape(*inner, len(rows)).transpose(*places, len(inner))
    return result


def owned(view: np.ndarray) -> np.ndarray:
    """`contiguous(view)`, never a view of a file: TensorFlow may keep an array and write to it."""
    values = contiguous(view)
    return values if values.flags.owndata else values.copy()


class Writer:
    """Writes weights to their places in an open file with a few threads; each copies a slab, then writes it.

    Both numpy's copy and the write release Python's lock, so copying overlaps with writing. Use as a context manager.
    Needs one slab of memory for each thread.
    """

    def __init__(self, descriptor: int):
        self._descriptor = descriptor
        self._local = threading.local()

    def __enter__(self) -> Writer:
        self._pool = ThreadPoolExecutor(min(os.cpu_count() or 1, _THREADS))
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()

    def write(self, view: np.ndarray, offset: int) -> None:
        """Writes `view` in C order as little-endian float32 from byte `offset` on; returns when it is written.

        Raises:
          OSError: the file cannot be written.
        """
        if view.ndim < 2:
            self._write(view.reshape(1, -1), [offset])
            return
        # A slab is a range of the axis before the last: part of `in` of a kernel [kh, kw, in, out].
        *spatial, channels, outputs = view.shape
        step = max(_SLAB // max(math.prod(spatial) * outputs, 1), 1)
        tasks = []
        for start in range(0, channels, step):
            places = range(math.prod(spatial))
            offsets = [offset + 4 * outputs * (at * channels + start) for at in places]
            tasks.append(self._pool.submit(self._write, view[..., start : start + step, :], offsets))
        for task in tasks:
            task.result()

    def _write(self, view: np.ndarray, offsets: list[int]) -> None:
        """Writes a slab as len(offsets) runs of equal length."""
        buffer = getattr(self._local, 'buffer', None)
        if buffer is None or buffer.size < view.size:
            buffer = self._local.buffer = np.empty(max(view.size, _SLAB), np.float32)
        slab = contiguous(view, buffer[: view.size].reshape(view.shape)).reshape(len(offsets), -1)
        for row, offset in zip(slab, offsets, strict=True):
            data = row.data.cast('B')
            done = 0
            while done < len(data):  # one write takes at most 2 GB, and less on a full disk
                done += os.pwrite(self._descriptor, data[done:], offset + done)
