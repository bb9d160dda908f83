# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The converter's functions: check, convert, read_weights."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from components.caffe_converter.copying import owned
from components.caffe_converter.network import open_network
from components.caffe_converter.summary import NetworkSummary, summarise

if TYPE_CHECKING:
    import keras

Path = str | os.PathLike[str]


def check(
    prototxt: Path,
    caffemodel: Path,
    *,
    output_layer: str | None = None,
    input_size: tuple[int, int] | None = None,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> NetworkSummary:
    """Checks that two files match and can be converted, without loading weights or importing Keras.

    Takes milliseconds for a file of any size.

    Args:
      prototxt: the network, V1 or V2 text format; the TEST network of a train_val file.
      caffemodel: its weights, V1 or V2.
      output_layer: the Caffe name of the last layer to convert; None for every output of the network.
      input_size: height and width of image inputs, overriding the prototxt.
      input_shapes: input → its shape without the batch in Caffe's order, (C, H, W), overriding the prototxt.

    Raises:
      InputError: one line that names the file, the layer, what was expected and what was found.
    """
    network = open_network(
        prototxt, caffemodel, output_layer=output_layer, input_size=input_size, input_shapes=input_shapes
    )
    return summarise(network)


def convert(
    prototxt: Path,
    caffemodel: Path,
    *,
    output_layer: str | None = None,
    input_size: tuple[int, int] | None = None,
    skip_unknown: bool = False,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    with_preprocessing: bool = False,
    quiet: bool = True,
) -> keras.Model:
    """Converts a network to a Keras model that computes the same as Caffe.

    Args:
      prototxt, caffemodel, output_layer, input_size, input_shapes: as for `check`.
      skip_unknown: leave out layers of unknown types and their dependents.
      with_preprocessing: put mean, scale and channel order of the prototxt's data layer (`transform_param`) into the
        model. Its input is then RGB (or gray), 0-255, of the network's size.
      quiet: show no progress.

    Returns:
      A functional model. Inputs: float32 [B, H, W, C], as in training (VGG-Face: BGR, 0-255, minus the mean). Output:
      that of `output_layer`, or a list of all outputs if there are several; images are [B, H, W, C], vectors [B, C].
      Layers keep their Caffe names ('/' becomes '_'), so `conv5_1` can be unfrozen by name; helper layers are named
      after their layer (`conv1_pad`, `fc6_flatten`).

    Raises:
      InputError: as for `check`.
    """
    network = open_network(
        prototxt, caffemodel, output_layer=output_layer, input_size=input_size, skip_unknown=skip_unknown,
        input_shapes=input_shapes,
    )  # fmt: skip
    from components.caffe_converter.build import build_model

    return build_model(network, quiet, with_preprocessing)


def read_weights(
    prototxt: Path,
    caffemodel: Path,
    *,
    output_layer: str | None = None,
    input_size: tuple[int, int] | None = None,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
) -> dict[str, list[np.ndarray]]:
    """Reads the weights: Caffe layer name → float32 arrays in Keras' layouts.

    | layer | weights |
    | --- | --- |
    | Convolution | kernel [kh, kw, in/group, out], or [kh, kw, in, multiplier] of a depthwise one; bias [out] |
    | Deconvolution | kernel [kh, kw, out/group, in], bias [out] |
    | InnerProduct | kernel [in, out], bias [out]; `in` runs over H, W, C if the input is an image |
    | BatchNorm | moving mean [C], moving variance [C], divided by Caffe's scale factor |
    | BN | gamma, beta, moving mean, moving variance, all [C]; of SegNet's BN, mean 0 and variance 1 |
    | Scale, Bias | gamma, beta: [C], or the input's shape without leading ones |
    | PReLU | alpha, 1 on every axis that shares it: [1, 1, C] for an image |
    | Normalize | scale [C] or [1] |
    | Embed | embeddings [inputs, out], with the bias added |

    All arrays are in memory at once. Raises InputError as `check` does.
    """
    network = open_network(
        prototxt, caffemodel, output_layer=output_layer, input_size=input_size, input_shapes=input_shapes
    )
    return {
        step.layer.name: [owned(values).reshape(weight.shape) for weight, values in network.weights(step)]
        for step in network.steps
        if step.plan.weights
    }
