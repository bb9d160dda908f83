# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The command line, python -m components.caffe_converter."""

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from components.caffe_converter import convert, vgg_face_prototxt
from components.caffe_converter.__main__ import main

_ROOT = Path(__file__).resolve().parents[4]


def _files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / 'out'
    folder.mkdir()
    return folder


def test_help_is_quick():
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, '-m', 'components.caffe_converter', '--help'], cwd=_ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert 'OUT_FILE PROTOTXT CAFFEMODEL' in done.stdout
    assert time.monotonic() - started < 1.5  # 0.3 s on an idle machine


def test_known_command_lines_keep_working(small_vgg, out):
    """As in scripts for the usual converter: no ending in OUT_FILE, underscores in options."""
    prototxt, caffemodel = map(str, small_vgg)
    command = [sys.executable, '-m', 'components.caffe_converter', str(out / 'vgg'), prototxt, caffemodel]
    done = subprocess.run([*command, '--verbose'], cwd=_ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == ''
    assert 'conv1_1 (Convolution): 224 parameters converted' in done.stderr
    assert 'pool5 (Pooling): no weights' in done.stderr
    assert main([str(out / 'vgg'), prototxt, caffemodel, '-f', 'pickle', '-n', '-u', '-b', 'tensorflow']) == 0
    assert main([str(out / 'all'), prototxt, caffemodel, '-f', 'pickle', '--include_non_weight', '--skip_unknown']) == 0
    assert _files(out) == ['all.pkl', 'vgg.h5', 'vgg.pkl']
    assert (out / 'all.pkl').read_bytes() == (out / 'vgg.pkl').read_bytes()
    assert len(pickle.loads((out / 'vgg.pkl').read_bytes())) == 39  # noqa: S301 - written above


def test_whole_model_up_to_a_layer(small_vgg, out, capsys):
    prototxt, caffemodel = map(str, small_vgg)
    arguments = [str(out / 'm.keras'), prototxt, caffemodel, '-f', 'keras', '--output-layer', 'pool5', '--summary']
    assert main(arguments) == 0
    stdout, stderr = capsys.readouterr()
    assert stdout.splitlines()[0].split() == ['layer', 'type', 'output', 'parameters', 'MFLOP']
    assert stdout.splitlines()[-1].split()[:2] == ['total', '230,568']
    assert stderr.splitlines()[-1].endswith('m.keras: 230,568 parameters, 31 layers up to pool5')
    model = keras.models.load_model(out / 'm.keras')
    x = np.random.default_rng(0).normal(size=(1, 64, 64, 3)).astype(np.float32)
    np.testing.assert_array_equal(model(x), convert(*small_vgg, output_layer='pool5')(x))


def test_input_size(small_vgg, out):
    prototxt, caffemodel = map(str, small_vgg)
    arguments = [str(out / 'm'), prototxt, caffemodel, '-f', 'keras', '--output-layer', 'pool5']
    assert main([*arguments, '--input-size', '32', '96']) == 0
    assert keras.models.load_model(out / 'm.keras').output_shape == (None, 1, 3, 64)


def test_a_keras_file_with_custom_layers_names_the_import(make_net, out, capsys):
    text = vgg_face_prototxt(4, False, 64).replace('kernel_size: 2', 'kernel_size: 3 pad: 1')  # and a 33rd window
    arguments = [str(out / 'm.keras'), *map(str, make_net(text, 'v1')), '-f', 'keras']
    assert main(arguments) == 0
    hint = 'm.keras: import components.caffe_converter.keras_layers before you load this file'
    assert hint + ' (stock Keras has no Pooling of Caffe)' in capsys.readouterr().err.splitlines()[-1]
    assert main([*arguments, '--output-layer', 'relu1_2']) == 0
    assert hint not in capsys.readouterr().err


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['{out}/x', '{caffemodel}', '{prototxt}'], 'are PROTOTXT and CAFFEMODEL swapped?'),
        (['{out}/x', '{out}/none', '{caffemodel}'], 'expected a prototxt, found no such file'),
        (['{out}/none/x', '{prototxt}', '{caffemodel}'], 'found no folder'),
        (['{out}', '{prototxt}', '{caffemodel}', '-f', 'keras', '--output-layer', 'pool9'], "did you mean 'pool5'"),
        (['{out}/x', '{prototxt}', '{caffemodel}', '-b', 'theano'], "tensorflow, jax or torch, found 'theano'"),
        (['{out}/x', '{prototxt}', '{caffemodel}', '-f', 'pickle', '--hand-built'], 'expected -f hdf5'),
        (['{out}/x', '{prototxt}', '{caffemodel}', '--input-size', '0', '5'], 'expected two numbers from 1'),
        (['{out}/x', '{prototxt}', '{caffemodel}', '--input-size', '32', '32'], "layer 'fc6'"),
        (['{out}/x', '{prototxt}', '{damaged}'], "layer 'fc6'"),
        (['{prototxt}', '{prototxt}', '{caffemodel}'], ''),
    ],
)  # fmt: skip
def test_bad_input_gives_one_line_and_leaves_no_file(small_vgg, out, tmp_path, capsys, arguments, message):
    prototxt, caffemodel = small_vgg
    damaged = tmp_path / 'damaged.caffemodel'
    damaged.write_bytes(caffemodel.read_bytes()[:-20_000])
    values = {'out': out, 'prototxt': prototxt, 'caffemodel': caffemodel, 'damaged': damaged}
    before = prototxt.read_bytes()
    status = main([argument.format(**values) for argument in arguments])
    if not message:  # OUT_FILE gets an ending, so it differs from the prototxt
        assert status == 0 and prototxt.read_bytes() == before
        prototxt.with_name(prototxt.name + '.h5').unlink()
        return
    assert status == 2
    stdout, stderr = capsys.readouterr()
    assert stdout == '' and stderr.count('\n') == 1 and stderr.startswith('error: ') and message in stderr
    assert _files(out) == []


def test_usage_errors_are_status_2():
    with pytest.raises(SystemExit) as error:
        main(['only_one'])
    assert error.value.code == 2


def test_output_never_replaces_an_input(small_vgg, tmp_path, capsys):
    caffemodel = tmp_path / 'weights.h5'
    caffemodel.write_bytes(small_vgg[1].read_bytes())
    assert main([str(caffemodel), str(small_vgg[0]), str(caffemodel)]) == 2
    assert 'weights.h5: this file is an input; give OUT_FILE another name' in capsys.readouterr().err
    assert caffemodel.read_bytes() == small_vgg[1].read_bytes()


# Stops in the first weight; by then, the temporary file has its full size.
_SLOW_WRITER = """
import sys, time
from components.caffe_converter import copying, __main__
def write(*_):
    print('writing', flush=True)
    time.sleep(60)
copying.Writer.write = write
sys.exit(__main__.main(sys.argv[1:]))
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_conversion_leaves_no_file(small_vgg, out, number):
    command = [sys.executable, '-c', _SLOW_WRITER, str(out / 'x'), *map(str, small_vgg)]
    process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'writing\n'
    assert len(_files(out)) == 1
    process.send_signal(number)
    assert process.communicate(timeout=2)[1] == 'caffe-converter: interrupted; nothing was written\n'
    assert process.returncode == 128 + number
    assert _files(out) == []


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='needs /dev/full')
def test_a_full_disk_leaves_no_file(small_vgg, out, capsys, monkeypatch):
    from components.caffe_converter import copying

    def full(descriptor, data, offset):  # fails as on a full disk
        with open('/dev/full', 'wb', buffering=0) as device:
            return device.write(data)

    monkeypatch.setattr(copying.os, 'pwrite', full)
    assert main([str(out / 'x'), *map(str, small_vgg)]) == 2
    assert 'cannot be written: No space left on device' in capsys.readouterr().err
    assert _files(out) == []
