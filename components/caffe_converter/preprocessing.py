# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What Caffe's data layers do to an image before the network (data_transformer.cpp): (x - mean) · scale."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from components.caffe_converter.caffemodel_reader import BlobFile
from components.caffe_converter.graph import Source
from components.caffe_converter.layers.base import Layer, Shape, describe
from components.caffe_converter.message import shown
from components.caffe_converter.network import Network
from components.errors import InputError

# The data layers with transform_param, and where V1 files of 2013 have the same fields.
_OLD_PARAMS = {'Data': 'data_param', 'ImageData': 'image_data_param', 'WindowData': 'window_data_param'}
_TRANSFORMING = {*_OLD_PARAMS, 'MemoryData', 'AnnotatedData'}


@dataclass(frozen=True)
class Preprocessing:
    """The data layer's arithmetic for one input.

    Attributes:
      layer: the data layer.
      name, shape: the input's, Caffe's shape.
      scale: the factor, after the mean.
      mean_value: one number, one for each channel in the order of the network (BGR), or none.
      mean_file: the mean image as written in the prototxt, or ''.
    """

    layer: Layer
    name: str
    shape: Shape
    scale: float
    mean_value: tuple[float, ...]
    mean_file: str

    def __str__(self) -> str:
        mean = ', '.join(f'{value:g}' for value in self.mean_value) or (self.mean_file and shown(self.mean_file))
        steps = [f'subtracts the mean {mean}'] * bool(mean) + [f'multiplies by {self.scale:g}'] * (self.scale != 1)
        return f'input {shown(self.name)}: {self.layer} {" and ".join(steps) or "changes no value"}'

    @property
    def changes(self) -> bool:
        """Whether it changes a value."""
        return bool(self.mean_value or self.mean_file) or self.scale != 1

    def mean(self, prototxt: str) -> np.ndarray:
        """The mean, float32 [C] or [H, W, C], in the network's order of channels; [0] without a mean.

        A mean image is searched at its path, and by its name beside the prototxt; as Caffe does at test time, the
        network's size is cut from its centre.

        Raises:
          InputError: the mean does not fit the input, or the file is missing or damaged.
        """
        channels, height, width = self.shape[1:]
        if not self.mean_file:
            if len(self.mean_value) not in (0, 1, channels):
                raise self.layer.error(
                    f'expected one mean_value or one for each of {channels} channels, found {len(self.mean_value)}'
                )
            return np.array(self.mean_value or [0], np.float32)
        beside = os.path.join(os.path.dirname(prototxt), os.path.basename(self.mean_file))
        path = next((path for path in (self.mean_file, beside) if os.path.isfile(path)), '')
        if not path:
            raise self.layer.error(
                f'expected the mean_file {shown(self.mean_file)}, found no such file; copy it beside the prototxt'
            )
        image = BlobFile(path).image()
        if image.shape[0] != channels or image.shape[1] < height or image.shape[2] < width:
            raise InputError(
                f'{path}: expected a mean image of at least {describe(self.shape[1:])} (C×H×W), '
                f'found {describe(image.shape)}; use the mean_file of this network'
            )
        top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
        return np.ascontiguousarray(image[:, top : top + height, left : left + width].transpose(1, 2, 0))


def preprocessing_of(network: Network) -> dict[int, Preprocessing]:
    """Blob number → the preprocessing of each input that is a data layer's image."""
    shapes = {blob: shape for _, blob, shape in network.inputs}
    found = [
        _read(source, source.layer, shapes[source.blob])
        for source in network.graph.sources
        if source.blob in shapes and source.layer and source.layer.type in _TRANSFORMING
        and source.name == source.layer.tops[0] and len(shapes[source.blob]) == 4
    ]  # fmt: skip
    return dict(found)


def _read(source: Source, layer: Layer, shape: Shape) -> tuple[int, Preprocessing]:
    new = layer.message.message('transform_param')
    old = layer.message.message(_OLD_PARAMS.get(layer.type, 'transform_param'))
    values = tuple(new.numbers('mean_value'))
    file = new.string('mean_file', '') or old.string('mean_file', '')
    if values and file:
        raise layer.error('expected mean_value or mean_file, found both; keep one', new.line_of('mean_value'))
    scale = new.number('scale', old.number('scale', 1.0))
    return source.blob, Preprocessing(layer, source.name, shape, scale, values, file)
