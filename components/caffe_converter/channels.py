# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The channels of an input that the prototxt does not give, from the weights of the layers that read it."""

from __future__ import annotations

from components.caffe_converter.caffemodel_reader import CaffeModel
from components.caffe_converter.graph import Node
from components.caffe_converter.layers.activation import POINTWISE

_KEEP_CHANNELS = POINTWISE | {'Pooling', 'LRN', 'BatchNorm', 'BN', 'MVN', 'Scale', 'Bias', 'PReLU'}


def channels_by_input(nodes: list[Node], model: CaffeModel) -> dict[int, int]:
    """Input blob → the channels that the first convolution's weights need; a data layer does not give them."""
    stored = {one.name: one.blobs[0].shape for one in model.layers if one.blobs and len(one.blobs[0].shape) == 4}
    found: dict[int, int] = {}
    for node in reversed(nodes):  # readers before what they read
        layer = node.layer
        if layer.type == 'Convolution' and layer.stored_name in stored:
            group = layer.message.message('convolution_param').integer('group', 1, 1)
            found.update(dict.fromkeys(node.inputs, stored[layer.stored_name][1] * group))
        elif layer.type in _KEEP_CHANNELS and node.outputs[0] in found:
            found.setdefault(node.inputs[0], found[node.outputs[0]])
        elif layer.type == 'Slice' and (count := _sliced_channels(node, found)):
            found.setdefault(node.inputs[0], count)
    return found


def _sliced_channels(node: Node, found: dict[int, int]) -> int:
    """The channels that a Slice cuts, from those of its outputs; 0 if they are unknown (siamese networks)."""
    param = node.layer.message.message('slice_param')
    if param.integer('axis', 1, -32) != 1 or param.integer('slice_dim', 1) != 1:
        return 0
    if points := param.integers('slice_point'):
        return points[-1] + found[node.outputs[-1]] if node.outputs[-1] in found else 0
    known = [found[blob] for blob in node.outputs if blob in found]
    return known[0] * len(node.outputs) if known else 0
