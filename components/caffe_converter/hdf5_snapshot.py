# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Reads Caffe's HDF5 snapshots (net.cpp, ToHDF5): /data/<layer>/<blob number>, a shared parameter only once.

The datasets are contiguous, so the weights are read from the file's memory map, as those of a .caffemodel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from components.caffe_converter.message import shown
from components.caffe_converter.stored import MAX_BLOBS, MAX_DIMS, MAX_LAYERS, Piece, StoredBlob, StoredLayer
from components.errors import InputError

if TYPE_CHECKING:
    import h5py


def read_snapshot(path: str, size: int) -> list[StoredLayer]:
    """The layers of a snapshot of `size` bytes.

    Raises:
      InputError: the file is damaged or no snapshot.
    """
    import h5py

    damaged = f'{path}: expected an HDF5 snapshot of Caffe, with a group data'
    layers: list[StoredLayer] = []

    def add(name: str, item: object) -> None:
        layer, _, index = name.rpartition('/')
        if not isinstance(item, h5py.Dataset) or not layer or not index.isdigit() or len(index) > 3:
            return
        if not layers or layers[-1].name != layer:
            layers.append(StoredLayer(layer, [], 0))
        if int(index) >= MAX_BLOBS or len(layers) > MAX_LAYERS:
            raise InputError(f'{path}: layer {shown(layer)}: more than {MAX_BLOBS} blobs or {MAX_LAYERS} layers')
        blobs = layers[-1].blobs
        blobs += [StoredBlob() for _ in range(int(index) + 1 - len(blobs))]
        blobs[int(index)] = _dataset(path, size, item, f'layer {shown(layer)} blob {index}')

    try:
        with h5py.File(path, 'r') as file:
            if not isinstance(file.get('data'), h5py.Group):
                raise InputError(f'{damaged}, found {shown(", ".join(list(file)[:5]))}')
            file['data'].visititems(add)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f'{damaged}, cannot read it; it is damaged, download it again') from None
    return layers


def _dataset(path: str, size: int, dataset: h5py.Dataset, where: str) -> StoredBlob:
    kind, offset = dataset.dtype, dataset.id.get_offset()
    if kind not in (np.dtype('<f4'), np.dtype('<f8')) or offset is None or len(dataset.shape or ()) > MAX_DIMS:
        raise InputError(
            f'{path}: {where}: expected contiguous float or double numbers, found {kind}'
            f'{" in another layout" if offset is None else ""}; save the snapshot again with Caffe'
        )
    if offset + dataset.size * kind.itemsize > size:
        raise InputError(f'{path}: {where}: numbers beyond the end of the file; it is truncated, download it again')
    return StoredBlob(dataset.shape, False, [Piece(offset, dataset.size, kind.itemsize, kind.itemsize)])
