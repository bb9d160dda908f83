# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a layer type says about itself: output shapes, weights and cost, without Keras.

One function a layer type, found by its Caffe name in `PLANNERS`. It gets the layer and its inputs and gives a `Plan`;
`build/` turns a plan into Keras layers. Shapes here are Caffe's: batch first, then C, H, W for an image.

How Keras stores a Caffe blob: four axes N, C, H, W are stored N, H, W, C; every other number of axes as Caffe has them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from components.caffe_converter.message import Message, printable, shown
from components.errors import InputError

Shape = tuple[int, ...]

# Caffe counts a blob in an int (Blob::Reshape checks it) and allows 32 axes.
MAX_COUNT = 2**31 - 1
MAX_AXES = 32


@dataclass(frozen=True)
class Blob:
    """A blob between layers.

    Attributes:
      shape: Caffe's, batch first.
      chw: set where the blob is a flattened C×H×W image that Keras holds in H×W×C order; InnerProduct undoes it.
    """

    shape: Shape
    chw: tuple[int, int, int] | None = None


@dataclass(frozen=True)
class Weight:
    """One Keras weight: its name, its shape, and how it is drawn from the layer's Caffe blobs.

    `draw` gets the blobs in Caffe's shapes (float32) and gives an array whose `reshape(shape)` is the weight; it is a
    strided view wherever the numbers only change places, so that a writer can copy it piece by piece.
    """

    name: str
    shape: Shape
    draw: Callable[[Sequence[np.ndarray]], np.ndarray]


@dataclass
class Plan:
    """What a layer makes.

    Attributes:
      tops: the outputs.
      blobs: Caffe's shapes of the weights the file must hold.
      weights: the same weights as Keras layouts.
      flops: floating-point operations an image; a multiplication and an addition are two.
      options: numbers for the Keras builder.
    """

    tops: list[Blob]
    blobs: list[Shape] = field(default_factory=list)
    weights: list[Weight] = field(default_factory=list)
    flops: int = 0
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Layer:
    """A layer of the prototxt.

    Attributes:
      name: as written.
      type: the V2 type name; of V1 layers, what Caffe's upgrade makes of it.
      bottoms, tops: blob names.
      message: the prototxt's message, for the parameters.
      keep_order: a Flatten or Reshape whose output may not be held in H×W×C order (see network.py).
    """

    name: str
    type: str
    bottoms: list[str]
    tops: list[str]
    message: Message
    keep_order: bool = True

    def __str__(self) -> str:
        return f'layer {shown(self.name)} ({printable(self.type)})'

    @property
    def line(self) -> int:
        """The line the layer starts on."""
        return self.message.line

    def error(self, text: str, line: int | None = None) -> InputError:
        """An InputError that names file, line, layer and type."""
        return InputError(f'{self.message.path} line {line or self.line}: {self}: {text}')

    def param(self, name: str, *known: str) -> Message:
        """The parameter message `name` (empty where absent), checked to hold only `known` fields."""
        message = self.message.message(name)
        message.expect((*known, 'engine'), f'layer {shown(self.name)}: {name}')
        return message

    def bottoms_must_be(self, bottoms: Sequence[Blob], low: int, high: int | None = None) -> None:
        """Raises InputError unless the number of inputs is within [low, high] (high defaults to low)."""
        high = low if high is None else high
        if not low <= len(bottoms) <= high:
            wanted = str(low) if low == high else f'{low} to {high}' if high < 1000 else f'{low} or more'
            raise self.error(f'expected {wanted} bottom blobs, found {len(bottoms)}')

    def axis(self, message: Message, name: str, default: int, rank: int, low: int = 1) -> int:
        """An axis field, negative values counted from the end, within [low, rank)."""
        given = message.integer(name, default, -MAX_AXES, MAX_AXES)
        axis = given + rank if given < 0 else given
        if axis == 0 and low == 1 and rank:
            raise self.error(
                f'{name} {given} is the batch axis: the layer would mix the images of a batch', message.line_of(name)
            )
        if not low <= axis < rank:
            raise self.error(
                f'{name} must be from {low} to {rank - 1} for {rank} axes, found {given}', message.line_of(name)
            )
        return axis

    def image(self, blob: Blob) -> tuple[int, int, int]:
        """C, H, W of a blob that must have four axes."""
        if len(blob.shape) != 4:
            raise self.error(f'expected an input of four axes (N, C, H, W), found {describe(blob.shape)}')
        return blob.shape[1], blob.shape[2], blob.shape[3]

    def top(self, shape: Sequence[int]) -> Blob:
        """An output, checked to be of a size that Caffe can hold."""
        return Blob(self.checked(shape))

    def checked(self, shape: Sequence[int]) -> Shape:
        """`shape`, or InputError where Caffe could not hold it."""
        shape = tuple(shape)
        if any(n < 1 for n in shape) or math.prod(shape) > MAX_COUNT or len(shape) > MAX_AXES:
            raise self.error(
                f'expected an output that is not empty and has at most {MAX_COUNT} values, found {describe(shape)}'
            )
        return shape


Planner = Callable[[Layer, Sequence[Blob]], Plan]
PLANNERS: dict[str, Planner] = {}


def planner(*types: str) -> Callable[[Planner], Planner]:
    """Registers a function as the planner of Caffe layer types."""

    def register(function: Planner) -> Planner:
        for name in types:
            PLANNERS[name] = function
        return function

    return register


def describe(shape: Sequence[int]) -> str:
    """A shape for a message, e.g. '1×3×224×224'."""
    return '×'.join(str(n) for n in shape) if shape else 'no axes'


def stored_order(rank: int) -> tuple[int, ...]:
    """The Caffe axes in the order Keras stores them: (0, 2, 3, 1) for four axes, else unchanged."""
    return (0, 2, 3, 1) if rank == 4 else tuple(range(rank))


def stored_axis(axis: int, rank: int) -> int:
    """Where Keras stores Caffe's axis `axis`."""
    return stored_order(rank).index(axis)


def stored_shape(shape: Shape) -> Shape:
    """A Caffe shape as Keras stores it, batch included."""
    return tuple(shape[axis] for axis in stored_order(len(shape)))


def plain(index: int) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
    """Draws a blob as it is."""
    return lambda blobs: blobs[index]
