# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The VGG-Face network (Parkhi, Vedaldi, Zisserman: Deep Face Recognition, 2015) as a prototxt of any width."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / 'prototxts'
VGG_FACE_DEPLOY_FULL = _FOLDER / 'VGG_FACE_deploy_full.prototxt'
VGG_FACE_DEPLOY = _FOLDER / 'VGG_FACE_deploy.prototxt'


def vgg_face_prototxt(
    width: int = 64, fully_connected: bool = True, input_size: int = 224, fc_units: int = 4096, classes: int = 2622
) -> str:
    """Generates the prototxt, with V1 `layers`.

    Args:
      width: channels of the first block; the blocks have 1, 2, 4, 8 and 8 times as many. 64 is VGG-Face.
      fully_connected: include fc6, fc7, fc8 and prob; otherwise the network ends at pool5.
      input_size: height and width of the input; a multiple of 32.
      fc_units: outputs of fc6 and fc7.
      classes: outputs of fc8.

    With the defaults this is VGG_FACE_deploy_full.prototxt; with fully_connected=False, VGG_FACE_deploy.prototxt.
    """
    if width < 1 or input_size < 32 or input_size % 32:
        raise ValueError(f'expected width ≥ 1 and a multiple of 32 as input_size, found {width} and {input_size}')
    parts = ['name: "VGG_FACE_16_layers"', 'input: "data"']
    parts += [f'input_dim: {dim}' for dim in (1, 3, input_size, input_size)]
    bottom = 'data'
    for block, (count, times) in enumerate(((2, 1), (2, 2), (3, 4), (3, 8), (3, 8)), start=1):
        for index in range(1, count + 1):
            name = f'conv{block}_{index}'
            options = {'num_output': width * times, 'pad': 1, 'kernel_size': 3}
            parts.append(_layer(name, 'CONVOLUTION', bottom, name, 'convolution_param', **options))
            parts.append(_layer(f'relu{block}_{index}', 'RELU', name, name))
            bottom = name
        name = f'pool{block}'
        parts.append(_layer(name, 'POOLING', bottom, name, 'pooling_param', pool='MAX', kernel_size=2, stride=2))
        bottom = name
    if fully_connected:
        for number in (6, 7):
            name = f'fc{number}'
            parts.append(_layer(name, 'INNER_PRODUCT', bottom, name, 'inner_product_param', num_output=fc_units))
            parts.append(_layer(f'relu{number}', 'RELU', name, name))
            parts.append(_layer(f'drop{number}', 'DROPOUT', name, name, 'dropout_param', dropout_ratio=0.5))
            bottom = name
        parts.append(_layer('fc8', 'INNER_PRODUCT', bottom, 'fc8', 'inner_product_param', num_output=classes))
        parts.append(_layer('prob', 'SOFTMAX', 'fc8', 'prob'))
    return '\n'.join(parts) + '\n'


def _layer(name: str, kind: str, bottom: str, top: str, param: str = '', **values: object) -> str:
    lines = ['layers {', f'  bottom: "{bottom}"', f'  top: "{top}"', f'  name: "{name}"', f'  type: {kind}']
    if param:
        lines += [f'  {param} {{', *(f'    {key}: {value}' for key, value in values.items()), '  }']
    return '\n'.join([*lines, '}'])
