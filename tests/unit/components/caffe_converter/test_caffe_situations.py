# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Networks and weights that Caffe runs although they are unusual; compared with Caffe where it is installed.

Each test also compares with an equivalent plain network, or with numpy, so that it runs everywhere.
"""

import re

import cv2
import h5py
import numpy as np
import pytest

from components.caffe_converter import check, convert, read_weights, write_caffemodel
from components.caffe_converter.__main__ import main
from components.caffe_converter.caffemodel_reader import CaffeModel
from components.errors import InputError

_DATA = 'input: "data" input_shape { dim: 1 dim: 2 dim: 6 dim: 5 }\n'
_X = np.random.default_rng(0).normal(size=(1, 2, 6, 5)).astype(np.float32)


def _layer(name, kind, bottom, top='', extra=''):
    named = f'name: "{name}" ' if name is not None else ''
    top = top or name
    return f'layer {{ {named}type: "{kind}" bottom: "{bottom}" top: "{top}" {extra} }}\n'


def _conv(name, bottom, top='', outputs=3, extra=''):
    param = f'convolution_param {{ num_output: {outputs} kernel_size: 1 }}'
    return _layer(name, 'Convolution', bottom, top, f'{param} {extra}')


def _share(*names):
    return ' '.join(f'param {{ name: "{name}" }}' for name in names)


def _output(files, x=_X, **options):
    """The model's output in Caffe's order."""
    got = np.asarray(convert(*files, **options)(x.transpose(0, 2, 3, 1)))
    return got.transpose(0, 3, 1, 2) if got.ndim == 4 else got


def _equal(got, want):
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.fixture
def compare(caffe_if_present):
    """Compares with Caffe if it is installed; the caller has compared with something else."""

    def run(files, blob, got, x=_X):
        if caffe_if_present:
            _equal(got, caffe_if_present(*files, {'data': x})[blob])

    return run


def test_two_layers_of_one_name(make_net, compare):
    """As in HED and CRF-RNN: only layers without weights may share a name."""
    files = make_net(
        _DATA + _conv('c', 'data') + _layer('r', 'ReLU', 'c') + _layer('r', 'TanH', 'c', 'u')
        + 'layer { name: "s" type: "Eltwise" bottom: "r" bottom: "u" top: "out" }'
    )  # fmt: skip
    model = convert(*files)
    assert [layer.name for layer in model.layers[1:]] == ['c', 'r', 'r_2', 's']
    kernel, bias = read_weights(*files)['c']
    c = np.einsum('nchw,co->nohw', _X, kernel[0, 0]) + bias[:, None, None]
    got = _output(files)
    _equal(got, np.maximum(c, 0) + np.tanh(c))
    compare(files, 'out', got)


def test_a_layer_without_weights_named_as_one_with_weights(make_net, compare):
    files = make_net(_DATA + _conv('c', 'data'))
    kernel, bias = np.random.default_rng(1).normal(size=(3, 2, 1, 1)), np.ones(3)
    write_caffemodel(files[1], [('c', 'Convolution', [kernel, bias])])
    files[0].write_text(_DATA + _conv('c', 'data') + _layer('c', 'TanH', 'c', 't'))
    got = _output(files)
    _equal(got, np.tanh(np.einsum('nchw,oc->nohw', _X, kernel[:, :, 0, 0]) + 1))
    compare(files, 't', got)


def test_unnamed_layers(make_net, compare):
    files = make_net(_DATA + _conv('c', 'data') + _layer(None, 'ReLU', 'c', 'c') + _layer(None, 'TanH', 'c', 'o'))
    assert [row.name for row in check(*files).layers] == ['c', 'ReLU', 'TanH']
    kernel, bias = read_weights(*files)['c']
    got = _output(files)
    _equal(got, np.tanh(np.maximum(np.einsum('nchw,co->nohw', _X, kernel[0, 0]) + bias[:, None, None], 0)))
    compare(files, 'o', got)


_SHARED = (
    _DATA + _conv('a', 'data', outputs=2, extra=_share('w', 'b'))
    + _conv('d', 'a', outputs=2, extra=_share('w', 'b')) + _layer('r', 'ReLU', 'd')
)  # fmt: skip


@pytest.mark.parametrize('kept', [('a', 'd'), ('a',), ('d',)], ids=['twice', 'first', 'second'])
def test_shared_parameters(make_net, compare, kept):
    """Stored twice and different, the last copy counts for both layers."""
    files = make_net(_SHARED)
    weights = {
        name: [np.random.default_rng(seed).normal(size=(2, 2, 1, 1)), np.full(2, seed)]
        for seed, name in enumerate('ad', 1)
    }
    write_caffemodel(files[1], [(name, 'Convolution', weights[name]) for name in kept])
    kernel, bias = weights[kept[-1]]
    y = _X
    for _ in range(2):
        y = np.einsum('nchw,oc->nohw', y, kernel[:, :, 0, 0]) + bias[:, None, None]
    got = _output(files)
    _equal(got, np.maximum(y, 0))
    compare(files, 'r', got)
    # The copy that counts may belong to a layer that is not converted.
    np.testing.assert_allclose(read_weights(*files, output_layer='a')['a'][1], bias)


def test_shared_parameters_in_v1(tmp_path):
    text = _DATA + ''.join(
        f'layers {{ name: "{name}" type: CONVOLUTION bottom: "{bottom}" top: "{name}" param: "w" param: "b" '
        f'blob_share_mode: PERMISSIVE convolution_param {{ num_output: 2 kernel_size: 1 }} }}\n'
        for name, bottom in (('a', 'data'), ('d', 'a'))
    )
    (tmp_path / 'n').write_text(text)
    kernel, bias = np.random.default_rng(1).normal(size=(2, 2, 1, 1)), np.ones(2)
    write_caffemodel(tmp_path / 'w', [('a', 'Convolution', [kernel, bias])], 'v1')
    weights = read_weights(tmp_path / 'n', tmp_path / 'w')
    for one, other in zip(weights['a'], weights['d'], strict=True):
        np.testing.assert_array_equal(one, other)


def test_raw_data_of_opencv(make_net, tmp_path):
    """OpenCV halves a file by FP16 numbers in raw_data."""
    files = make_net(_DATA + _conv('c', 'data') + _layer('i', 'InnerProduct', 'c', extra='inner_product_param { '
                     'num_output: 4 }'))  # fmt: skip
    cv2.dnn.shrinkCaffeModel(str(files[1]), str(tmp_path / 'half'))
    half = read_weights(files[0], tmp_path / 'half')
    for name, arrays in read_weights(*files).items():
        for got, want in zip(half[name], arrays, strict=True):
            np.testing.assert_array_equal(got, want.astype(np.float16).astype(np.float32))
    network = cv2.dnn.readNetFromCaffe(str(files[0]), str(tmp_path / 'half'))
    network.setInput(_X)
    np.testing.assert_allclose(_output((files[0], tmp_path / 'half')), network.forward(), rtol=1e-4, atol=1e-5)


def test_hdf5_snapshot(make_net, compare, tmp_path):
    files = make_net(_DATA + _conv('c', 'data') + _layer('r', 'PReLU', 'c'))
    snapshot = tmp_path / 'x.caffemodel.h5'
    _write_snapshot(files, snapshot)
    weights = read_weights(*files)
    found = read_weights(files[0], snapshot)
    assert found.keys() == weights.keys()
    for name, arrays in found.items():
        for got, want in zip(arrays, weights[name], strict=True):
            np.testing.assert_array_equal(got, want)
    compare((files[0], snapshot), 'r', _output((files[0], snapshot)))


def _write_snapshot(files, path, shared=()):
    """As Caffe's Net::ToHDF5: /data/<layer>/<blob>; a shared parameter only at its owner."""
    model = CaffeModel(files[1])
    with h5py.File(path, 'w') as file:
        for one in model.layers:
            group = file.create_group(f'data/{one.name}')
            for at, blob in enumerate(one.blobs):
                if one.name not in shared:
                    group[str(at)] = model.array(blob, blob.shape)


def test_hdf5_snapshot_of_shared_parameters(make_net, compare, tmp_path):
    files = make_net(_SHARED)
    snapshot = tmp_path / 'x.caffemodel.h5'
    _write_snapshot(files, snapshot, shared=('d',))
    weights = read_weights(files[0], snapshot)
    np.testing.assert_array_equal(weights['a'][0], weights['d'][0])
    compare((files[0], snapshot), 'r', _output((files[0], snapshot)))


def test_hdf5_snapshot_that_caffe_writes(make_net, caffe, tmp_path):
    files = make_net(_SHARED)
    want = caffe(*files, {'data': _X}, save=tmp_path / 'x.h5')['r']
    _equal(_output((files[0], tmp_path / 'x.h5')), want)


@pytest.mark.parametrize(
    ('fill', 'match'),
    [
        (lambda file: None, "with a group data, found ''"),
        (lambda file: file.create_group('data/c'), "layer 'c'.*expected weights, found none of that name"),
        (lambda file: file.create_dataset('data/c/0', data=np.zeros((3, 2, 1, 2), 'f4')), 'expected 2 blobs .*found 1'),
        (lambda file: file.create_dataset('data/c/0', data=np.zeros(3, 'i4')), 'expected contiguous float or double'),
        (lambda file: file.create_dataset('data/c/0', data=np.zeros(3, 'f4'), chunks=(1,)), 'in another layout'),
        (lambda file: file.create_dataset('data/c/99', data=np.zeros(3, 'f4')), 'more than 64 blobs or 20000 layers'),
    ],
)
def test_hdf5_snapshots_that_do_not_fit(make_net, tmp_path, fill, match):
    files = make_net(_DATA + _conv('c', 'data'))
    with h5py.File(tmp_path / 'x.h5', 'w') as file:
        fill(file)
    with pytest.raises(InputError, match=match):
        check(files[0], tmp_path / 'x.h5')


def test_input_without_dims_beside_an_input_layer(make_net, compare):
    text = _DATA + _conv('c', 'data')
    files = make_net(text)
    want = _output(files)
    shape = 'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 2 dim: 6 dim: 5 } } }'
    files[0].write_text('input: "data"\n' + shape + _conv('c', 'data'))
    assert check(*files).inputs == (('data', (6, 5, 2)),)
    _equal(_output(files), want)
    compare(files, 'c', want)


def test_an_input_size_fills_missing_dims(make_net):
    files = make_net(_DATA + _conv('c', 'data'))
    files[0].write_text('input: "data"\n' + _conv('c', 'data'))
    with pytest.raises(InputError, match=r'its shape is not in the prototxt; .*--input-size'):
        check(*files)
    assert check(*files, input_size=(6, 5)).inputs == (('data', (6, 5, 2)),)
    assert check(*files, input_shapes={'data': (2, 4, 3)}).inputs == (('data', (4, 3, 2)),)
    for shape, match in (((2, 0, 3), 'at least 1, found 2×0×3'), ((2**20, 2**20, 3), 'expected at most 2147483647')):
        with pytest.raises(InputError, match=f"input 'data': .*{match}"):
            check(*files, input_shapes={'data': shape})
    with pytest.raises(InputError, match=r"expected the name of an input \('data'\), found 'dada'"):
        check(*files, input_shapes={'dada': (2, 4, 3)})


@pytest.mark.parametrize('kind', ['Python', 'DenseImageData'])
def test_unknown_data_layers(make_net, kind, tmp_path):
    files = make_net(_DATA + _conv('c', 'data') + _layer('r', 'ReLU', 'c'))
    want = _output(files)
    param = 'python_param { module: "layers" layer: "Data" }' if kind == 'Python' else 'dense_image_data_param { a: 1 }'
    files[0].write_text(
        f'layer {{ name: "in" type: "{kind}" top: "data" top: "label" {param} }}\n' + _conv('c', 'data')
        + _layer('r', 'ReLU', 'c')
        + 'layer { name: "loss" type: "Python" bottom: "r" bottom: "label" top: "loss" loss_weight: 1 }'
    )  # fmt: skip
    with pytest.raises(InputError, match=rf"input 'data': layer 'in' \({kind}\) makes it, .*--input-shape"):
        check(*files)
    _equal(_output(files, input_shapes={'data': (2, 6, 5)}), want)
    assert check(*files, input_size=(6, 5)).output_layer == 'r'
    out = tmp_path / 'o.h5'
    assert main([str(out), *map(str, files), '--input-shape', 'data=2,6,5', '-b', 'tf']) == 0
    assert out.is_file()
    with pytest.raises(SystemExit):
        main([str(out), *map(str, files), '--input-shape', 'data=2x6'])


def test_a_data_layer_of_several_inputs(make_net):
    second = 'input: "other" input_shape { dim: 1 dim: 3 }\n'
    rest = _conv('c', 'data') + 'layer { name: "s" type: "Scale" bottom: "c" bottom: "other" top: "s" '
    rest += 'scale_param { axis: 0 } }'
    files = make_net(_DATA + second + rest)
    want = check(*files)
    files[0].write_text('layer { name: "in" type: "HDF5Data" top: "data" top: "other" }\n' + rest)
    with pytest.raises(InputError, match=r"'other': layer 'in' \(HDF5Data\) makes it for training; .*--input-shape"):
        check(*files, input_size=(6, 5))
    got = check(*files, input_size=(6, 5), input_shapes={'other': (3,)})
    assert got.inputs == want.inputs and got.output_shape == want.output_shape


def test_silence(make_net, compare):
    text = _DATA + _conv('c', 'data') + _conv('d', 'data')
    files = make_net(text)
    files[0].write_text(text + 'layer { name: "s" type: "Silence" bottom: "c" }')
    assert [name for name, _ in check(*files).outputs] == ['d']
    compare(files, 'd', _output(files))
    files[0].write_text(text + 'layer { name: "s" type: "Silence" bottom: "c" bottom: "d" }')
    with pytest.raises(InputError, match='found none; name the last layer with --output-layer'):
        check(*files)
    assert check(*files, output_layer='d').output_layer == 'd'


def test_v1_types_of_forks(make_net):
    files = make_net(_DATA + _conv('c', 'data') + _layer('p', 'PReLU', 'c'))
    want = _output(files)
    v1 = (
        _DATA + 'layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" '
        'convolution_param { num_output: 3 kernel_size: 1 } }\n'
        'layers { name: "p" type: PRELU bottom: "c" top: "p" }\n'
    )
    files[0].write_text(v1)
    _equal(_output(files), want)
    files[0].write_text(v1 + 'layers { name: "n" type: NORMALISE bottom: "p" top: "n" }\n')
    with pytest.raises(
        InputError, match=r"line 4: layer 'n' \(NORMALISE\): .*did you mean Normalize\? Or convert up to"
    ):
        check(*files)
    _equal(_output(files, output_layer='p'), want)
    _equal(_output(files, skip_unknown=True), want)


@pytest.mark.parametrize('points', ['', 'slice_param { slice_point: 2 }'])
def test_data_layer_that_feeds_a_slice(make_net, compare, points):
    """Siamese networks: one blob holds both images, so the weights give its channels."""
    slice_ = f'layer {{ name: "s" type: "Slice" bottom: "data" top: "u" top: "v" {points} }}\n'
    rest = _layer('q', 'Power', 'u') + _conv('a', 'q', extra=_share('w', 'b'))
    rest += (
        _conv('d', 'v', extra=_share('w', 'b')) + 'layer { name: "e" type: "Eltwise" bottom: "a" bottom: "d" top: "e" }'
    )
    files = make_net(_DATA.replace('dim: 2', 'dim: 4') + slice_ + rest)
    want = check(*files)
    x = np.random.default_rng(0).normal(size=(1, 4, 6, 5)).astype(np.float32)
    compare(files, 'e', _output(files, x), x)
    files[0].write_text('layer { name: "in" type: "Data" top: "data" top: "sim" }\n' + slice_ + rest)
    assert check(*files, input_size=(6, 5)).inputs == want.inputs == (('data', (6, 5, 4)),)


def test_reduction_of_one_image_from_axis_0(make_net, compare):
    files = make_net(_DATA + _layer('x', 'Reduction', 'data', extra='reduction_param { operation: MEAN }'))
    got = _output(files)
    _equal(got, [_X.mean()])
    compare(files, 'x', got[0])
    files[0].write_text(files[0].read_text().replace('dim: 1 dim: 2', 'dim: 3 dim: 2'))
    with pytest.raises(InputError, match='axis 0 is the batch axis'):
        check(*files)


def test_padding_of_one_axis_and_a_window_without_values(make_net):
    text = _DATA + _layer('p', 'Pooling', 'data', extra='pooling_param { kernel_size: 1 stride: 2 }')
    files = make_net(_DATA + _conv('c', 'data'))
    files[0].write_text(text)
    # Caffe gives -3.4e38 for MAX and NaN for AVE there.
    with pytest.raises(InputError, match=r'window outside the input of 6×5, which has no value; round_mode: FLOOR'):
        check(*files)


@pytest.mark.parametrize(
    ('layer', 'match'),
    [
        (
            'relu_parm { negative_slope: 1 }',
            r"layer 'r' \(ReLU\) has an unknown field 'relu_parm'; did you mean relu_par",
        ),
        (
            'relu_param { negative_slop: 1 }',
            "layer 'r': relu_param has an unknown field 'negative_slop'; did you mean negative_slope",
        ),
        ('bottoms: "data"', r"layer 'r' \(ReLU\) has an unknown field 'bottoms'; did you mean bottom"),
        ('param { lr_mul: 1 }', "layer 'r': param has an unknown field 'lr_mul'; did you mean lr_mult"),
        ('pooling_param { kernel_size: 3 }', ''),
    ],
)
def test_unknown_fields_of_a_layer(make_net, layer, match):
    files = make_net(_DATA + _conv('c', 'data'))
    files[0].write_text(_DATA + _conv('c', 'data') + _layer('r', 'ReLU', 'c', extra=layer))
    if not match:
        assert check(*files).output_layer == 'r'  # Caffe ignores the parameters of other types
        return
    with pytest.raises(InputError, match=f'net.prototxt line 3: {match}'):
        check(*files)


def test_octal_pad(make_net, compare):
    """Protobuf's text format: pad: 010 is 8."""
    text = _DATA + _layer(
        'c', 'Convolution', 'data', extra='convolution_param { num_output: 3 kernel_size: 3 pad: 010 }'
    )
    files = make_net(text)
    got = _output(files)
    assert got.shape == (1, 3, 6 + 16 - 2, 5 + 16 - 2)
    compare(files, 'c', got)


_TEXTS = {
    'list of messages': _DATA + 'layer: [{ name: "a" type: "ReLU" bottom: "data" top: "a" }, '
    '< name: "b" type: "TanH" bottom: "a" top: "b" >]',
    'list without a colon': _DATA + 'layer [{ name: "a" type: "ReLU" bottom: "data" top: "b" }];',
    'hexadecimal': 'input: "data" input_dim: [0x1, 2, 06, 5] layer { name: "b" type: "TanH" bottom: "data" top: "b" }',
    'escapes': _DATA + r'layer { name: "\u00e9\303\251\x41\U0001F600\?" type: "Ta" "nH" bottom: "\144ata" top: "b" }',
    'comment in Latin-1': _DATA + '# \xe9\nlayer { name: "b" type: "TanH" bottom: "data" top: "b" }',
    'float with f': _DATA
    + 'layer { name: "b" type: "ReLU" bottom: "data" top: "b" relu_param { negative_slope: 2f } }',
}
_BAD_TEXTS = {
    'octal 9': (_DATA.replace('dim: 6', 'dim: 09'), 'octal'),
    'octal float': (_layer('b', 'ReLU', 'data', extra='relu_param { negative_slope: 010 }'), 'number'),
    'trailing comma': ('input_dim: [1,]', 'expected a value'),
    'escape': (r'name: "C:\data"', 'not an escape'),
    'list of values and messages': ('layer: [{}, 1]', "expected '{'"),
    'semicolon in a list': ('layer: [{}; {}]', "expected ',' or ']'"),
}  # fmt: skip


@pytest.mark.parametrize('text', _TEXTS.values(), ids=_TEXTS)
def test_text_format_as_caffe_reads_it(text, request, tmp_path, caffe_if_present):
    """Layers without weights: both files are enough for Caffe and for numpy."""
    (tmp_path / 'n').write_bytes(text.encode('latin-1') if 'Latin' in request.node.name else text.encode())
    write_caffemodel(tmp_path / 'w', [('other', 'ReLU', [np.ones(1)])])
    got = _output((tmp_path / 'n', tmp_path / 'w'))
    x = np.maximum(_X, 0) if 'list' in request.node.name else _X
    if 'without a colon' in request.node.name:
        want = x
    else:
        want = np.where(_X > 0, _X, 2 * _X) if 'float' in request.node.name else np.tanh(x)
    _equal(got, want)
    if caffe_if_present:
        _equal(got, caffe_if_present(tmp_path / 'n', None, {'data': _X})['b'])


@pytest.mark.parametrize(('text', 'match'), _BAD_TEXTS.values(), ids=_BAD_TEXTS)
def test_text_that_caffe_refuses(text, match, tmp_path, caffe_if_present):
    text = text if text.startswith('input: "data"') else _DATA + text
    (tmp_path / 'n').write_text(text + _layer('z', 'TanH', 'data'))
    write_caffemodel(tmp_path / 'w', [('other', 'ReLU', [np.ones(1)])])
    with pytest.raises(InputError, match=match) as error:
        check(tmp_path / 'n', tmp_path / 'w')
    assert re.search(r'line \d+', str(error.value))
    if caffe_if_present:
        with pytest.raises(ValueError, match='Failed to parse NetParameter'):
            caffe_if_present(tmp_path / 'n', None, {'data': _X})


_V0 = """
name: "old" input: "data" input_dim: 1 input_dim: 4 input_dim: 9 input_dim: 8
layers { layer { name: "p1" type: "padding" pad: 1 } bottom: "data" top: "p1" }
layers { layer { name: "c1" type: "conv" num_output: 6 kernelsize: 3 group: 2 stride: 2 biasterm: false
                 weight_filler { type: "gaussian" std: 0.1 } blobs_lr: 1. weight_decay: 1. }
         bottom: "p1" top: "c1" }
layers { layer { name: "r1" type: "relu" } bottom: "c1" top: "c1" }
layers { layer { name: "m1" type: "pool" pool: MAX kernelsize: 2 stride: 2 } bottom: "c1" top: "m1" }
layers { layer { name: "n1" type: "lrn" local_size: 3 alpha: 0.5 beta: 0.6 } bottom: "m1" top: "n1" }
layers { layer { name: "f1" type: "innerproduct" num_output: 5 } bottom: "n1" top: "f1" }
layers { layer { name: "d1" type: "dropout" dropout_ratio: 0.5 } bottom: "f1" top: "f1" }
layers { layer { name: "s1" type: "softmax" } bottom: "f1" top: "s1" }
"""
_V2 = """
name: "new" input: "data" input_dim: 1 input_dim: 4 input_dim: 9 input_dim: 8
layer { name: "c1" type: "Convolution" bottom: "data" top: "c1"
        convolution_param { num_output: 6 kernel_size: 3 group: 2 stride: 2 pad: 1 bias_term: false } }
layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" }
layer { name: "m1" type: "Pooling" bottom: "c1" top: "m1" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "n1" type: "LRN" bottom: "m1" top: "n1" lrn_param { local_size: 3 alpha: 0.5 beta: 0.6 } }
layer { name: "f1" type: "InnerProduct" bottom: "n1" top: "f1" inner_product_param { num_output: 5 } }
layer { name: "s1" type: "Softmax" bottom: "f1" top: "s1" }
"""


def _bytes(number, data):
    length, out = len(data), b''
    tag = number << 3 | 2
    for value in (tag, length):
        while value > 127:
            out, value = out + bytes([value & 127 | 128]), value >> 7
        out += bytes([value])
    return out + data


def _v0_blob(values):
    shape = (1,) * (4 - values.ndim) + values.shape
    head = b''.join(bytes([number << 3, dim]) for number, dim in enumerate(shape, 1))
    return _bytes(50, head + _bytes(5, values.astype('<f4').tobytes()))


def test_v0_network_of_2013(make_net, tmp_path, compare):
    """Flat parameters, and a padding layer of its own; compared with the same network in V2."""
    files = make_net(_V2)
    x = np.random.default_rng(0).normal(size=(1, 4, 9, 8)).astype(np.float32)
    want = _output(files, x)
    old = tmp_path / 'old.prototxt', tmp_path / 'old.caffemodel'
    old[0].write_text(_V0)
    model = CaffeModel(files[1])
    data = b''
    for one in model.layers:
        blobs = b''.join(_v0_blob(model.array(blob, blob.shape)) for blob in one.blobs)
        kind = {'c1': b'conv', 'f1': b'innerproduct'}.get(one.name, b'relu')
        data += _bytes(2, _bytes(1, _bytes(1, one.name.encode()) + _bytes(2, kind) + blobs))
    old[1].write_bytes(data)
    got = _output(old, x)
    np.testing.assert_array_equal(got, want)
    compare(old, 's1', got, x)
    old[0].write_text(_V0.replace('type: "conv"', 'type: "relu"').replace(' num_output: 6 kernelsize: 3 group: 2', ''))
    with pytest.raises(InputError, match=r"old.prototxt line 4: V0 layer 'c1' of type 'relu' has an unknown field"):
        check(*old)


def test_placeholder_inputs_name_the_option(make_net):
    files = make_net(
        _DATA + _layer('c', 'Convolution', 'data', extra='convolution_param { num_output: 3 kernel_size: 3 }')
    )
    files[0].write_text(files[0].read_text().replace('dim: 6 dim: 5', 'dim: 1 dim: 1'))
    with pytest.raises(InputError, match='leaves nothing of an input of 1×1; set the input size with --input-size H W'):
        check(*files)
    assert check(*files, input_size=(6, 5)).output_shape == (4, 3, 3)
    files = make_net(_DATA + _layer('f', 'InnerProduct', 'data', extra='inner_product_param { num_output: 2 }'))
    files[0].write_text(files[0].read_text().replace('dim: 6 dim: 5', 'dim: 1 dim: 1'))
    with pytest.raises(InputError, match=r"expected 2×2 .*found 2×60; .*input 'data', which is 1×1, with --input-size"):
        check(*files)
    assert check(*files, input_size=(6, 5)).output_shape == (2,)


def test_dropout_without_scale_in_training(make_net):
    """scale_train: false: a plain mask in training, and x · (1 - ratio) at test time."""
    files = make_net(
        _DATA + _layer('d', 'Dropout', 'data', extra='dropout_param { dropout_ratio: 0.4 scale_train: false }')
    )
    model = convert(*files)
    x = np.ones((1, 6, 5, 2), np.float32)
    np.testing.assert_allclose(np.asarray(model(x)), 0.6, rtol=1e-6)
    trained = np.asarray(model(x, training=True))
    assert set(np.round(np.unique(trained), 5)) == {0, 1}


def test_a_layer_in_training_phase(make_net):
    files = make_net(_DATA + _layer('d', 'Dropout', 'data'))
    files[0].write_text(_DATA + _layer('d', 'Dropout', 'data', extra='phase: TRAIN'))
    with pytest.raises(InputError, match='phase: TRAIN makes it random at test time'):
        check(*files)
