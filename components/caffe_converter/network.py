# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A network ready to convert: the wanted layers, their shapes, and the position of their weights in the file."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from components.caffe_converter.caffemodel_reader import CaffeModel
from components.caffe_converter.channels import channels_by_input
from components.caffe_converter.graph import Graph, Node, Source, build_graph
from components.caffe_converter.layer_names import REGION_TYPES, keras_names
from components.caffe_converter.layers import PLANNERS, Blob, Plan, Weight
from components.caffe_converter.layers.activation import POINTWISE
from components.caffe_converter.layers.base import MAX_COUNT, Layer, Shape, describe, stored_shape
from components.caffe_converter.matching import match
from components.caffe_converter.message import shown
from components.caffe_converter.prototxt import read_prototxt
from components.caffe_converter.stored import StoredBlob
from components.errors import InputError


@dataclass
class Step:
    """A layer with its plan, the Caffe shapes of its bottoms and, after `match`, its blobs in the file.

    `doubtful`: the shapes of its bottoms are a guess, because an unknown layer came before.
    """

    node: Node
    plan: Plan
    bottoms: list[Shape]
    stored: list[StoredBlob] = field(default_factory=list)
    doubtful: bool = False

    @property
    def layer(self) -> Layer:
        """The layer of the prototxt."""
        return self.node.layer


@dataclass
class Network:
    """The part of a network that the wanted outputs need.

    Attributes:
      graph: the whole network.
      inputs: (name, blob number, Caffe shape).
      steps: the layers in the prototxt's order, in which they can run.
      outputs: (layer name, blob number, blob).
      skipped: layers that skip_unknown left out: unknown ones and their dependents, or (weights_only) those without
        known shapes, which `steps` has as layers without weights.
      names: Caffe layer name → Keras layer name.
      input_names: the inputs' Keras names, in order.
      model: the file of weights, after `match`.
    """

    graph: Graph
    inputs: list[tuple[str, int, Shape]]
    steps: list[Step]
    outputs: list[tuple[str, int, Blob]]
    skipped: list[Layer]
    names: dict[str, str]
    input_names: list[str]
    model: CaffeModel | None = None

    def weights(self, step: Step) -> Iterator[tuple[Weight, np.ndarray]]:
        """Yields a layer's Keras weights, each with an array to reshape to its shape; most are views of the file.

        Releases the file's pages after the last weight: use or copy each array before taking the next.
        """
        if not step.plan.weights or self.model is None:
            return
        pairs = zip(step.stored, step.plan.blobs, strict=True)
        arrays = [self.model.array(blob, shape) for blob, shape in pairs]
        for weight in step.plan.weights:
            yield weight, weight.draw(arrays)
        for blob in step.stored:
            self.model.release(blob)


def plan_network(
    prototxt: str | os.PathLike[str] | Graph,
    *,
    output_layer: str | None = None,
    input_size: tuple[int, int] | None = None,
    skip_unknown: bool = False,
    weights_only: bool = False,
    channels: CaffeModel | None = None,
    shapes_too: bool = False,
    input_shapes: Mapping[str, Shape] | None = None,
) -> Network:
    """Plans the wanted part of a network: its layers, shapes and Keras names.

    Args:
      prototxt: the file, or its graph.
      output_layer: the last layer to convert; None for all outputs of the network.
      input_size: height and width of image inputs, overriding the prototxt.
      skip_unknown: leave out unknown layers and their dependents instead of raising.
      weights_only: with skip_unknown, keep the dependents of unknown layers, as if those kept their input's shape.
      channels: the file of weights: it tells a data layer's number of channels, and the forks' kinds of BN apart.
      shapes_too: keep layers of which only the output's shape is needed (by Crop, Interp and PriorBox).
      input_shapes: input → its shape without the batch, in Caffe's order, overriding the prototxt.

    Raises:
      InputError: names the file, line and layer.
    """
    graph = prototxt if isinstance(prototxt, Graph) else build_graph(read_prototxt(prototxt))
    skipped: list[Node] = []
    guess = skip_unknown and weights_only
    if skip_unknown and not guess:
        graph, skipped = graph.of_types(PLANNERS)
    if output_layer is None:
        if not graph.outputs:
            raise InputError(
                f'{graph.path}: expected a network with an output, found none; name the last layer with --output-layer'
            )
        wanted = graph.outputs
    else:
        node = graph.node(output_layer)
        wanted = [(node, blob) for blob in node.outputs]
    nodes = graph.ancestors([node for node, _ in wanted])
    used = {blob for node in nodes for blob in node.inputs}
    known = channels_by_input(nodes, channels) if channels else {}
    stored = {one.name: [blob.shape for blob in one.blobs] for one in channels.layers if one.blobs} if channels else {}
    blobs: dict[int, Blob] = {}
    inputs = []
    given = input_shapes or {}
    if wrong := given.keys() - {source.name for source in graph.sources}:
        sources = ', '.join(shown(source.name) for source in graph.sources[:6]) or 'none'
        raise InputError(f'{graph.path}: expected the name of an input ({sources}), found {shown(min(wrong))}')
    for source in graph.sources:
        if source.blob in used:
            shape = _input_shape(graph, source, input_size, known, given.get(source.name))
            blobs[source.blob] = Blob(shape)
            inputs.append((source.name, source.blob, shape))
    if not inputs:
        raise InputError(f'{graph.path}: expected a network with an input, found none; add an Input layer')
    _allow_keras_order(nodes, {blob for _, blob in wanted})
    steps = []
    doubtful: set[int] = set()  # blobs of guessed shapes
    for node in nodes:
        bottoms = [blobs[blob] for blob in node.inputs]
        node.layer.stored = stored.get(node.layer.stored_name, [])
        uncertain = guess and bool(doubtful & set(node.inputs))
        try:
            plan = _plan(node, bottoms)
        except InputError:
            if not uncertain and not (guess and node.layer.type not in PLANNERS):
                raise
            plan = Plan([_assumed(bottoms, known.get(blob)) for blob in node.outputs])
            skipped.append(node)
            doubtful |= set(node.outputs)
        if uncertain and node.layer.type != 'InnerProduct':  # whose output does not depend on its input's shape
            doubtful |= set(node.outputs)
        blobs.update(zip(node.outputs, plan.tops, strict=True))
        if node.layer.type in ('Crop', 'Interp', 'PriorBox'):  # these read only the shape of the second input
            node = replace(node, inputs=node.inputs[:1])
        steps.append(Step(node, plan, [bottom.shape for bottom in bottoms], doubtful=uncertain))
    _check_names(steps)
    if not shapes_too:
        steps, inputs = _for_values(steps, inputs, {blob for _, blob in wanted})
    layer_names = {step.layer.name for step in steps}
    # Caffe allows a blob and a layer of one name; Keras has only one kind of name.
    wishes = [name if name not in layer_names else f'{name}_input' for name, _, _ in inputs]
    while clash := layer_names & set(wishes):
        wishes = [f'{wish}_' if wish in clash else wish for wish in wishes]
    names = keras_names([*(step.layer.name for step in steps), *wishes])
    return Network(
        graph,
        inputs,
        steps,
        [(node.layer.name, blob, blobs[blob]) for node, blob in wanted],
        [node.layer for node in skipped],
        names,
        [names[wish] for wish in wishes],
    )


def _check_names(steps: list[Step]) -> None:
    """Raises InputError if a layer with weights has the name of an earlier layer: weights match by name."""
    first: dict[str, Step] = {}
    for step in steps:
        other = first.setdefault(step.layer.stored_name, step)
        if other is not step and step.plan.blobs:
            raise step.layer.error(
                f'another layer has this name (line {other.layer.line}); weights match by name: give each layer its own'
            )


def _for_values(
    steps: list[Step], inputs: list[tuple[str, int, Shape]], outputs: set[int]
) -> tuple[list[Step], list[tuple[str, int, Shape]]]:
    """The steps and inputs that the values of the outputs need."""
    needed = set(outputs)
    kept = []
    for step in reversed(steps):
        if needed & set(step.node.outputs):
            needed |= set(step.node.inputs)
            kept.append(step)
    return kept[::-1], [source for source in inputs if source[1] in needed]


def _assumed(bottoms: list[Blob], channels: int | None) -> Blob:
    """The output of an unknown layer: like its first input, with the channels that the weights of its reader need."""
    bottom = bottoms[0] if bottoms else Blob((1,))  # a Parameter layer has none
    shape = bottom.shape
    return Blob((shape[0], channels, *shape[2:])) if channels and len(shape) == 4 else bottom


def _plan(node: Node, bottoms: list[Blob]) -> Plan:
    layer = node.layer
    planner = PLANNERS.get(layer.type)
    if planner is None:
        if layer.type in REGION_TYPES:
            raise layer.error(
                'its blobs are regions of the whole batch, which a Keras model cannot give image by image; convert up '
                'to a layer before it with --output-layer, or leave it out with --skip_unknown'
            )
        types = {known.upper(): known for known in PLANNERS}  # V1's names of forks are in capitals
        close = difflib.get_close_matches(layer.type[:40].upper(), types, 1, 0.8)
        hint = f'did you mean {types[close[0]]}? Or ' if close else ''
        raise layer.error(
            f'this layer type is not supported; {hint}convert up to a layer before it with --output-layer, '
            'or leave it out with --skip_unknown'
        )
    layer.check_fields()
    plan = planner(layer, bottoms)
    if len(plan.tops) != len(node.outputs):
        raise layer.error(f'expected {len(plan.tops)} top blobs, found {len(node.outputs)}; add or remove a top')
    if any(math.prod(shape) > MAX_COUNT for shape in plan.blobs):
        raise layer.error(f'expected weights of at most {MAX_COUNT} numbers, found {plan.blobs}')
    return plan


def _input_shape(
    graph: Graph, source: Source, size: tuple[int, int] | None, channels: dict[int, int], given: Shape | None
) -> Shape:
    shape = source.shape
    if given is not None:
        shape, size = (shape[0] if shape and shape[0] > 0 else 1, *given), None
    elif shape is None and size is not None and source.blob in channels:
        shape = (1, channels[source.blob], *size)
    if shape is not None and len(shape) == 4:
        if size is not None:
            shape = (*shape[:2], *size)
        if source.problem and given is None:
            shape = (shape[0], channels.get(source.blob, shape[1]), *shape[2:])
    if shape is None or min(shape) < 1:
        problem = source.problem if given is None else f'expected sizes of at least 1, found {describe(given)}'
        problem = problem or (
            'its shape is not in the prototxt; give it with --input-shape NAME=C,H,W (or --input-size H W if a '
            'convolution reads it)'
        )
        raise InputError(f'{graph.path}: input {shown(source.name)}: {problem}')
    if math.prod(shape) > MAX_COUNT:
        raise InputError(
            f'{graph.path}: input {shown(source.name)}: expected at most {MAX_COUNT} values, found {describe(shape)}'
        )
    return shape


def _allow_keras_order(nodes: list[Node], outputs: set[int]) -> None:
    """Finds each Flatten and Reshape whose order of values matters only to InnerProduct layers.

    Keras' own Flatten (H×W×C) can replace those: the matrix of InnerProduct is permuted instead of the data.
    """
    readers: dict[int, list[Node]] = {}
    for node in nodes:
        for blob in node.inputs:
            readers.setdefault(blob, []).append(node)
    order_free: dict[int, bool] = {}  # layer → it accepts its input's values in any order
    for node in reversed(nodes):  # readers before what they read
        layer = node.layer
        after = not outputs & set(node.outputs) and all(
            order_free[id(reader)] for blob in node.outputs for reader in readers.get(blob, [])
        )
        if layer.type == 'InnerProduct':
            order_free[id(node)] = layer.message.message('inner_product_param').integer('axis', 1, -32, 32) == 1
        else:
            keeps = layer.type in POINTWISE or (layer.type == 'Flatten' and 'flatten_param' not in layer.message)
            order_free[id(node)] = keeps and after
        if layer.type in ('Flatten', 'Reshape'):
            layer.keep_order = not after


def keras_shape(shape: Shape) -> Shape:
    """A Caffe shape in the stored order, without the batch: (H, W, C) for an image."""
    return stored_shape(shape)[1:]


def open_network(
    prototxt: str | os.PathLike[str],
    caffemodel: str | os.PathLike[str],
    *,
    output_layer: str | None = None,
    input_size: tuple[int, int] | None = None,
    skip_unknown: bool = False,
    weights_only: bool = False,
    input_shapes: Mapping[str, Shape] | None = None,
) -> Network:
    """Reads both files and matches them; see plan_network and match for arguments and errors."""
    # The prototxt first: it is small, and gives the better message for swapped arguments.
    graph = build_graph(read_prototxt(prototxt))
    model = CaffeModel(caffemodel)
    network = plan_network(
        graph, output_layer=output_layer, input_size=input_size, skip_unknown=skip_unknown, channels=model,
        input_shapes=input_shapes, weights_only=weights_only,
    )  # fmt: skip
    match(network, model)
    return network
