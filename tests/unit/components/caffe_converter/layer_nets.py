# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A small network for each layer type and option; C, H and W differ, so a mixed-up axis shows."""

from __future__ import annotations

C, H, W = 6, 11, 8


def layer(name: str, kind: str, bottoms: str, tops: str = '', params: str = '') -> str:
    """A V2 layer; blanks separate bottoms and tops; the default top is the name."""
    blobs = ''.join(f' bottom: "{b}"' for b in bottoms.split()) + ''.join(
        f' top: "{t}"' for t in (tops or name).split()
    )
    return f'layer {{ name: "{name}" type: "{kind}"{blobs} {params} }}\n'


def input_shape(text: str) -> tuple[int, ...]:
    """The shape of a `net`'s input."""
    return tuple(int(word) for word in text.split('input_shape {')[1].split('}')[0].split() if word.isdigit())


def net(*layers: str, shape: tuple[int, int, int] = (C, H, W), batch: int = 2) -> str:
    """A prototxt with the input `data`."""
    dims = ' '.join(f'dim: {n}' for n in (batch, *shape))
    return f'name: "t"\ninput: "data"\ninput_shape {{ {dims} }}\n' + ''.join(layers)


def _one(kind: str, params: str = '') -> str:
    return net(layer('x', kind, 'data', params=params))


def _convolution(kind: str, options: str, outputs: int = 4) -> str:
    return _one(kind, f'convolution_param {{ num_output: {outputs} {options} }}')


_IP = 'inner_product_param { num_output: 7 %s }'
_POOL = {
    'even': 'kernel_size: 2 stride: 2',
    'ceil': 'kernel_size: 3 stride: 2',
    'pad': 'kernel_size: 3 stride: 2 pad: 1',
    'stride_1': 'kernel_size: 3 stride: 1 pad: 1',
    'clipped': 'kernel_size: 2 stride: 2 pad: 1',
    'rectangular': 'kernel_h: 2 kernel_w: 3 stride_h: 3 stride_w: 2 pad_h: 1 pad_w: 0',
    'wide': 'kernel_size: 4 stride: 3 pad: 2',
    'global': 'global_pooling: true',
}
_BRANCHES = ''.join(
    layer(name, 'Convolution', 'data', params='convolution_param { num_output: 5 kernel_size: 3 }') for name in 'ab'
)
_GLOBAL = layer('g', 'Pooling', 'data', params='pooling_param { pool: AVE global_pooling: true }') + layer(
    'f', 'Flatten', 'g'
)


def _two(kind: str, params: str = '') -> str:
    return net(_BRANCHES, layer('x', kind, 'a b', params=params))


def _unpooled(pool: str, upsample: str, shape: tuple[int, int, int] = (C, H, W)) -> str:
    """MAX pooling, and Upsample by its mask."""
    return net(
        layer('p', 'Pooling', 'data', 'p mask', f'pooling_param {{ {pool} }}'),
        layer('r', 'Pooling', 'data', params=f'pooling_param {{ pool: AVE {pool} }}'),
        layer('s', 'Eltwise', 'p r'),  # values that differ where windows share their largest
        layer('x', 'Upsample', 's mask', params=f'upsample_param {{ {upsample} }}'),
        shape=shape,
    )


_WIDE = layer('w', 'Power', 'data', params='power_param { scale: 5 }')  # values above 6
_SEGNET = 'bn_param { bn_mode: INFERENCE scale_filler { type: "constant" value: 1 } shift_filler { value: 0.001 } }'
_PSPNET = 'bn_param { slope_filler { value: 1 } bias_filler { value: 0 } frozen: true momentum: 0.95 eps: 0.01 }'


# OpenCV 4 computes these as Caffe does.
OPENCV = {
    **{
        f'Convolution {key}': _convolution('Convolution', options)
        for key, options in {
            'plain': 'kernel_size: 3', 'same': 'kernel_size: 3 pad: 1', 'wide pad': 'kernel_size: 3 pad: 2',
            'stride': 'kernel_size: 3 stride: 2 pad: 1', 'group': 'kernel_size: 3 group: 2',
            'rectangular': 'kernel_h: 3 kernel_w: 5 pad_h: 0 pad_w: 2 stride_h: 2 stride_w: 1',
            'dilation': 'kernel_size: 3 dilation: 2 pad: 2',
            'dilation and stride': 'kernel_size: 3 dilation: 2 pad: 1 stride: 2',
            'dilation, stride and group': 'kernel_size: 3 dilation: 2 pad: 1 stride: 2 group: 2',
            'no bias': 'kernel_size: 2 bias_term: false', '1x1': 'kernel_size: 1',
            'kernel twice': 'kernel_size: 3 kernel_size: 2 pad: 1 pad: 0',
        }.items()
    },
    **{
        f'Convolution depthwise {key}': _convolution('Convolution', f'group: 6 {options}', outputs)
        for key, options, outputs in [
            ('same', 'kernel_size: 3 pad: 1', 6), ('multiplier 3', 'kernel_size: 3 pad: 1', 18),
            ('stride', 'kernel_size: 3 pad: 1 stride: 2', 6), ('dilation', 'kernel_size: 3 dilation: 2 pad: 2', 12),
            ('two strides', 'kernel_size: 3 stride_h: 2 stride_w: 1', 6),
            ('dilation and stride', 'kernel_size: 3 dilation: 2 stride: 2', 12),
            ('rectangular, no bias', 'kernel_h: 2 kernel_w: 3 pad_h: 1 pad_w: 0 bias_term: false', 6),
        ]
    },
    **{
        f'Convolution {key}': net(
            layer('x', 'Convolution', 'data', params=f'convolution_param {{ num_output: 8 kernel_size: 3 {options} }}'),
            shape=(channels, 7, 5),
        )
        for key, channels, options in [
            ('8 groups of 4 channels', 32, 'group: 8 pad: 1'),
            ('2 groups of 20 channels, stride', 40, 'group: 2 stride: 2'),
        ]
    },
    'ConvolutionDepthwise': _convolution('ConvolutionDepthwise', 'kernel_size: 3 pad: 1 stride: 2', 6),
    **{
        f'Deconvolution {key}': _convolution('Deconvolution', options)
        for key, options in {
            'plain': 'kernel_size: 3', 'stride': 'kernel_size: 4 stride: 2', 'pad': 'kernel_size: 4 stride: 2 pad: 1',
            'group': 'kernel_size: 4 stride: 2 pad: 1 group: 2',
            'rectangular': 'kernel_h: 3 kernel_w: 5 stride_h: 2 stride_w: 3 pad_h: 1 pad_w: 0',
            'no bias': 'kernel_size: 2 stride: 2 bias_term: false', 'stride 3': 'kernel_size: 5 stride: 3 pad: 2',
            'kernel below stride': 'kernel_size: 2 stride: 3',
        }.items()
    },
    'Deconvolution depthwise': _convolution(
        'Deconvolution', 'kernel_size: 4 stride: 2 group: 6 pad: 1 bias_term: false', 6
    ),
    'InnerProduct on an image': _one('InnerProduct', _IP % ''),
    'InnerProduct no bias': _one('InnerProduct', _IP % 'bias_term: false'),
    'InnerProduct axis 2': _one('InnerProduct', _IP % 'axis: 2'),
    'InnerProduct axis -1': _one('InnerProduct', _IP % 'axis: -1'),
    'InnerProduct after Dropout and ReLU': net(
        layer('d', 'Dropout', 'data'), layer('r', 'ReLU', 'd', 'd'), layer('i', 'InnerProduct', 'd', params=_IP % '')
    ),
    'InnerProduct after Flatten, ReLU, Dropout': net(
        layer('f', 'Flatten', 'data'), layer('r', 'ReLU', 'f', 'f'), layer('d', 'Dropout', 'f', 'f'),
        layer('i', 'InnerProduct', 'f', params=_IP % ''),
    ),
    'InnerProduct after Reshape': net(
        layer('f', 'Reshape', 'data', params='reshape_param { shape { dim: 0 dim: -1 } }'),
        layer('r', 'ReLU', 'f', 'f'), layer('i', 'InnerProduct', 'f', params=_IP % ''),
    ),
    'InnerProduct after Reshape to four axes': net(
        layer('f', 'Reshape', 'data', params='reshape_param { shape { dim: 0 dim: -1 dim: 1 dim: 1 } }'),
        layer('i', 'InnerProduct', 'f', params=_IP % ''),
    ),
    'InnerProduct and Softmax after one Flatten': net(
        layer('f', 'Flatten', 'data'), layer('s', 'Softmax', 'f'), layer('i', 'InnerProduct', 'f', params=_IP % ''),
        layer('j', 'InnerProduct', 's', params=_IP % ''), layer('x', 'Eltwise', 'i j'),
    ),
    'InnerProduct after another': net(
        layer('i', 'InnerProduct', 'data', params=_IP % ''), layer('r', 'ReLU', 'i', 'i'),
        layer('j', 'InnerProduct', 'i', params=_IP % ''),
    ),
    'vector through BatchNorm, Scale, PReLU, Softmax': net(
        layer('i', 'InnerProduct', 'data', params=_IP % ''), layer('b', 'BatchNorm', 'i'),
        layer('s', 'Scale', 'b', params='scale_param { bias_term: true }'), layer('p', 'PReLU', 's'),
        layer('m', 'Softmax', 'p'),
    ),
    **{
        f'Pooling {method} {key}': net(
            layer('x', 'Pooling', 'data', params=f'pooling_param {{ pool: {method} {options} }}'), shape=(5, H, W)
        )
        for method in ('MAX', 'AVE')
        for key, options in _POOL.items()
    },
    'ReLU': _one('ReLU'),
    'ReLU negative_slope below 0': _one('ReLU', 'relu_param { negative_slope: -0.2 }'),
    'ReLU negative_slope': _one('ReLU', 'relu_param { negative_slope: 0.1 }'),
    'PReLU': _one('PReLU'),
    'Sigmoid': _one('Sigmoid'),
    'TanH': _one('TanH'),
    'ELU': _one('ELU', 'elu_param { alpha: 0.7 }'),
    'AbsVal': _one('AbsVal'),
    'Power': _one('Power', 'power_param { power: 2 scale: 0.5 shift: 1 }'),
    'Power of one': _one('Power', 'power_param { scale: -0.5 shift: 1 }'),
    'BatchNorm': _one('BatchNorm'),
    'BatchNorm eps': _one('BatchNorm', 'batch_norm_param { eps: 0.1 }'),
    'Scale': _one('Scale'),
    'Scale bias': _one('Scale', 'scale_param { bias_term: true }'),
    'Scale by value': _one('Scale', 'scale_param { num_axes: 3 bias_term: true }'),
    'Scale by place': _one('Scale', 'scale_param { axis: 2 num_axes: -1 }'),
    'Scale two bottoms': net(_GLOBAL, layer('x', 'Scale', 'data f', params='scale_param { axis: 0 }')),
    'Eltwise SUM': _two('Eltwise'),
    'Eltwise coeff': _two('Eltwise', 'eltwise_param { operation: SUM coeff: 0.5 coeff: -2 }'),
    'Eltwise PROD': _two('Eltwise', 'eltwise_param { operation: PROD }'),
    'Eltwise MAX': _two('Eltwise', 'eltwise_param { operation: MAX }'),
    'Concat': _two('Concat'),
    'Concat axis 2': _two('Concat', 'concat_param { axis: 2 }'),
    'Slice at points': net(
        layer('s', 'Slice', 'data', 'u v', 'slice_param { slice_point: 2 }'), layer('x', 'Concat', 'v u')
    ),
    'Slice equally': net(layer('s', 'Slice', 'data', 'u v', 'slice_param { axis: 3 }'), layer('x', 'Eltwise', 'v u')),
    'Split': net(layer('s', 'Split', 'data', 'u v'), layer('r', 'ReLU', 'u'), layer('x', 'Eltwise', 'r v')),
    'LRN across channels': _one('LRN', 'lrn_param { local_size: 3 alpha: 0.5 beta: 0.6 }'),
    'LRN wider than the channels': _one('LRN', 'lrn_param { local_size: 15 alpha: 0.5 }'),
    'LRN within a channel': _one('LRN', 'lrn_param { local_size: 3 alpha: 0.5 norm_region: WITHIN_CHANNEL }'),
    'Softmax': _one('Softmax'),
    'Softmax axis 2': _one('Softmax', 'softmax_param { axis: 2 }'),
    'Dropout': _one('Dropout'),
    'Dropout scale_train': _one('Dropout', 'dropout_param { dropout_ratio: 0.4 scale_train: false }'),
    'Flatten': _one('Flatten'),
    'Flatten from axis 2': _one('Flatten', 'flatten_param { axis: 2 }'),
    'Flatten axes 1 and 2': _one('Flatten', 'flatten_param { axis: 1 end_axis: 2 }'),
    'Reshape to other C, H, W': _one('Reshape', 'reshape_param { shape { dim: 0 dim: 8 dim: 6 dim: 11 } }'),
    'Reshape one axis': _one('Reshape', 'reshape_param { shape { dim: 2 dim: -1 } axis: 1 num_axes: 1 }'),
    'Reshape to three axes': _one('Reshape', 'reshape_param { shape { dim: 0 dim: -1 dim: 4 } }'),
    'Permute as SSD': _one('Permute', 'permute_param { order: 0 order: 2 order: 3 order: 1 }'),
    'Permute': _one('Permute', 'permute_param { order: 0 order: 3 order: 1 order: 2 }'),
    'Crop': net(
        layer('p', 'Pooling', 'data', params='pooling_param { kernel_size: 2 stride: 2 }'),
        layer('x', 'Crop', 'data p', params='crop_param { axis: 2 offset: 1 offset: 2 }'),
    ),
    'Normalize': _one('Normalize', 'norm_param { across_spatial: false channel_shared: false }'),
    'BNLL': _one('BNLL'),
    'Exp': _one('Exp'),
    'Exp base': _one('Exp', 'exp_param { base: 3 scale: -0.5 shift: 0.2 }'),
    'Swish': _one('Swish'),
    'MVN': _one('MVN'),
    'MVN across channels': _one('MVN', 'mvn_param { across_channels: true }'),
    'MVN mean only': _one('MVN', 'mvn_param { normalize_variance: false }'),
    'ShuffleChannel': _one('ShuffleChannel', 'shuffle_channel_param { group: 3 }'),
    'ReLU6': net(_WIDE, layer('x', 'ReLU6', 'w')),
    'Interp': _one('Interp', 'interp_param { height: 17 width: 5 }'),
    'Interp zoom': _one('Interp', 'interp_param { zoom_factor: 3 }'),
    'Interp from one place': net(
        layer('g', 'Pooling', 'data', params='pooling_param { pool: MAX global_pooling: true }'),
        layer('x', 'Interp', 'g', params='interp_param { height: 4 width: 3 }'),
    ),
    'Interp to one place': _one('Interp', 'interp_param { height: 1 width: 8 }'),
    'Log': net(layer('a', 'AbsVal', 'data'), layer('x', 'Log', 'a')),
    **{
        f'Pooling mask {key}': net(
            layer('p', 'Pooling', 'data', 'p mask', f'pooling_param {{ pool: MAX {options} }}'),
            layer('x', 'Concat', 'p mask'),
        )
        for key, options in _POOL.items()
    },
}  # fmt: skip

_SMALL = 'pooling_param { pool: %s kernel_size: 3 stride: 2 }'

# OpenCV 4.14 deviates from Caffe on these or cannot read them, for the reason given; numpy_caffe.py is the oracle.
NUMPY = {
    # ignores transpose
    'InnerProduct transpose': _one('InnerProduct', _IP % 'transpose: true'),
    # ignores dilation
    'Deconvolution dilation': _convolution('Deconvolution', 'kernel_size: 3 dilation: 2 stride: 2'),
    'Deconvolution dilation, group and pad': _convolution(
        'Deconvolution', 'kernel_h: 3 kernel_w: 2 dilation: 2 stride: 3 group: 2 pad: 1'
    ),
    # has no such layer or field
    'DepthwiseConvolution': _convolution('DepthwiseConvolution', 'kernel_size: 3 pad: 1 group: 6', 12),
    'HoleConvolution': _convolution('HoleConvolution', 'kernel_size: 3 pad: 2 hole: 2'),
    'Convolution hole': _convolution('Convolution', 'kernel_size: 3 hole_h: 1 hole_w: 2'),
    # refuses a kernel wider than the input, which Caffe clips
    'Pooling MAX of 2×2': net(layer('x', 'Pooling', 'data', params=_SMALL % 'MAX'), shape=(5, 2, 2)),
    'Pooling AVE of 2×2': net(layer('x', 'Pooling', 'data', params=_SMALL % 'AVE'), shape=(5, 2, 2)),
    'Pooling MAX of 2×9': net(layer('x', 'Pooling', 'data', params=_SMALL % 'MAX'), shape=(5, 2, 9)),
    # clips only the padded axis; Caffe clips both
    'Pooling MAX clipped without pad': _one(
        'Pooling', 'pooling_param { kernel_h: 2 kernel_w: 1 stride: 2 pad_h: 1 pad_w: 0 }'
    ),
    # takes no coefficients of MAX, which Caffe ignores
    'Eltwise MAX coeff': _two('Eltwise', 'eltwise_param { operation: MAX coeff: 2 coeff: 3 }'),
    'Concat of one on axis 0': _one('Concat', 'concat_param { axis: 0 }'),
    'Slice of one on axis 0': _one('Slice', 'slice_param { axis: 0 }'),
    'Pooling MAX round_mode': _one('Pooling', 'pooling_param { kernel_size: 3 stride: 2 round_mode: FLOOR }'),
    'Pooling AVE round_mode': _one('Pooling', 'pooling_param { pool: AVE kernel_size: 3 stride: 2 round_mode: FLOOR }'),
    'Concat concat_dim': _two('Concat', 'concat_param { concat_dim: 3 }'),
    # assumes k = 1
    'LRN k': _one('LRN', 'lrn_param { local_size: 3 alpha: 0.5 beta: 0.6 k: 2 }'),
    # cannot read a blob without axes
    'PReLU shared': _one('PReLU', 'prelu_param { channel_shared: true }'),
    'Scale by one number': _one('Scale', 'scale_param { num_axes: 0 }'),
    'Normalize shared': _one('Normalize', 'norm_param { across_spatial: false channel_shared: true }'),
    # expects one scale
    'Normalize across': _one('Normalize', 'norm_param { across_spatial: true channel_shared: false }'),
    # has no such layer
    'Bias': _one('Bias'),
    'Bias by place': _one('Bias', 'bias_param { axis: 2 num_axes: 2 }'),
    'Bias two bottoms': net(_GLOBAL, layer('x', 'Bias', 'data f', params='bias_param { axis: 0 }')),
    'ArgMax': _one('ArgMax'),
    'ArgMax values': _one('ArgMax', 'argmax_param { out_max_val: true top_k: 4 }'),
    'ArgMax axis': _one('ArgMax', 'argmax_param { axis: 1 }'),
    'ArgMax axis, values': _one('ArgMax', 'argmax_param { axis: 2 top_k: 3 out_max_val: true }'),
    **{
        f'Reduction {operation} axis {axis}': _one(
            'Reduction', f'reduction_param {{ operation: {operation} axis: {axis} coeff: 0.5 }}'
        )
        for operation in ('SUM', 'ASUM', 'SUMSQ', 'MEAN')
        for axis in (1, 2, 3)
    },
    # cannot read these options
    'Interp shrink': _one('Interp', 'interp_param { shrink_factor: 2 pad_beg: -1 pad_end: -2 }'),
    'Interp shrink and zoom': _one('Interp', 'interp_param { shrink_factor: 3 zoom_factor: 2 }'),
    'Interp like': net(
        layer('p', 'Pooling', 'data', params='pooling_param { kernel_size: 3 stride: 2 }'),
        layer('x', 'Interp', 'p data'),
    ),
    # ignores these options
    'ReLU6 negative_slope': net(_WIDE, layer('x', 'ReLU6', 'w', params='relu6_param { negative_slope: 0.1 }')),
    'Log base': net(
        layer('a', 'AbsVal', 'data'), layer('x', 'Log', 'a', params='log_param { base: 10 scale: 2 shift: 0.3 }')
    ),
    'MVN eps': _one('MVN', 'mvn_param { eps: 0.5 }'),
    'Swish beta': _one('Swish', 'swish_param { beta: -1.5 }'),
    'Swish beta of 0': _one('Swish', 'swish_param { beta: 0 }'),
    # has no such layer
    'BN of two blobs': _one('BN', _SEGNET),
    'BN of four blobs': _one('BN', _PSPNET),
    'BN of four blobs, 2016': _one('BN', 'bn_param { moving_average: true decay: 0.05 var_eps: 0.1 }'),
    'BN of a vector': net(_GLOBAL, layer('x', 'BN', 'f', params=_PSPNET)),
    'Upsample': _unpooled('kernel_size: 2 stride: 2', 'scale: 2', (5, 10, 8)),
    'Upsample size': _unpooled('kernel_size: 2 stride: 2', f'scale: 2 upsample_h: {H} upsample_w: {W}'),
    'Upsample pad_out': _unpooled('kernel_size: 2 stride: 2', 'pad_out_h: true'),
    'Upsample scale_h': _unpooled('kernel_h: 3 kernel_w: 2 stride_h: 3 stride_w: 2', 'scale_h: 3 scale_w: 2'),
    'Upsample of overlapping windows': _unpooled('kernel_size: 3 stride: 1', f'upsample_h: {H} upsample_w: {W}'),
    'Upsample of a wider image': _unpooled('kernel_size: 2 stride: 2', 'upsample_h: 12 upsample_w: 9'),
    'Upsample one bottom': _one('Upsample', 'upsample_param { scale: 3 }'),
    'Threshold': _one('Threshold', 'threshold_param { threshold: 0.3 }'),
    'SPP of one level': _one('SPP', 'spp_param { pyramid_height: 1 pool: AVE }'),
    'SPP MAX': _one('SPP', 'spp_param { pyramid_height: 3 }'),
    'SPP AVE': _one('SPP', 'spp_param { pyramid_height: 3 pool: AVE }'),
    **{
        f'Embed after Flatten {axes}': net(
            layer('t', 'Threshold', 'data'), layer('f', 'Flatten', 't', params=f'flatten_param {{ {axes} }}'),
            layer('x', 'Embed', 'f', params='embed_param { input_dim: 2 num_output: 7 }'),
        )
        for axes in ('axis: 1', 'axis: 2')
    },
    'Embed of an image, no bias': net(
        layer('t', 'Threshold', 'data'),
        layer('x', 'Embed', 't', params='embed_param { input_dim: 2 num_output: 7 bias_term: false }'),
    ),
    # fails on its own Axpy and Tile
    'Axpy': net(
        layer('g', 'Pooling', 'data', params='pooling_param { pool: AVE global_pooling: true }'),
        layer('r', 'ReLU', 'data'), layer('x', 'Axpy', 'g data r'),
    ),
    'Tile': _one('Tile', 'tile_param { tiles: 3 }'),
    'Tile axis': _one('Tile', 'tile_param { axis: -1 tiles: 2 }'),
    'Axpy of a vector': net(_GLOBAL, layer('r', 'ReLU', 'data'), layer('x', 'Axpy', 'f data r')),
    # also among those above, which shows that the two oracles agree
    'both: Convolution': _convolution('Convolution', 'kernel_size: 3 dilation: 2 pad: 1 stride: 2 group: 2'),
    'both: Pooling MAX': _one('Pooling', 'pooling_param { kernel_size: 4 stride: 3 pad: 2 }'),
    'both: Pooling AVE': _one('Pooling', 'pooling_param { pool: AVE kernel_size: 4 stride: 3 pad: 2 }'),
    'both: BatchNorm': _one('BatchNorm'),
}  # fmt: skip


def _head(name: str, feature: str, sizes: str, loc: int, conf: int) -> str:
    """SSD's layers on one feature map: priors, and predictions of `loc` and `conf` numbers for each place."""
    text = layer(f'{name}_priors', 'PriorBox', f'{feature} data', params=f'prior_box_param {{ {sizes} }}')
    for kind, outputs in (('loc', loc), ('conf', conf)):
        text += layer(
            f'{name}_{kind}_conv', 'Convolution', feature,
            params=f'convolution_param {{ num_output: {outputs} kernel_size: 1 }}',
        )  # fmt: skip
        text += layer(
            f'{name}_{kind}_order', 'Permute', f'{name}_{kind}_conv',
            params='permute_param { order: 0 order: 2 order: 3 order: 1 }',
        )  # fmt: skip
        text += layer(f'{name}_{kind}', 'Flatten', f'{name}_{kind}_order')
    return text


def ssd(options: str, classes: int = 3, shared: bool = True) -> str:
    """An SSD detector with two feature maps and 66 priors."""
    each = 4 if shared else 4 * classes
    large = (
        'min_size: 3 max_size: 6 aspect_ratio: 2 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.3 clip: false'
    )
    small = 'min_size: 5 aspect_ratio: 2 flip: false variance: 0.1 clip: false'
    return net(
        layer('f', 'Convolution', 'data', params='convolution_param { num_output: 5 kernel_size: 3 stride: 2 }'),
        layer('g', 'Convolution', 'f', params='convolution_param { num_output: 4 kernel_size: 3 }'),
        _head('a', 'f', large, 4 * each, 4 * classes), _head('b', 'g', small, 2 * each, 2 * classes),
        *(layer(kind, 'Concat', f'a_{kind} b_{kind}', params='concat_param { axis: 1 }') for kind in ('loc', 'conf')),
        layer('priors', 'Concat', 'a_priors b_priors', params='concat_param { axis: 2 }'),
        layer('x', 'DetectionOutput', 'loc conf priors', params=f'detection_output_param {{ num_classes: {classes} '
              f'share_location: {str(shared).lower()} {options} }}'),
    )  # fmt: skip


_NMS = 'nms_param { %s }'
_TARGET = 'variance_encoded_in_target: true keep_top_k: 20'
# OpenCV has no CORNER_SIZE and no defaults for most fields, ignores eta, expects other priors if the variance is in the
# target, and crashes without keep_top_k.
DETECTORS_NUMPY = {
    'defaults': ssd(''),
    'CORNER_SIZE': ssd('code_type: CORNER_SIZE keep_top_k: 20'),
    **{
        f'{code}, variance in the target': ssd(f'code_type: {code} {_TARGET}')
        for code in ('CORNER', 'CENTER_SIZE', 'CORNER_SIZE')
    },
    'eta': ssd('code_type: CENTER_SIZE ' + _NMS % 'nms_threshold: 0.9 eta: 0.8'),
}
_GIVEN = (
    'background_label_id: 0', 'code_type: CENTER_SIZE', 'keep_top_k: 200', 'confidence_threshold: -9',
    _NMS % 'nms_threshold: 0.3',
)  # fmt: skip
DETECTORS = {
    name: ssd(
        ' '.join([options, *(field for field in _GIVEN if field.split()[0] not in options)]), shared='each' not in name
    )
    for name, options in {
        'CORNER': 'code_type: CORNER', 'CENTER_SIZE': '',
        'a location for each class': 'keep_top_k: 30',
        'a location for each class, another background': 'background_label_id: 1 keep_top_k: 30',
        'a location for each class, no background': 'background_label_id: -1',
        'nms_threshold': _NMS % 'nms_threshold: 0.6',
        'top_k': _NMS % 'nms_threshold: 0.45 top_k: 9',
        'confidence_threshold': 'keep_top_k: 7 confidence_threshold: 0.02',
        'one row': 'keep_top_k: 1 confidence_threshold: 0.01',
    }.items()
}  # fmt: skip

_PRIOR = 'min_size: 4 max_size: 7 aspect_ratio: 2 aspect_ratio: 3 variance: 0.2 clip: false'
# OpenCV does not truncate sizes, has other defaults, and needs both or none of the size of image and step.
PRIORS_NUMPY = ('fractional sizes', 'defaults', 'img_size', 'img_h, img_w')
PRIORS = {
    name: net(
        layer('f', 'Pooling', 'data', params='pooling_param { kernel_size: 2 stride: 2 }'),
        layer('x', 'PriorBox', 'f data', params=f'prior_box_param {{ {options} }}'),
    )
    for name, options in {
        'one size': 'min_size: 4 variance: 0.1 clip: false', 'max_size, ratios': _PRIOR,
        'no flip': f'{_PRIOR} flip: false',
        'equal ratios': f'{_PRIOR} aspect_ratio: 1 aspect_ratio: 0.5 aspect_ratio: 2',
        'two sizes': 'variance: 0.2 clip: false min_size: 3 min_size: 4 max_size: 5 max_size: 7 aspect_ratio: 2',
        'clip': f'{_PRIOR[:-5]}true',
        'four variances': f'{_PRIOR} variance: 0.1 variance: 0.3 variance: 0.4',
        'img_size': f'{_PRIOR} img_size: 20', 'img_h, img_w': f'{_PRIOR} img_h: 20 img_w: 30',
        'step': f'{_PRIOR} step: 2.5', 'step_h, step_w': f'{_PRIOR} step_h: 2 step_w: 3',
        'offset': f'{_PRIOR} offset: 0.2',
        'fractional sizes': 'min_size: 3.84 max_size: 6.8 aspect_ratio: 2 variance: 0.1',
        'defaults': 'min_size: 4 aspect_ratio: 2',
    }.items()
}  # fmt: skip
