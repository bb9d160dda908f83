# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A data layer's mean, scale and channel order in the model, compared with Caffe's own data layer and numpy."""

import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest

from components.caffe_converter import convert, write_random_caffemodel
from components.caffe_converter.__main__ import main
from components.errors import InputError

_H, _W = 6, 5
_CONV = """
layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 3 kernel_size: 2 } }
layer { name: "s" type: "Silence" bottom: "label" }
"""
_VALUES = 'scale: 0.017 mean_value: 104 mean_value: 117 mean_value: 123'


@pytest.fixture
def train_val(tmp_path):
    """Maps a transform_param to a prototxt that reads one image, its weights, and that image as [1, 6, 5, 3] RGB."""

    def make(transform):
        pixels = np.random.default_rng(0).integers(0, 256, (_H, _W, 3), np.uint8)
        cv2.imwrite(str(tmp_path / 'x.png'), pixels[:, :, ::-1])
        (tmp_path / 'list').write_text(f'{tmp_path}/x.png 0\n')
        prototxt, caffemodel = tmp_path / 'train_val.prototxt', tmp_path / 'w.caffemodel'
        head = 'input: "data" input_dim: [1, 3, 6, 5]'
        prototxt.write_text(head + _CONV.split('layer { name: "s"')[0])
        write_random_caffemodel(prototxt, caffemodel, seed=1)
        data = f'image_data_param {{ source: "{tmp_path}/list" batch_size: 1 new_height: 6 new_width: 5 }}'
        prototxt.write_text(
            'layer { name: "in" type: "ImageData" top: "data" top: "label" '
            f'{data} transform_param {{ {transform} }} }}' + _CONV
        )
        return prototxt, caffemodel, pixels[None].astype(np.float32)

    return make


def _write_mean(path, image):
    """A BlobProto with legacy dimensions, as Caffe's compute_image_mean writes it; `image` is [C, H, W]."""
    numbers = image.astype('<f4').tobytes()
    length = bytes([len(numbers) & 127 | 128, len(numbers) >> 7])
    head = b''.join(bytes([field << 3, dim]) for field, dim in enumerate((1, *image.shape), 1))
    path.write_bytes(head + b'\x2a' + length + numbers)


@pytest.mark.parametrize('transform', [_VALUES, 'mean_value: 100', 'scale: 0.00390625', '', 'mean_file: "MEAN"'])
def test_preprocessing_equals_caffes_data_layer(train_val, transform, tmp_path, caffe_if_present):
    mean = np.random.default_rng(2).uniform(80, 160, (3, _H, _W)).astype(np.float32)
    _write_mean(tmp_path / 'mean.binaryproto', mean)
    prototxt, caffemodel, image = train_val(transform.replace('MEAN', f'{tmp_path}/mean.binaryproto'))
    got = np.asarray(convert(prototxt, caffemodel, with_preprocessing=True)(image))
    x = image[..., ::-1]  # BGR
    if 'file' in transform:
        x = x - mean.transpose(1, 2, 0)
    elif 'mean' in transform:
        x = x - (np.float32([104, 117, 123]) if '117' in transform else np.float32(100))
    x = x * np.float32(0.017 if '0.017' in transform else 0.00390625 if 'scale' in transform else 1)
    want = np.asarray(convert(prototxt, caffemodel)(x))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5 * np.abs(want).max())
    if caffe_if_present:
        theirs = caffe_if_present(prototxt, caffemodel, {})
        np.testing.assert_array_equal(theirs['data'].transpose(0, 2, 3, 1).round(), x.round())
        np.testing.assert_allclose(
            got.transpose(0, 3, 1, 2), theirs['c'], rtol=1e-4, atol=1e-5 * np.abs(theirs['c']).max()
        )


def test_the_centre_of_a_larger_mean_image(train_val, tmp_path):
    """As Caffe crops at test time; the file is found by its name beside the prototxt."""
    mean = np.random.default_rng(2).uniform(80, 160, (3, 9, 8)).astype(np.float32)
    _write_mean(tmp_path / 'mean.binaryproto', mean)
    prototxt, caffemodel, image = train_val('mean_file: "/gone/mean.binaryproto"')
    got = convert(prototxt, caffemodel, with_preprocessing=True)(image)
    want = convert(prototxt, caffemodel)(image[..., ::-1] - mean[:, 1:7, 1:6].transpose(1, 2, 0))
    np.testing.assert_allclose(np.asarray(got), np.asarray(want), rtol=1e-4, atol=1e-3)
    _write_mean(tmp_path / 'mean.binaryproto', mean[:, :4])
    with pytest.raises(InputError, match=r'expected a mean image of at least 3×6×5 .*found 3×4×8'):
        convert(prototxt, caffemodel, with_preprocessing=True)
    (tmp_path / 'mean.binaryproto').write_bytes(b'\x08\x01')
    with pytest.raises(InputError, match='expected a blob of an image, found 0 numbers'):
        convert(prototxt, caffemodel, with_preprocessing=True)
    (tmp_path / 'mean.binaryproto').unlink()
    with pytest.raises(InputError, match=r'line 1: .*found no such file; copy it beside the prototxt'):
        convert(prototxt, caffemodel, with_preprocessing=True)


def test_the_command_reports_the_data_layer(train_val, tmp_path, capsys):
    prototxt, caffemodel, image = train_val(_VALUES)
    arguments = [str(tmp_path / 'o'), str(prototxt), str(caffemodel)]
    assert main(arguments) == 0
    line = "input 'data': layer 'in' (ImageData) subtracts the mean 104, 117, 123 and multiplies by 0.017; "
    assert line + 'do the same to your images (BGR) or use -f keras --with-preprocessing' in capsys.readouterr().err
    assert main([*arguments, '--with-preprocessing']) == 2
    assert 'expected -f keras, found -f hdf5' in capsys.readouterr().err
    assert main([*arguments, '--with-preprocessing', '-f', 'keras']) == 0
    assert line + 'the model does it: give float32 [B, 6, 5, 3], RGB, 0-255' in capsys.readouterr().err
    # A process that has never imported the converter opens the file.
    code = (
        'import keras, numpy as np, sys; m = keras.models.load_model(sys.argv[1]); np.save(sys.argv[2], '
        'm(np.load(sys.argv[3])))'
    )
    np.save(tmp_path / 'x.npy', image)
    files = [str(tmp_path / name) for name in ('o.keras', 'y.npy', 'x.npy')]
    subprocess.run([sys.executable, '-c', code, *files], check=True, cwd=tmp_path, env={'KERAS_BACKEND': 'tensorflow'})
    want = convert(prototxt, caffemodel, with_preprocessing=True)(image)
    np.testing.assert_allclose(np.load(tmp_path / 'y.npy'), np.asarray(want), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ('transform', 'match'),
    [
        ('mean_value: 1 mean_value: 2', 'expected one mean_value or one for each of 3 channels, found 2'),
        ('mean_value: 1 mean_file: "m"', 'expected mean_value or mean_file, found both'),
    ],
)
def test_preprocessing_that_caffe_refuses(train_val, transform, match):
    prototxt, caffemodel, _ = train_val(transform)
    with pytest.raises(InputError, match=match):
        convert(prototxt, caffemodel, with_preprocessing=True)


def test_a_deployed_prototxt_has_no_preprocessing(small_vgg):
    with pytest.raises(InputError, match='found none; give the train_val prototxt'):
        convert(*small_vgg, with_preprocessing=True)


def test_the_numbers_are_exact(train_val):
    """Whole pixels minus a whole mean lose nothing."""
    prototxt, caffemodel, image = train_val('mean_value: 100')
    model = convert(prototxt, caffemodel, with_preprocessing=True)
    inner = keras.Model(model.input, model.get_layer('data_mean').output)
    np.testing.assert_array_equal(np.asarray(inner(image)), image[..., ::-1] - 100)
