# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Turns a prototxt into the graph that Caffe would run at test time: its layers and the blobs they share.

Follows net.cpp and upgrade_proto.cpp of BVLC/caffe: phase rules, in-place tops, V0 and V1 layers as their V2 types.
Leaves out layers that only training needs; a blob that only they consumed becomes an output.
"""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace

from components.caffe_converter.input_shapes import data_shape, declared_shapes
from components.caffe_converter.layer_names import DATA_TYPES, TRAINING_TYPES, V1_NAMES, v2_type
from components.caffe_converter.layers import PLANNERS, Layer
from components.caffe_converter.layers.base import Shape
from components.caffe_converter.message import Message, shown
from components.caffe_converter.v0 import upgrade
from components.errors import InputError

WEIGHT_SOURCES = frozenset({'Parameter'})  # layers without bottoms that are no data layers

_NET = (
    'name', 'input', 'input_shape', 'input_dim', 'force_backward', 'state', 'debug_info', 'layer', 'layers',
)  # fmt: skip

# These bound what a hostile file can cost; published networks are far below them.
MAX_LAYERS = 20_000
MAX_BLOBS = 1_000  # of one layer, and inputs of the network
MAX_NAME = 1_024


@dataclass
class Node:
    """A layer with the numbers of its input and output blobs. An in-place top has a number of its own."""

    layer: Layer
    inputs: list[int]
    outputs: list[int]


@dataclass
class Source:
    """An input of the network: its blob's name and number, its shape, or the reason why the shape is unknown.

    `layer` is the data layer that makes it, if there is one.
    """

    name: str
    blob: int
    shape: Shape | None
    problem: str = ''
    layer: Layer | None = None


@dataclass
class Graph:
    """The test-time network.

    Attributes:
      path: the prototxt.
      name: the network's name.
      generation: 'v1' or 'v2'.
      sources: the inputs, including those of data layers.
      nodes: the layers in the prototxt's order.
      outputs: the nodes with tops that nothing consumes, and the blob numbers of those tops.
      shared: name of a shared parameter → (name in the file, index) of each blob that is one of its copies.
    """

    path: str
    name: str
    generation: str
    sources: list[Source]
    nodes: list[Node]
    outputs: list[tuple[Node, int]] = field(default_factory=list)
    shared: dict[str, list[tuple[str, int]]] = field(default_factory=dict)

    def node(self, name: str) -> Node:
        """The output layer of that name. Raises InputError, with other names, if there is none."""
        for node in self.nodes:
            if node.layer.name == name:
                return node
        names = [node.layer.name for node in self.nodes]
        made = [node.layer.name for node in self.nodes if name in node.layer.tops]
        close = difflib.get_close_matches(name[:100], [one[:100] for one in names], 3)
        if made:
            hint = f'{shown(name)} is a blob, made by layer {shown(made[-1])}'
        elif close:
            hint = f'did you mean {", ".join(shown(c) for c in close)}?'
        else:
            hint = f'the last ones are {", ".join(shown(one) for one in names[-3:])}'
        raise InputError(
            f'{self.path}: expected the name of a layer as output layer (model.output_layer, or --output-layer), '
            f'found {shown(name)}; {hint}'
        )

    def ancestors(self, nodes: Iterable[Node]) -> list[Node]:
        """The given nodes and everything that they need, in the prototxt's order."""
        maker = {blob: node for node in self.nodes for blob in node.outputs}
        wanted: dict[int, Node] = {}
        stack = list(nodes)
        while stack:
            node = stack.pop()
            if id(node) not in wanted:
                wanted[id(node)] = node
                stack.extend(maker[blob] for blob in node.inputs if blob in maker)
        return [node for node in self.nodes if id(node) in wanted]

    def of_types(self, known: Container[str]) -> tuple[Graph, list[Node]]:
        """The graph without layers of other types and their dependents, and the nodes left out."""
        lost: set[int] = set()
        kept, skipped = [], []
        for node in self.nodes:
            if node.layer.type not in known or lost & set(node.inputs):
                lost |= set(node.outputs)
                skipped.append(node)
            else:
                kept.append(node)
        consumed = {blob for node in kept for blob in node.inputs}
        # A blob that only skipped layers read becomes an output.
        ends = ({blob for _, blob in self.outputs} | {blob for node in skipped for blob in node.inputs}) - consumed
        outputs = [(node, blob) for node in kept for blob in node.outputs if blob in ends]
        return replace(self, nodes=kept, outputs=outputs), skipped


def build_graph(net: Message) -> Graph:
    """Builds the test-time graph of a parsed prototxt.

    Raises:
      InputError: names the line, for a network that Caffe would refuse or that mixes two generations of layers.
    """
    net.expect(_NET, 'the network')
    v1, v2 = net.messages('layers'), net.messages('layer')
    if v1 and v2:
        late = max(v1[0], v2[0], key=lambda message: message.line)
        raise late.error(
            'expected layers of one generation, found both `layers` (V1) and `layer` (V2); Caffe ignores one of them: '
            'use one kind for all layers'
        )
    if not v1 and not v2:
        raise net.error('expected a network with layers, found none; is this the prototxt of a network?')
    if len(v1 or v2) > MAX_LAYERS:
        raise net.error(f'expected at most {MAX_LAYERS} layers, found {len(v1 or v2)}')
    graph = Graph(net.path, net.string('name', ''), 'v1' if v1 else 'v2', [], [])
    messages = upgrade(v1) or v2
    builder = _Builder(graph, net, messages)
    for message in messages:
        builder.add(message, v1=bool(v1))
    builder.finish()
    return graph


class _Builder:
    def __init__(self, graph: Graph, net: Message, messages: list[Message]):
        self._graph = graph
        self._state = net.message('state')
        self._blobs: dict[str, int] = {}  # name → its current blob
        self._consumed: set[int] = set()
        self._dropped: dict[str, Layer] = {}  # top → the omitted layer that makes it
        self._names: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._made: list[tuple[int, Node]] = []
        self._count = 0
        net.message('state').expect(('phase', 'level', 'stage'), 'state')
        layers = [message for message in messages if self._included(message)]
        self._written = {name for message in layers for name in message.strings('name')}
        made = {top for message in layers for top in message.strings('top')}
        for name, shape in declared_shapes(net):
            # Caffe ignores `input` fields without dims (upgrade_proto.cpp, UpgradeNetInput).
            if shape is not None or name not in made:
                self._source(name, shape, '')

    def _new(self, name: str) -> int:
        self._count += 1
        self._blobs[name] = self._count
        return self._count

    def _source(self, name: str, shape: Shape | None, problem: str, layer: Layer | None = None) -> None:
        if len(self._graph.sources) == MAX_BLOBS:
            raise InputError(f'{self._graph.path}: expected at most {MAX_BLOBS} inputs, found more')
        self._graph.sources.append(Source(name, self._new(name), shape, problem, layer))

    def add(self, message: Message, v1: bool) -> None:
        if not self._included(message):
            return
        name = message.string('name', '')
        if 'type' not in message:
            raise message.error(f'layer {shown(name)} has no type; add type: "…"')
        kind = self._v1_type(message) if v1 else message.string('type', '')
        layer = Layer(name, kind, message.strings('bottom'), message.strings('top'), message, stored_name=name)
        if max(len(layer.bottoms), len(layer.tops)) > MAX_BLOBS or max(len(name), len(kind)) > MAX_NAME:
            raise layer.error(f'expected at most {MAX_BLOBS} bottoms and tops and a name of at most {MAX_NAME} letters')
        unknown = kind not in PLANNERS and kind not in DATA_TYPES and kind != 'Input'
        if kind in TRAINING_TYPES or (unknown and layer.bottoms and 'loss_weight' in message):
            for top in layer.tops:
                self._dropped[top] = layer
            if kind == 'Silence':
                self._consumed |= {self._blobs[bottom] for bottom in layer.bottoms if bottom in self._blobs}
            return
        if kind == 'Input' or (not layer.bottoms and kind not in PLANNERS and kind not in WEIGHT_SOURCES):
            for index, (top, shape, problem) in enumerate(data_shape(layer)):
                self._check_new(layer, top, index)
                self._source(top, shape, problem, layer)
            return
        layer.name = self._unique(name or layer.type)
        for index, (shared, _) in enumerate(layer.shared_parameters()):
            if shared:
                self._graph.shared.setdefault(shared, []).append((name, index))
        inputs = [self._bottom(layer, bottom) for bottom in layer.bottoms]
        self._consumed |= set(inputs)
        for index, top in enumerate(layer.tops):
            self._check_new(layer, top, index)
        node = Node(layer, inputs, [self._new(top) for top in layer.tops])
        if not node.outputs:
            raise layer.error('expected a top blob, found none; add top: "…"')
        self._graph.nodes.append(node)
        self._made += [(blob, node) for blob in node.outputs]

    def _v1_type(self, message: Message) -> str:
        word = message.fields['type'][0].word
        if not word or word.lstrip('-')[:1].isdigit() or len(message.fields['type']) > 1:
            word = message.enum('type', dict(enumerate(V1_NAMES)), '')
        return v2_type(word, [*PLANNERS, *DATA_TYPES, *TRAINING_TYPES])

    def _unique(self, name: str) -> str:
        """`name`, with a number if an earlier layer has it; Caffe allows equal names and none."""
        wish, number = name, self._numbers.get(name, 2)
        while name in self._names or (name != wish and name in self._written):
            name, number = f'{wish}_{number}', number + 1
        self._numbers[wish] = number
        self._names.add(name)
        return name

    def _bottom(self, layer: Layer, name: str) -> int:
        if name in self._blobs:
            return self._blobs[name]
        if name in self._dropped:
            other = self._dropped[name]
            raise layer.error(
                f'bottom {shown(name)} is made by {other}, which is for training only; remove one of the layers, or '
                'convert up to a layer before it with --output-layer'
            )
        raise layer.error(
            f'bottom {shown(name)} is not made by any layer before it; correct the name, or move its layer up',
            layer.message.line_of('bottom'),
        )

    def _check_new(self, layer: Layer, top: str, index: int) -> None:
        in_place = index < len(layer.bottoms) and layer.bottoms[index] == top
        if top in self._blobs and not in_place:
            raise layer.error(
                f'top {shown(top)} is made by an earlier layer too; rename it, here and in its readers',
                layer.message.line_of('top'),
            )
        if layer.tops.index(top) != index:
            raise layer.error(
                f'top {shown(top)} is given twice; give each top a name of its own', layer.message.line_of('top')
            )

    def finish(self) -> None:
        self._graph.outputs = [(node, blob) for blob, node in self._made if blob not in self._consumed]

    # Phase rules (net.cpp, FilterNet and StateMeetsRule)

    def _included(self, message: Message) -> bool:
        include, exclude = message.messages('include'), message.messages('exclude')
        if include and exclude:
            raise message.error('a layer may have include rules or exclude rules, but not both; remove one kind')
        if include:
            return any(self._meets(rule) for rule in include)
        return not any(self._meets(rule) for rule in exclude)

    def _meets(self, rule: Message) -> bool:
        rule.expect(('phase', 'min_level', 'max_level', 'stage', 'not_stage'), 'a phase rule')
        if rule.enum('phase', {0: 'TRAIN', 1: 'TEST'}, 'TEST') != 'TEST':
            return False
        level = self._state.integer('level', 0, -(2**31))
        if level < rule.integer('min_level', level, -(2**31)) or level > rule.integer('max_level', level, -(2**31)):
            return False
        stages = set(self._state.strings('stage'))
        return stages >= set(rule.strings('stage')) and not stages & set(rule.strings('not_stage'))
