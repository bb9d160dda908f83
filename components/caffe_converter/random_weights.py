# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Random weights for any network, in place of published files that must not be redistributed."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from functools import partial

import numpy as np

from components.caffe_converter.caffemodel_writer import LayerRecord, LazyBlob, write_caffemodel
from components.caffe_converter.layers.linear import DEPTHWISE
from components.caffe_converter.network import Network, Step, plan_network

_BLOCK = 1 << 20  # floats drawn at a time: 4 MB
_FACTOR = np.float32(999.98)  # the limit of Caffe's moving average, by which it multiplies BatchNorm's statistics
_LINEAR = frozenset({'Convolution', 'Deconvolution', 'InnerProduct', *DEPTHWISE})
_FEEDS_INPUT = frozenset({'ReLU', 'Dropout', 'Pooling', 'Split', 'Flatten', 'Reshape', 'Concat', 'Slice', 'Power'})


def write_random_caffemodel(
    prototxt: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    seed: int,
    generation: str | None = None,
    input_scale: float = 64.0,
) -> None:
    """Writes a .caffemodel of seeded random weights that keep activations in bounds.

    Convolution and InnerProduct have He's deviation sqrt(2 / inputs) before a ReLU, else sqrt(1 / inputs); the first
    ones are divided by `input_scale`. BatchNorm, Scale and others vary around their neutral values. Streams the file:
    little memory at any size, 580 MB in a few seconds.

    Args:
      prototxt: the network.
      path: the file to write.
      seed: the same seed gives the same file.
      generation: 'v1' or 'v2'; None for the prototxt's own.
      input_scale: the deviation of the network's input; 64 for pixels of 0-255 minus their mean.

    Raises:
      InputError: the prototxt cannot be used.
      ValueError: V1 lacks a layer type.
      OSError: the file cannot be written.
    """
    network = plan_network(prototxt, shapes_too=True)
    first, rectified = _first_steps(network), _rectified(network)

    def records() -> Iterator[LayerRecord]:
        for index, step in enumerate(network.steps):
            gain = math.sqrt(2.0) if id(step) in rectified else 1.0
            gain /= input_scale if id(step) in first else 1.0
            blobs = [
                LazyBlob(shape, partial(_draw, step, at, (seed, index, at), math.prod(shape), gain))
                for at, shape in enumerate(step.plan.blobs)
            ]
            yield LayerRecord(step.layer.stored_name, step.layer.type, blobs, step.layer.bottoms, step.layer.tops)

    write_caffemodel(path, records(), generation or network.graph.generation, name=network.graph.name)


def _first_steps(network: Network) -> set[int]:
    """The layers with weights that no other such layer precedes."""
    raw = {blob for _, blob, _ in network.inputs}
    first = set()
    for step in network.steps:
        if raw & set(step.node.inputs):
            if step.layer.type in _LINEAR:
                first.add(id(step))
            elif step.layer.type in _FEEDS_INPUT:
                raw |= set(step.node.outputs)
    return first


def _rectified(network: Network) -> set[int]:
    """The layers that a ReLU follows directly."""
    before_relu = {blob for step in network.steps if step.layer.type == 'ReLU' for blob in step.node.inputs}
    return {id(step) for step in network.steps if before_relu & set(step.node.outputs)}


def _draw(step: Step, blob: int, key: tuple[int, ...], count: int, gain: float) -> Iterator[np.ndarray]:
    # SFC64 is numpy's fastest generator. One key per blob makes the blobs independent of each other's sizes.
    random = np.random.Generator(np.random.SFC64(np.random.SeedSequence(key)))
    centre, deviation = _distribution(step, blob, gain)
    norm = step.layer.type == 'BatchNorm'
    if norm and blob == 2:
        yield np.array([_FACTOR])
        return
    for done in range(0, count, _BLOCK):
        part = random.standard_normal(min(_BLOCK, count - done), np.float32)
        part *= np.float32(deviation)
        part += np.float32(centre)
        if (norm and blob == 1) or (step.layer.type == 'BN' and blob == 3):  # a variance
            np.abs(part, out=part)
            part += np.float32(0.2)
        if norm:
            part *= _FACTOR
        yield part


def _distribution(step: Step, blob: int, gain: float) -> tuple[float, float]:
    """(mean, deviation) of a blob's numbers."""
    kind = step.layer.type
    if kind in _LINEAR:
        shape = step.plan.blobs[0]
        inputs = step.plan.weights[0].shape[0] if kind == 'InnerProduct' else math.prod(shape[1:])
        if kind == 'Deconvolution':  # each output reads kernel / stride² places of every input channel of its group
            inputs = shape[0] * math.prod(shape[2:]) // step.plan.options['group']
            inputs = max(inputs // math.prod(step.plan.options['stride']), 1)
        return (0.0, gain / math.sqrt(inputs)) if blob == 0 else (0.0, 0.05)
    if kind == 'BatchNorm':
        return (0.0, 0.1) if blob == 0 else (1.0, 0.2)
    if kind == 'BN':  # slope, bias, mean, variance
        return (0.0, 0.1) if blob in (1, 2) else (1.0, 0.2)
    if kind == 'Embed':
        return 0.0, 1.0
    if kind in ('Scale', 'Normalize'):
        return (1.0, 0.2) if blob == 0 else (0.0, 0.1)
    return (0.25, 0.1) if kind == 'PReLU' else (0.0, 0.1)
