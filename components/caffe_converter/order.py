# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The order in which Keras lists a converted model's layers; files loaded "in layer order" must have it."""

from __future__ import annotations

from components.caffe_converter.build_plan import helpers
from components.caffe_converter.network import Network, Step


def keras_order(network: Network) -> list[Step]:
    """The steps as `keras.Model.layers` of the converted model has them, found without Keras.

    Keras 3 (src/models/functional.py, map_graph) sorts by depth, the longest way to an output, deepest first; layers of
    one depth come in the order in which a walk from the outputs through each layer's inputs meets them first. A
    straight network keeps the prototxt's order.
    """
    maker = {blob: step for step in network.steps for blob in step.node.outputs}
    met: dict[int, int] = {}
    depths: dict[int, int] = {}
    # A walk with its own stack: a hostile network may be deeper than Python's recursion.
    for _, output, _ in network.outputs:
        stack = [output]
        while stack:
            step = maker.get(stack.pop())
            if step is not None and id(step) not in met:
                met[id(step)] = len(met)
                stack.extend(reversed(step.node.inputs))
    for step in reversed(network.steps):  # readers before what they read
        before, after = helpers(step)
        depths[id(step)] = depths.get(id(step), 0) + after
        for blob in step.node.inputs:
            if blob in maker:
                source = id(maker[blob])
                depths[source] = max(depths.get(source, 0), depths[id(step)] + before + 1)
    return sorted(network.steps, key=lambda step: (-depths[id(step)], met[id(step)]))
