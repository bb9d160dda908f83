# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Plans a layer without Keras: output shapes, weights and cost.

`PLANNERS` has one function for each Caffe layer type. It takes the layer and its inputs and returns a `Plan`, which
`build.py` turns into Keras layers. Shapes are Caffe's: batch first, then C, H, W for an image.

The model stores a blob of four axes N, C, H, W as N, H, W, C, and any other number of axes as Caffe does.
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

# The fields of caffe.proto's LayerParameter and V1LayerParameter, and those of SSD's and Faster R-CNN's forks.
_LAYER_FIELD_NAMES = """
name type bottom top phase loss_weight param blobs propagate_down include exclude blobs_lr weight_decay blob_share_mode
transform_param loss_param accuracy_param argmax_param batch_norm_param bias_param concat_param contrastive_loss_param
convolution_param crop_param data_param dropout_param dummy_data_param eltwise_param elu_param embed_param exp_param
flatten_param hdf5_data_param hdf5_output_param hinge_loss_param image_data_param infogain_loss_param
inner_product_param input_param log_param lrn_param memory_data_param mvn_param parameter_param pooling_param
power_param prelu_param python_param recurrent_param reduction_param relu_param reshape_param scale_param
sigmoid_param softmax_param spp_param slice_param swish_param tanh_param threshold_param tile_param window_data_param
absval_param split_param norm_param permute_param bn_param interp_param upsample_param shuffle_channel_param relu6_param
prior_box_param detection_output_param
"""
_LAYER_FIELDS = frozenset(_LAYER_FIELD_NAMES.split())
_WITH_ENGINE = frozenset({
    'bn_param', 'convolution_param', 'lrn_param', 'pooling_param', 'relu_param', 'sigmoid_param', 'softmax_param',
    'spp_param', 'tanh_param',
})  # fmt: skip


@dataclass(frozen=True)
class Mask:
    """What a mask of MAX pooling points into: an image's (height, width); and whether the windows overlap."""

    size: tuple[int, int]
    overlap: bool


@dataclass(frozen=True)
class Blob:
    """A blob between layers.

    Attributes:
      shape: Caffe's, batch first.
      chw: (C, H, W) of an image that was flattened in H×W×C order; InnerProduct permutes its matrix accordingly.
      mask: what its numbers are if it is the mask of MAX pooling.
    """

    shape: Shape
    chw: tuple[int, int, int] | None = None
    mask: Mask | None = None


@dataclass(frozen=True)
class Weight:
    """One Keras weight: its name, its shape, and how to make it from the layer's Caffe blobs.

    `draw` takes the blobs (float32, Caffe's shapes) and returns an array whose `reshape(shape)` is the weight. If the
    numbers only move, that array is a strided view, which a writer can copy piece by piece.
    """

    name: str
    shape: Shape
    draw: Callable[[Sequence[np.ndarray]], np.ndarray]


@dataclass
class Plan:
    """A layer's outputs, weights and cost.

    Attributes:
      tops: the outputs.
      blobs: Caffe's shapes of the weights that the file must contain.
      weights: the same weights in Keras' layouts.
      flops: floating-point operations per image; a multiplication and an addition are two.
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
      name: as written; made unique for a second layer of the same name or without one.
      type: the V2 type name; a V1 type is converted as Caffe's upgrade does.
      bottoms, tops: blob names.
      message: the prototxt's message, for the parameters.
      stored_name: the name of its weights in the file: as written.
      keep_order: whether a Flatten or Reshape must keep Caffe's order of values (see network.py).
      stored: the shapes of its blobs in the file of weights, if that is known.
    """

    name: str
    type: str
    bottoms: list[str]
    tops: list[str]
    message: Message
    stored_name: str = ''
    keep_order: bool = True
    stored: list[Shape] = field(default_factory=list)

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
        """The parameter message `name`, empty if absent. Raises InputError for fields other than `known`."""
        message = self.message.message(name)
        engine = ('engine',) if name in _WITH_ENGINE else ()
        message.expect((*known, *engine), f'layer {shown(self.name)}: {name}')
        return message

    def check_fields(self) -> None:
        """Raises InputError for a field of the layer that neither Caffe nor a supported fork has."""
        for one in self.message.fields.get('param', ()):
            if isinstance(one.value, Message):
                one.value.expect(('name', 'share_mode', 'lr_mult', 'decay_mult'), f'layer {shown(self.name)}: param')
        self.message.expect(_LAYER_FIELDS, str(self))
        phase = self.message.enum('phase', {0: 'TRAIN', 1: 'TEST'}, 'TEST')
        if phase == 'TRAIN' and self.type in ('BatchNorm', 'Dropout'):
            raise self.error(
                'phase: TRAIN makes it random at test time; remove the field', self.message.line_of('phase')
            )

    def shared_parameters(self) -> list[tuple[str, bool]]:
        """(name or '', whether only the count must match) of each `param { name: "w" }`, or V1's `param: "w"`."""
        modes = [mode.word for mode in self.message.fields.get('blob_share_mode', ())]
        result = []
        for index, one in enumerate(self.message.fields.get('param', ())):
            if isinstance(one.value, Message):
                mode = one.value.enum('share_mode', {0: 'STRICT', 1: 'PERMISSIVE'}, 'STRICT')
                result.append((one.value.string('name', ''), mode == 'PERMISSIVE'))
            else:
                result.append((one.value, modes[index : index + 1] in (['PERMISSIVE'], ['1'])))
        return result

    def axis(self, message: Message, name: str, default: int, rank: int, low: int = 1) -> int:
        """Reads an axis in [low, rank); negative values count from the end."""
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

    def channels(self, blob: Blob) -> int:
        """The size of a blob's axis 1. Raises InputError if it has fewer than two axes."""
        if len(blob.shape) < 2:
            raise self.error(f'expected an input of two axes or more, found {describe(blob.shape)}')
        return blob.shape[1]

    def image(self, blob: Blob) -> tuple[int, int, int]:
        """C, H, W of a blob. Raises InputError unless it has four axes."""
        if len(blob.shape) != 4:
            raise self.error(f'expected an input of four axes (N, C, H, W), found {describe(blob.shape)}')
        return blob.shape[1], blob.shape[2], blob.shape[3]

    def top(self, shape: Sequence[int]) -> Blob:
        """An output. Raises InputError for a shape that Caffe cannot hold."""
        shape = tuple(shape)
        if any(n < 1 for n in shape) or math.prod(shape) > MAX_COUNT or len(shape) > MAX_AXES:
            raise self.error(
                f'expected an output that is not empty and has at most {MAX_COUNT} values, found {describe(shape)}'
            )
        return Blob(shape)


Planner = Callable[[Layer, Sequence[Blob]], Plan]
PLANNERS: dict[str, Planner] = {}


def planner(*types: str, bottoms: tuple[int, int] = (1, 1)) -> Callable[[Planner], Planner]:
    """Registers a function as the planner of Caffe layer types whose number of bottoms is in [low, high]."""
    low, high = bottoms

    def register(function: Planner) -> Planner:
        def checked(layer: Layer, given: Sequence[Blob]) -> Plan:
            if not low <= len(given) <= high:
                wanted = str(low) if low == high else f'{low} to {high}' if high < 1000 else f'{low} or more'
                raise layer.error(f'number of bottom blobs: expected {wanted}, found {len(given)}')
            return function(layer, given)

        PLANNERS.update(dict.fromkeys(types, checked))
        return function

    return register


def describe(shape: Sequence[int]) -> str:
    """A shape for a message: '1×3×224×224', or 'a single number' for ()."""
    return '×'.join(str(n) for n in shape) if shape else 'a single number'


def stored_order(rank: int) -> tuple[int, ...]:
    """Caffe's axes in the stored order: (0, 2, 3, 1) for four axes, else unchanged."""
    return (0, 2, 3, 1) if rank == 4 else tuple(range(rank))


def stored_axis(axis: int, rank: int) -> int:
    """The stored position of Caffe's axis `axis`."""
    return stored_order(rank).index(axis)


def stored_shape(shape: Shape) -> Shape:
    """A Caffe shape in the stored order, batch included."""
    return tuple(shape[axis] for axis in stored_order(len(shape)))


def plain(index: int) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
    """Returns a blob unchanged."""
    return lambda blobs: blobs[index]
