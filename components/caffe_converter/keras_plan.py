# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Which Keras layers stand for a Caffe layer, and their order in the model; both are found without Keras."""

from __future__ import annotations

from components.caffe_converter.layers.linear import DEPTHWISE
from components.caffe_converter.network import Network, Step


def is_same_padding(step: Step) -> bool:
    """Whether a Convolution's padding is Keras' 'same': stride 1, and half the kernel's extent on each side."""
    o = step.plan.options
    return o['stride'] == (1, 1) and all(
        2 * p == d * (k - 1) for p, d, k in zip(o['pad'], o['dilation'], o['kernel'], strict=True)
    )


def is_plain_transpose(step: Step) -> bool:
    """Whether a Deconvolution is a Conv2DTranspose: no groups, no dilation, a kernel no smaller than its stride.

    (Without padding, Conv2DTranspose gives stride · (n - 1) + kernel values only where kernel ≥ stride.)
    """
    o = step.plan.options
    small = any(k < s for k, s in zip(o['kernel'], o['stride'], strict=True))
    return o['group'] == 1 and max(o['dilation']) == 1 and not small


def helpers(step: Step) -> tuple[int, int]:
    """The numbers of helper layers before (padding, flattening) and after (cropping, scaling) the layer."""
    o = step.plan.options
    if not o:  # also a layer that was left out
        return 0, 0
    if step.layer.type == 'Dropout':
        return 0, int(o['factor'] != 1)
    if step.layer.type in ('Convolution', *DEPTHWISE):
        return int(o['pad'] != (0, 0) and not is_same_padding(step)), 0
    if step.layer.type == 'Deconvolution':
        return 0, int(o['pad'] != (0, 0) and is_plain_transpose(step))
    if step.layer.type == 'InnerProduct':
        return int(o['axis'] == 1 and len(o['shape']) != 2), 0
    if step.layer.type == 'Embed':
        return int(o['rank'] == 4), int(o['rank'] == 3)
    if step.layer.type == 'Exp':
        return int((o['scale'], o['shift']) != (1, 0)), 0
    if step.layer.type == 'Swish':
        return 2 * int(o['beta'] not in (0, 1)), 0
    if step.layer.type == 'SPP':
        return 2 * int(len(o['levels']) > 1), 0
    return 2 * int(step.layer.type in ('ShuffleChannel', 'Tile')), 0


def _before(step: Step, bottom: int) -> int:
    """The number of helper layers between one of the layer's inputs and the layer."""
    if step.layer.type == 'Axpy':
        return (1 + step.plan.options['flat'], 1, 0)[bottom]
    return helpers(step)[0]


def keras_order(network: Network) -> list[Step]:
    """The steps in the order of `keras.Model.layers`, in which Keras reads an .h5 file "in layer order".

    Keras 3 (src/models/functional.py, map_graph) sorts by depth, the longest path to an output, deepest first. Layers
    of equal depth come in the order in which a walk from the outputs through each layer's inputs meets them first. A
    network without branches keeps the prototxt's order.
    """
    maker = {blob: step for step in network.steps for blob in step.node.outputs}
    met: dict[int, int] = {}
    depths: dict[int, int] = {}
    # The walk has its own stack: a hostile network may be deeper than Python's recursion limit.
    for _, output, _ in network.outputs:
        stack = [output]
        while stack:
            step = maker.get(stack.pop())
            if step is not None and id(step) not in met:
                met[id(step)] = len(met)
                stack.extend(reversed(step.node.inputs))
    for step in reversed(network.steps):  # readers before what they read
        depths[id(step)] = depths.get(id(step), 0) + helpers(step)[1]
        for at, blob in enumerate(step.node.inputs):
            if blob in maker:
                source = id(maker[blob])
                depths[source] = max(depths.get(source, 0), depths[id(step)] + _before(step, at) + 1)
    return sorted(network.steps, key=lambda step: (-depths[id(step)], met[id(step)]))
