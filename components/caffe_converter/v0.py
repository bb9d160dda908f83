# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Turns layers of Caffe's first format (2013) into V1 layers, as upgrade_proto.cpp does (UpgradeV0LayerParameter)."""

from __future__ import annotations

from collections.abc import Sequence

from components.caffe_converter.message import Field, Message, shown

_TYPES = {
    'conv': 'CONVOLUTION', 'hdf5_data': 'HDF5_DATA', 'hdf5_output': 'HDF5_OUTPUT', 'images': 'IMAGE_DATA',
    'innerproduct': 'INNER_PRODUCT', 'pool': 'POOLING', 'window_data': 'WINDOW_DATA',
}  # fmt: skip
_SAME = frozenset(
    {'accuracy', 'bnll', 'concat', 'data', 'dropout', 'euclidean_loss', 'flatten', 'im2col', 'infogain_loss', 'lrn',
     'multinomial_logistic_loss', 'relu', 'sigmoid', 'softmax', 'softmax_loss', 'split', 'tanh'}
)  # fmt: skip

# V0 type → (its V1 parameter message, V0 field → V1 field)
_FILTERS = {'num_output': 'num_output', 'biasterm': 'bias_term', 'weight_filler': 'weight_filler',
            'bias_filler': 'bias_filler'}  # fmt: skip
_PARAMETERS: dict[str, tuple[str, dict[str, str]]] = {
    'conv': ('convolution_param', {**_FILTERS, 'pad': 'pad', 'kernelsize': 'kernel_size', 'group': 'group',
                                   'stride': 'stride'}),
    'innerproduct': ('inner_product_param', _FILTERS),
    'pool': ('pooling_param', {'pad': 'pad', 'kernelsize': 'kernel_size', 'stride': 'stride', 'pool': 'pool'}),
    'dropout': ('dropout_param', {'dropout_ratio': 'dropout_ratio'}),
    'lrn': ('lrn_param', {'local_size': 'local_size', 'alpha': 'alpha', 'beta': 'beta', 'k': 'k'}),
    'concat': ('concat_param', {'concat_dim': 'concat_dim'}),
    'data': ('transform_param', {'cropsize': 'crop_size'}),
    'images': ('image_data_param', {'cropsize': 'crop_size', 'new_height': 'new_height', 'new_width': 'new_width'}),
    'window_data': ('window_data_param', {'cropsize': 'crop_size'}),
}  # fmt: skip
# They have no meaning at test time, or belong to layers that only read data.
_IGNORED = frozenset({
    'name', 'type', 'blobs', 'blobs_lr', 'weight_decay', 'source', 'scale', 'meanfile', 'batchsize', 'mirror',
    'rand_skip', 'shuffle_images', 'new_num', 'new_channels', 'det_fg_threshold', 'det_bg_threshold', 'det_fg_fraction',
    'det_context_pad', 'det_crop_mode', 'hdf5_output_param',
})  # fmt: skip


def upgrade(layers: Sequence[Message]) -> list[Message]:
    """Replaces each `layers { layer { … } }` by a V1 layer, and puts `padding` layers into the layers that read them.

    Raises:
      InputError: names the line of a type or field that V0 does not have.
    """
    padding: dict[str, Message] = {}  # top of a padding layer → the layer
    result = []
    for message in layers:
        if 'layer' not in message:
            result.append(message)
        elif message.message('layer').string('type', '') == 'padding':
            padding.update(dict.fromkeys(message.strings('top'), message))
        else:
            result.append(_upgraded(message, padding))
    return result


def _upgraded(message: Message, padding: dict[str, Message]) -> Message:
    old = message.message('layer')
    kind = old.string('type', '')
    if kind not in _TYPES and kind not in _SAME:
        raise old.error(f'expected a layer type of the V0 format, found {shown(kind)}', old.line_of('type'))
    parameter, names = _PARAMETERS.get(kind, ('', {}))
    old.expect({*_IGNORED, *names}, f'V0 layer {shown(old.string("name", ""))} of type {shown(kind)}')
    new, inner = Message(message.path, message.line), Message(message.path, old.line)
    new.fields = {key: message.fields[key] for key in ('bottom', 'top') if key in message}
    if 'name' in old:
        new.fields['name'] = old.fields['name']
    new.fields['type'] = [Field(_TYPES.get(kind, kind.upper()), old.line_of('type'))]
    inner.fields = {names[key]: values for key, values in old.fields.items() if key in names}
    for bottom in message.strings('bottom'):
        if bottom in padding:
            if kind not in ('conv', 'pool') or len(message.strings('bottom')) != 1:
                raise old.error(
                    f'bottom {shown(bottom)} is padded, which only a conv or pool layer of one bottom may be'
                )
            before = padding[bottom]
            new.fields['bottom'] = before.fields.get('bottom', [])
            if 'pad' in before.message('layer'):
                inner.fields['pad'] = before.message('layer').fields['pad']
    if inner.fields:
        new.fields[parameter] = [Field(inner, old.line)]
    return new
