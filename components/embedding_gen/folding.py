# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Rewrites a base for inference: BatchNormalization and Scale become part of the convolution before them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from components.caffe_converter.keras_layers import Convolution, PReLU, Scale

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, Convolution)


def folded(base: keras.Model) -> keras.Model:
    """Returns a model that computes what `base` computes at inference, with fewer layers.

    Each convolution takes in the BatchNormalization and Scale layers that follow it, as long as each is the only one
    to use the result before it, and the model does not return that result. A PReLU whose slopes are all at most 1 no
    longer asks for that before each use. A base without such layers, or that is not functional, is returned itself.

    Args:
      base: a float32 model, channels last. It stays as it is.

    Returns:
      A model that is not trainable, without the layers that were folded; the others have the same names. Folded weights
      are computed in float64.
    """
    structure = base.get_config()
    if 'output_layers' not in structure:  # a Sequential model
        return base
    chains = _chains(base, structure)
    simple = {layer.name for layer in base.layers if type(layer) is PReLU and np.all(layer.get_weights()[0] <= 1)}
    if not (chains or simple):
        return base
    gone = {layer.name for chain in chains.values() for layer in chain}

    def cloned(layer: Any) -> Any:
        config = layer.get_config()
        if layer.name in chains:
            config['use_bias'] = True
        if layer.name in simple:
            config['at_most_one'] = True
        return type(layer).from_config(config)

    def called(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return args[0] if layer.name in gone else layer(*args, **kwargs)

    model = keras.models.clone_model(base, clone_function=cloned, call_function=called)
    for layer in model.layers:
        if layer.weights:  # an input without a name gets another one
            original, chain = base.get_layer(layer.name), chains.get(layer.name)
            layer.set_weights(_weights(original, chain) if chain else original.get_weights())
    model.trainable = False
    return model


def _chains(base: keras.Model, config: dict[str, Any]) -> dict[str, list[Any]]:
    """The layers to fold into each convolution, in order, by the convolution's name; `config` is the base's."""
    users: dict[str, list[str]] = defaultdict(list)
    for entry in config['layers']:
        for name in _producers(entry['inbound_nodes']):
            users[name].append(entry['name'])
    for name in base.output_names:
        users[name].append('')  # the caller of the model
    called_once = {entry['name'] for entry in config['layers'] if len(entry['inbound_nodes']) == 1}

    chains = {}
    for layer in base.layers:
        if not _is_linear_convolution(layer) or layer.name not in called_once:
            continue
        chain: list[Any] = []
        end = layer.name
        while len(users[end]) == 1 and users[end][0] in called_once:
            following = base.get_layer(users[end][0])
            if not _is_affine(following):
                break
            chain.append(following)
            end = following.name
        if chain:
            chains[layer.name] = chain
    return chains


def _producers(nodes: Any) -> Iterator[str]:
    """Yields the name of the layer behind each tensor in a layer's `inbound_nodes`, as Keras saves them."""
    if isinstance(nodes, dict):
        if 'keras_history' in nodes:
            yield nodes['keras_history'][0]
        nodes = list(nodes.values())
    if isinstance(nodes, list | tuple):
        for node in nodes:
            yield from _producers(node)


def _is_linear_convolution(layer: Any) -> bool:
    # The exact types: a subclass may compute something else.
    if type(layer) is Convolution:
        return True
    return (
        type(layer) in _CONVOLUTIONS
        and layer.data_format == 'channels_last'
        and layer.activation is keras.activations.linear
    )


def _is_affine(layer: Any) -> bool:
    """Whether the layer is a · x + b with an a and b for each channel of [B, H, W, C]."""
    if type(layer) is keras.layers.BatchNormalization:
        return layer.axis in (-1, 3)
    return type(layer) is Scale and not layer.second and len(layer.shape) == 1


def _weights(convolution: Any, chain: list[Any]) -> list[np.ndarray]:
    """The convolution's kernel and bias with the chain folded in, float32."""
    kernel, *bias = (weight.astype(np.float64) for weight in convolution.get_weights())
    depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)
    # Output channels are the last axis, or the last two: [kh, kw, C, multiplier]
    channels = kernel.shape[2:] if depthwise else kernel.shape[3:]
    factor = np.ones(channels).reshape(-1)
    shift = bias[0] if bias else np.zeros_like(factor)
    for layer in chain:
        gain, offset = _affine(layer)
        factor, shift = factor * gain, shift * gain + offset
    return [(kernel * factor.reshape(channels)).astype(np.float32), shift.astype(np.float32)]


def _affine(layer: Any) -> tuple[np.ndarray, np.ndarray]:
    """The layer's a and b in float64, each [C] or, shared by the channels, [1] or []."""
    gamma, beta = (
        np.asarray(default, np.float64) if weight is None else keras.ops.convert_to_numpy(weight).astype(np.float64)
        for weight, default in ((layer.gamma, 1), (layer.beta, 0))
    )
    if isinstance(layer, Scale):
        return gamma, beta
    mean, variance = (
        keras.ops.convert_to_numpy(weight).astype(np.float64) for weight in (layer.moving_mean, layer.moving_variance)
    )
    gain = gamma / np.sqrt(variance + layer.epsilon)
    return gain, beta - mean * gain
