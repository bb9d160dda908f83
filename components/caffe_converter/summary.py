# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A network's summary, as values and as a table. Shapes are Keras': no batch, H×W×C for an image."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from components.caffe_converter.layers.base import Shape, describe
from components.caffe_converter.message import printable, shown
from components.caffe_converter.network import Network, keras_shape
from components.errors import InputError


@dataclass(frozen=True)
class LayerRow:
    """One layer: names, type, line in the prototxt, first output's shape, number of weights, operations per image."""

    name: str
    keras_name: str
    type: str
    line: int
    output_shape: Shape
    parameters: int
    flops: int


@dataclass(frozen=True)
class NetworkSummary:
    """A network whose files match.

    Attributes:
      name: the network's name in the prototxt.
      prototxt, caffemodel: the paths.
      generation: of the file of weights, 'v1' or 'v2'.
      inputs: (name, shape) of each input.
      outputs: (layer, shape) of each output.
      layers: one row for each layer, in the order in which they run.
      skipped: names of the layers left out: unsupported ones and their dependents.
    """

    name: str
    prototxt: str
    caffemodel: str
    generation: str
    inputs: tuple[tuple[str, Shape], ...]
    outputs: tuple[tuple[str, Shape], ...]
    layers: tuple[LayerRow, ...]
    skipped: tuple[str, ...] = ()

    @property
    def input_shape(self) -> Shape:
        """(H, W, C) of the only input. Raises InputError if there are several."""
        if len(self.inputs) != 1:
            names = ', '.join(shown(name) for name, _ in self.inputs)
            raise InputError(
                f'{self.prototxt}: expected one input, found {len(self.inputs)} ({names}); use a network of one image'
            )
        return self.inputs[0][1]

    def _output(self) -> tuple[str, Shape]:
        if len(self.outputs) != 1:
            names = ', '.join(shown(name) for name, _ in self.outputs[:6])
            raise InputError(
                f'{self.prototxt}: expected one output, found {len(self.outputs)} ({names}); '
                'name the last layer to convert (output_layer)'
            )
        return self.outputs[0]

    @property
    def output_layer(self) -> str:
        """The Caffe name of the only output's layer. Raises InputError if there are several."""
        return self._output()[0]

    @property
    def output_shape(self) -> Shape:
        """The shape of the only output without the batch. Raises InputError if there are several."""
        return self._output()[1]

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return sum(row.parameters for row in self.layers)

    @property
    def flops(self) -> int:
        """Floating-point operations per image; a multiplication and an addition are two."""
        return sum(row.flops for row in self.layers)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), 'parameters': self.parameters, 'flops': self.flops}

    def table(self) -> str:
        """The layers as text: layer, type, output shape, parameters, operations per image."""
        rows = [('layer', 'type', 'output', 'parameters', 'MFLOP')]
        rows += [(printable(name), 'Input', describe(shape), '', '') for name, shape in self.inputs]
        for layer in self.layers:
            count = f'{layer.parameters:,}' if layer.parameters else ''
            cost = f'{layer.flops / 1e6:,.2f}' if layer.flops else ''
            rows.append((printable(layer.name), layer.type, describe(layer.output_shape), count, cost))
        rows.append(('total', '', '', f'{self.parameters:,}', f'{self.flops / 1e6:,.2f}'))
        w = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [f'{a:{w[0]}}  {b:{w[1]}}  {c:{w[2]}}  {d:>{w[3]}}  {e:>{w[4]}}'.rstrip() for a, b, c, d, e in rows]
        rule = '-' * max(len(line) for line in lines)
        return '\n'.join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def summarise(network: Network) -> NetworkSummary:
    """Summarises a matched network."""
    rows = []
    for step in network.steps:
        layer, plan = step.layer, step.plan
        shape, parameters = keras_shape(plan.tops[0].shape), sum(map(math.prod, plan.blobs))
        rows.append(
            LayerRow(layer.name, network.names[layer.name], layer.type, layer.line, shape, parameters, plan.flops)
        )
    return NetworkSummary(
        network.graph.name,
        network.graph.path,
        network.model.path if network.model else '',
        network.model.generation if network.model else network.graph.generation,
        tuple((name, keras_shape(shape)) for name, _, shape in network.inputs),
        tuple((name, keras_shape(blob.shape)) for name, _, blob in network.outputs),
        tuple(rows),
        tuple(layer.name for layer in network.skipped),
    )
