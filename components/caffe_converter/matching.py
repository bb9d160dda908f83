# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Finds the weights of each layer in the file, as Caffe does (net.cpp, CopyTrainedLayersFrom)."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from components.caffe_converter.caffemodel_reader import CaffeModel
from components.caffe_converter.graph import Graph
from components.caffe_converter.layers.base import Shape, describe
from components.caffe_converter.message import shown
from components.caffe_converter.stored import StoredBlob, StoredLayer
from components.errors import InputError

if TYPE_CHECKING:
    from components.caffe_converter.network import Network, Step


def match(network: Network, model: CaffeModel) -> None:
    """Finds each layer's weights by name and checks their number and shapes.

    All copies of a shared parameter (`param { name: "w" }`) get the numbers of the last one in the file.

    Raises:
      InputError: names the layer, what the prototxt expects and what the file contains.
    """
    stored: dict[str, list[StoredLayer]] = {}
    for one in model.layers:
        if one.blobs:
            stored.setdefault(one.name, []).append(one)
    shared = _shared_blobs(network.graph, model)
    small = [name for name, _, shape in network.inputs if shape[2:] == (1, 1)]
    placeholder = f', or set the size of input {shown(small[0])}, which is 1×1, with --input-size H W' if small else ''
    for step in network.steps:
        if step.plan.blobs:
            try:
                step.stored = _blobs_of(step, network.graph.path, model, stored, shared)
            except InputError as error:
                if not step.doubtful:
                    raise InputError(f'{error}{placeholder}') from None
                step.plan = replace(step.plan, blobs=[], weights=[])
                network.skipped.append(step.layer)
    network.model = model


def _shared_blobs(graph: Graph, model: CaffeModel) -> dict[str, StoredBlob]:
    """Name of a shared parameter → its last copy in the file."""
    names: dict[str, list[tuple[int, str]]] = {}
    for shared, copies in graph.shared.items():
        for layer, index in copies:
            names.setdefault(layer, []).append((index, shared))
    found: dict[str, StoredBlob] = {}
    for one in model.layers:
        for index, shared in names.get(one.name, ()):
            if index < len(one.blobs) and not one.blobs[index].missing:
                found[shared] = one.blobs[index]
    return found


def _blobs_of(
    step: Step, prototxt: str, model: CaffeModel, stored: dict[str, list[StoredLayer]], shared: dict[str, StoredBlob]
) -> list[StoredBlob]:
    layer, shapes = step.layer, step.plan.blobs
    where = f'{model.path}: {layer}'
    line = f'{os.path.basename(prototxt)} line {layer.line}'
    found = stored.get(layer.stored_name, [])
    if len(found) > 1:
        raise InputError(
            f'{where}: expected one layer of that name, found {len(found)} (at bytes '
            f'{", ".join(str(one.offset) for one in found[:3])}); the file is damaged: get it again'
        )
    own = found[0].blobs if found else []
    named = layer.shared_parameters()[: len(shapes)]
    named += [('', False)] * (len(shapes) - len(named))
    blobs = [
        shared.get(name) or (own[index] if index < len(own) and not own[index].missing else None)
        for index, (name, _) in enumerate(named)
    ]
    complete = [blob for blob in blobs if blob is not None]
    if not found and len(complete) < len(shapes):
        some = ', '.join(shown(name, 30) for name in list(stored)[:5]) or 'none'
        raise InputError(
            f'{where}: expected weights, found none of that name; layers with weights: {some}'
            f'{", …" if len(stored) > 5 else ""}; use the .caffemodel of this prototxt, rename the layer as there, or '
            'convert up to a layer before it with --output-layer'
        )
    # An HDF5 snapshot has a shared parameter only once.
    if len(complete) < len(shapes) or (found and len(own) != len(shapes) and model.generation != 'hdf5'):
        raise InputError(
            f'{where}: expected {len(shapes)} blobs (from {line}), found {len(own)}; '
            'use the .caffemodel that matches the prototxt'
        )
    for index, (blob, shape, (_, count_only)) in enumerate(zip(complete, shapes, named, strict=True)):
        if not _fits(blob, shape) and not (count_only and math.prod(blob.shape) == math.prod(shape)):
            raise InputError(
                f'{where} blob {index}: expected {describe(shape)} (from {line}), found {describe(blob.shape)}; '
                'use the .caffemodel that matches the prototxt'
            )
        if blob.count != math.prod(shape):
            raise InputError(
                f'{where} blob {index}: expected {math.prod(shape)} numbers for {describe(shape)}, '
                f'found {blob.count}; the file is damaged, download it again'
            )
    return complete


def _fits(blob: StoredBlob, shape: Shape) -> bool:
    """Caffe's Blob::ShapeEquals: a legacy 4-D shape has ones in front."""
    if blob.legacy:
        return len(shape) <= 4 and blob.shape == (1,) * (4 - len(shape)) + shape
    return blob.shape == shape
