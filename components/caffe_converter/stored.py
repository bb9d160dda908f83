# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Where a file of weights has its layers and blobs, and how many it may have."""

from __future__ import annotations

from dataclasses import dataclass, field

# These bound the memory that a hostile file can cost; published networks are far below them.
MAX_LAYERS = 20_000
MAX_BLOBS = 64
MAX_DIMS = 32  # Caffe's kMaxBlobAxes
MAX_PIECES = 1_000


@dataclass(frozen=True)
class Piece:
    """A run of `count` numbers of `size` bytes each, from byte `start`, one every `stride` bytes."""

    start: int
    count: int
    stride: int
    size: int


@dataclass
class StoredBlob:
    """The position of one blob's numbers, and the shape in the file (Caffe's axis order)."""

    shape: tuple[int, ...] = ()
    legacy: bool = False  # num, channels, height, width, written before Caffe had N-D blobs
    pieces: list[Piece] = field(default_factory=list)

    @property
    def missing(self) -> bool:
        """Whether it has neither a shape nor numbers, as the blobs that an HDF5 snapshot leaves out."""
        return not self.shape and not self.pieces

    @property
    def count(self) -> int:
        """How many numbers the file contains for it."""
        return sum(piece.count for piece in self.pieces)


@dataclass
class StoredLayer:
    """A layer of the file: its name, blobs and first byte."""

    name: str
    blobs: list[StoredBlob]
    offset: int
