# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Untrusted files: any content gives a network or a one-line error, quickly and in little memory."""

import resource
import time
import tracemalloc
from pathlib import Path

import h5py
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from components.caffe_converter import convert, vgg_face_prototxt, write_random_caffemodel
from components.caffe_converter.caffemodel_reader import CaffeModel
from components.caffe_converter.copying import contiguous
from components.caffe_converter.network import open_network
from components.caffe_converter.outputs import write_hdf5
from components.caffe_converter.summary import summarise
from components.errors import InputError

_TEXT = """input: "data" input_shape { dim: 1 dim: 2 dim: 6 dim: 5 }
layer { name: "c" type: "Convolution" bottom: "data" top: "c"
        convolution_param { num_output: 4 kernel_size: 3 pad: 1 } }
layer { name: "b" type: "BatchNorm" bottom: "c" top: "c" }
layer { name: "s" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { kernel_size: 3 stride: 2 } }
layer { name: "r" type: "Reshape" bottom: "p" top: "r" reshape_param { shape { dim: 0 dim: -1 } } }
layer { name: "i" type: "InnerProduct" bottom: "r" top: "i" inner_product_param { num_output: 3 } }
layer { name: "q" type: "PReLU" bottom: "i" top: "i" }
"""
_settings = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_BYTES_PER_BYTE = 30  # about the cost of Python's objects for a tree of short fields
_BASE = 2_000_000


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('robust')
    prototxt, caffemodel = folder / 'n', folder / 'w'
    prototxt.write_text(_TEXT)
    write_random_caffemodel(prototxt, caffemodel, seed=0, generation='v2')
    return folder, prototxt.read_bytes(), caffemodel.read_bytes()


def _try(folder: Path, text: bytes, weights: bytes) -> bool:
    """Converts to .h5; returns whether that worked. An error must be one line, come quickly and leave no file."""
    (folder / 'n').write_bytes(text)
    (folder / 'w').write_bytes(weights)
    (folder / 'out').mkdir(exist_ok=True)
    started = time.monotonic()
    tracemalloc.start()
    try:
        network = open_network(folder / 'n', folder / 'w')
        summarise(network).table()
        for step in network.steps:
            for weight, values in network.weights(step):
                assert contiguous(values).reshape(weight.shape).shape == weight.shape
        done = True
    except InputError as error:
        message = str(error)
        assert '\n' not in message and len(message) < 2000
        assert message.startswith((str(folder / 'n'), str(folder / 'w')))
        done = False
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert time.monotonic() - started < 5
    assert peak < _BASE + _BYTES_PER_BYTE * (len(text) + len(weights))
    if done:
        write_hdf5(network, folder / 'out/x.h5')
        (folder / 'out/x.h5').unlink()
    assert not any((folder / 'out').iterdir())
    return done


def test_unchanged_files_convert(files):
    assert _try(*files)


@_settings
@given(st.data())
def test_flipped_bits(files, data):
    folder, text, weights = files
    changed = bytearray(weights)
    for _ in range(data.draw(st.integers(1, 4))):
        # The first bytes of each layer are structure; most others are numbers, which may have any value.
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    _try(folder, text, bytes(changed))


@pytest.fixture(scope='module')
def snapshot(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp('snapshot')
    path, caffemodel = folder / 'x.h5', folder / 'w'
    caffemodel.write_bytes(files[2])
    with h5py.File(path, 'w') as file:
        for one in (model := CaffeModel(caffemodel)).layers:
            for at, blob in enumerate(one.blobs):
                file[f'data/{one.name}/{at}'] = model.array(blob, blob.shape)
    return path.read_bytes()


@_settings
@given(st.data())
def test_flipped_bits_of_an_hdf5_snapshot(files, snapshot, data):
    folder, text, _ = files
    changed = bytearray(snapshot)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    _try(folder, text, bytes(changed))


@_settings
@given(st.data())
def test_removed_inserted_and_repeated_bytes(files, data):
    folder, text, weights = files
    which = data.draw(st.booleans())
    changed = text if which else weights
    at = data.draw(st.integers(0, len(changed)))
    length = data.draw(st.integers(0, 60))
    put = data.draw(st.one_of(st.binary(max_size=20), st.just(changed[at : at + length] * 2)))
    changed = changed[:at] + put + changed[at + length :]
    _try(folder, changed if which else text, weights if which else changed)


_WORDS = """
{ } : , ; [ ] < > 0 1 -1 2 3 7 64 2147483647 4294967296 -2147483648 1e30 nan "" "c" "data" true MAX AVE layer layers
name type bottom top dim shape pad kernel_size stride group dilation axis num_output num_axes "Softmax" "Concat"
"Slice" "Flatten" "Crop" "LRN" "Deconvolution" "ArgMax" "Reduction" "Permute" slice_param lrn_param
"""
_WORD = st.sampled_from(_WORDS.split())


@_settings
@given(st.lists(st.tuples(st.integers(0, 200), _WORD), min_size=1, max_size=5))
@example([(14, '2147483647'), (16, '2147483647')])
def test_replaced_words_of_the_prototxt(files, changes):
    folder, text, weights = files
    words = text.decode().split()
    for at, word in changes:
        words[at % len(words)] = word
    _try(folder, ' '.join(words).encode(), weights)


@_settings
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_arbitrary_bytes(files, text, weights):
    assert not _try(files[0], text, weights)


def _relu(name: str, bottom: str, top: str) -> str:
    return f'layer {{ name: "{name}" type: "ReLU" bottom: "{bottom}" top: "{top}" }}'


def _one(kind: str, params: str) -> str:
    return f'layer {{ name: "a" type: "{kind}" bottom: "data" {params} }}'


_SLOW = {
    'one name': _relu('a', 'data', 'data') * 1000,
    'names that clash': ''.join(_relu('é' + '/' * (n % 7) + str(n % 5), 'data', f't{n}') for n in range(9000)),
    'names that become one': ''.join(_relu(chr(0x4E00 + n), 'data', f't{n}') for n in range(9000)),
    'deep': _relu('a', 'data', 'd0') + ''.join(_relu(f'a{n}', f'd{n}', f'd{n + 1}') for n in range(9000)),
    'many tops': _one('Slice', ''.join(f'top: "{n}" ' for n in range(90_000))),
    'many bottoms': _one('Concat', 'top: "a"' + ' bottom: "data"' * 90_000),
    'many dims': _one('Reshape', f'top: "a" reshape_param {{ shape {{ {"dim: 2147483647 " * 90_000} }} }}'),
    'wide LRN': _one('LRN', 'top: "a" lrn_param { local_size: 2147483647 }'),
    'wide pooling': _one('Pooling', 'top: "a" pooling_param { kernel_size: 2147483647 pad: 2147483646 }'),
    'many inputs': ''.join(f'input: "i{n}" ' for n in range(50_000)) + _relu('a', 'i1', 'a'),
    'long names': ''.join(_relu('x' * 1000 + str(n), 'data', f't{n}') for n in range(3000)),
}


@pytest.mark.parametrize('text', _SLOW.values(), ids=_SLOW)
def test_networks_designed_to_be_slow(files, text):
    folder, _, weights = files
    header = '' if text.startswith('input:') else 'input: "data" input_shape { dim: 1 dim: 2 dim: 6 dim: 5 }\n'
    (folder / 'n').write_text(header + text)
    (folder / 'w').write_bytes(weights)
    started = time.monotonic()
    try:
        network = open_network(folder / 'n', folder / 'w')
        summarise(network)
        write_hdf5(network, folder / 'x.h5')
    except InputError as error:
        assert '\n' not in str(error)
    assert time.monotonic() - started < 10


def test_a_network_too_deep_for_keras(files):
    folder, _, weights = files
    header = 'input: "data" input_shape { dim: 1 dim: 2 dim: 6 dim: 5 }\n'
    (folder / 'n').write_text(header + _SLOW['deep'])
    (folder / 'w').write_bytes(weights)
    with pytest.raises(InputError, match='found 9001 layers, too many in a row for its recursion'):
        convert(folder / 'n', folder / 'w')


def test_checking_a_large_file_is_quick_and_needs_no_memory(tmp_path):
    prototxt, caffemodel = tmp_path / 'n.prototxt', tmp_path / 'w.caffemodel'
    prototxt.write_text(vgg_face_prototxt(16, True, 224, 1024, 10))
    write_random_caffemodel(prototxt, caffemodel, seed=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    assert summarise(open_network(prototxt, caffemodel)).parameters > 7e6
    assert time.monotonic() - started < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 5_000
