# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The .caffemodel reader: every encoding of weights, and files that are broken or of another format."""

import struct

import numpy as np
import pytest

from components.caffe_converter import check, read_weights, vgg_face_prototxt, write_caffemodel
from components.caffe_converter.caffemodel_reader import CaffeModel
from components.errors import InputError

_TEXT = """input: "data" input_shape { dim: 1 dim: 2 dim: 4 dim: 3 }
layer { name: "c" type: "Convolution" bottom: "data" top: "c"
        convolution_param { num_output: 3 kernel_size: 1 bias_term: false } }"""
_VALUES = np.arange(6, dtype='<f4') + 0.5


def _varint(value):
    out = b''
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def _field(number, data):
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _shape(*dims):
    return _field(7, b''.join(b'\x08' + _varint(dim) for dim in dims))  # not packed, which proto2 allows


def _layer(*blobs, name=b'c'):
    return _field(100, _field(1, name) + _field(2, b'Convolution') + b''.join(_field(7, blob) for blob in blobs))


def _read(tmp_path, data):
    (tmp_path / 'n.prototxt').write_text(_TEXT)
    (tmp_path / 'w.caffemodel').write_bytes(data)
    return read_weights(tmp_path / 'n.prototxt', tmp_path / 'w.caffemodel')


_DATA = {
    'packed': _field(5, _VALUES.tobytes()),
    'one by one': b''.join(b'\x2d' + value.tobytes() for value in _VALUES),
    'double': _field(8, _VALUES.astype('<f8').tobytes()),
    'double one by one': b''.join(b'\x41' + value.tobytes() for value in _VALUES.astype('<f8')),
    'in pieces': _field(5, _VALUES[:2].tobytes()) + b'\x2d' + _VALUES[2].tobytes() + _field(5, b'')
    + _field(5, _VALUES[3:].tobytes()),
    'raw float': b'\x50\x01' + _field(12, _VALUES.tobytes()),
    'raw double': _field(12, _VALUES.astype('<f8').tobytes()) + b'\x50\x00',
    'raw half': b'\x50\x02' + _field(12, _VALUES.astype('<f2').tobytes()) + _field(13, b'\0' * 12),
    'with gradients': _field(6, _VALUES.tobytes()) + _field(5, _VALUES.tobytes()) + _field(9, b'\0' * 16),
}  # fmt: skip


@pytest.mark.parametrize('data', _DATA.values(), ids=_DATA)
@pytest.mark.parametrize('legacy', [False, True])
def test_every_encoding(tmp_path, data, legacy):
    shape = bytes([8, 3, 16, 2, 24, 1, 32, 1]) if legacy else _shape(3, 2, 1, 1)
    weights = _read(tmp_path, _field(1, b'net') + _field(3, b'data') + _layer(data + shape))
    np.testing.assert_array_equal(weights['c'][0], _VALUES.reshape(3, 2, 1, 1).transpose(2, 3, 1, 0))


_GOOD = _layer(_DATA['packed'] + _shape(3, 2, 1, 1))


@pytest.mark.parametrize(
    ('data', 'match'),
    [
        (b'', 'found an empty file'),
        (_TEXT.encode(), 'found text; are PROTOTXT and CAFFEMODEL swapped'),
        (b'\x89HDF\r\n\x1a\n' + b'\0' * 99, 'cannot read it; it is damaged, download it again'),
        (b'version https://git-lfs.github.com/spec/v1\noid sha256:0', 'found a Git LFS pointer'),
        (b'<!DOCTYPE html>\n<html lang="en">', 'found a web page'),
        (_GOOD[:-3], 'is truncated or damaged, download it again'),
        (_GOOD[:30], r'expected \d+ bytes from byte \d+, found \d+ to the end of the file'),
        (_GOOD + _field(2, _field(4, b'd')), 'found V1 layers and V2 layers'),
        (_field(2, _field(1, _field(1, b'c'))), "layer 'c'.*expected weights, found none of that name"),
        (_GOOD + _GOOD, "layer 'c' .*expected one layer of that name, found 2"),
        (_layer(_DATA['packed'] + _shape(3, 2, 1, 1), name=b'd'), "expected weights, found none of that name; .*'d'"),
        (_layer(), 'expected weights, found none of that name; layers with weights: none'),
        (_layer(_DATA['packed'] + _shape(3, 2, 1, 1), _DATA['packed'] + _shape(6)),
         r'expected 1 blobs \(from n.prototxt line 2\), found 2'),
        (_layer(_DATA['packed'] + _shape(2, 3, 1, 1)),
         r"layer 'c' \(Convolution\) blob 0: expected 3×2×1×1 \(from n.prototxt line 2\), found 2×3×1×1"),
        (_layer(_DATA['packed'] + _shape(3, 2, 1, 2**64 - 1)), 'found 3×2×1×-1'),
        (_layer(_DATA['packed'] + _shape(2**62, 2**62, 2**62, 2**62)), 'found 4611686018427387904×'),
        (_layer(_DATA['packed']), 'found a single number'),
        (_layer(_field(5, _VALUES[:5].tobytes()) + _shape(3, 2, 1, 1)), 'expected 6 numbers for 3×2×1×1, found 5'),
        (_layer(_field(5, b'12345') + _shape(3, 2, 1, 1)), "layer 'c' blob 0: 5 bytes are not whole numbers of 4"),
        (_layer(_DATA['packed'] + _DATA['double']), 'both float and double data'),
        (_layer(b'\x50\x03' + _field(12, b'1234') + _shape(3, 2, 1, 1)), 'expected raw_data of type DOUBLE, FLOAT or'),
        (_layer(b'\x50\x02' + _field(12, b'123') + _shape(3, 2, 1, 1)), '3 bytes are not whole numbers of 2'),
        (_layer(b'\x28\x01'), 'data has wire type 0'),
        (_layer(_shape(*[1] * 40)), 'more than 32 dimensions'),
        (_layer(_field(5, b'1234') * 1500), 'more than 1000 pieces'),
        (_field(100, _field(1, b'\xff')), 'a name that is not UTF-8'),
        (_field(100, _field(1, b'x' * 5000)), 'a name of 5000 bytes'),
        (_field(100, b'\x08\x01'), 'field 1 has wire type 0, expected 2'),
        (_field(100, b'\x0b'), 'wire type 3 is not valid'),
        (b'\xff' * 20, 'found none'),
        (_field(100, b'') * 20_001, 'more than 20000 layers'),
        (b'\x08\x01' * 1_000_001, 'more than 1000000 fields'),
        (struct.pack('<Q', 0), 'field number 0 is not valid'),
    ],
)  # fmt: skip
def test_broken_files(tmp_path, data, match):
    with pytest.raises(InputError, match=match) as error:
        _read(tmp_path, data)
    assert '\n' not in str(error.value) and len(str(error.value)) < 600
    assert 'w.caffemodel' in str(error.value)


def test_missing_files_and_folders(tmp_path):
    (tmp_path / 'n.prototxt').write_text(_TEXT)
    for path, found in ((tmp_path / 'none', 'no such file'), (tmp_path, 'a folder')):
        with pytest.raises(InputError, match=f'expected a \\.caffemodel, found {found}'):
            check(tmp_path / 'n.prototxt', path)
    with pytest.raises(InputError, match='found a binary file; are PROTOTXT and CAFFEMODEL swapped'):
        write_caffemodel(tmp_path / 'w', [('c', 'Convolution', [_VALUES.reshape(3, 2, 1, 1)])])
        check(tmp_path / 'w', tmp_path / 'n.prototxt')


def test_weights_of_another_width(make_net, small_vgg, tmp_path):
    _, caffemodel = make_net(vgg_face_prototxt(4, True, 64, 40, 11))
    with pytest.raises(
        InputError, match=r"layer 'conv1_1'.*expected 8×3×3×3 .* found 4×3×3×3; use the .caffemodel that"
    ):
        check(small_vgg[0], caffemodel)


def test_every_truncation_is_an_error(small_vgg, tmp_path):
    whole = small_vgg[1].read_bytes()
    for length in range(0, len(whole), len(whole) // 60):
        (tmp_path / 'part').write_bytes(whole[:length])
        with pytest.raises(InputError):
            check(small_vgg[0], tmp_path / 'part')
    # The convolutions need nothing of the missing part, but a truncated file is always an error.
    (tmp_path / 'part').write_bytes(whole[:-1000])
    with pytest.raises(InputError, match=r"layer 'fc8'.*truncated"):
        check(small_vgg[0], tmp_path / 'part', output_layer='pool5')


def test_legacy_shapes_start_with_ones(small_vgg):
    model = CaffeModel(small_vgg[1])
    assert model.generation == 'v1'
    shapes = {layer.name: [blob.shape for blob in layer.blobs] for layer in model.layers if layer.blobs}
    assert shapes['fc6'] == [(1, 1, 40, 256), (1, 1, 1, 40)]
    assert shapes['conv1_1'] == [(8, 3, 3, 3), (1, 1, 1, 8)]
