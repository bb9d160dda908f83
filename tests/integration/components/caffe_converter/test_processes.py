# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The converter in processes of its own: its memory, its benchmark, its Keras files."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.caffe_converter import vgg_face_prototxt, write_random_caffemodel
from components.caffe_converter.bench import measure
from components.caffe_converter.network import open_network
from components.caffe_converter.outputs import write_keras

_ROOT = Path(__file__).resolve().parents[4]
_LRN = """input: "data" input_shape { dim: 2 dim: 6 dim: 11 dim: 8 }
layer { name: "n" type: "LRN" bottom: "data" top: "n" lrn_param { local_size: 3 alpha: 0.5 beta: 0.6 k: 2 } }
"""


def _peak(prototxt: Path, caffemodel: Path, out: Path) -> int:
    """Peak resident bytes of a conversion to .h5 in a process of its own."""
    code = (
        'import resource, sys\nfrom components.caffe_converter.__main__ import main\n'
        'status = main(sys.argv[1:])\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\nsys.exit(status)'
    )
    command = [sys.executable, '-c', code, str(out), str(prototxt), str(caffemodel)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout) * (1 if sys.platform == 'darwin' else 1024)


def test_conversion_takes_less_memory_than_the_file(tmp_path):
    """A quarter of VGG-Face's fc6 in one blob, 103 MB: the source's pages, two slabs and no copy."""
    small, large = tmp_path / 'small.prototxt', tmp_path / 'large.prototxt'
    small.write_text(vgg_face_prototxt(4, True, 32, 8, 3))
    large.write_text(vgg_face_prototxt(32, True, 224, 2048, 10))
    sizes = []
    for prototxt in (small, large):
        write_random_caffemodel(prototxt, prototxt.with_suffix('.caffemodel'), seed=0)
        sizes.append(_peak(prototxt, prototxt.with_suffix('.caffemodel'), tmp_path / 'x.h5'))
    size = large.with_suffix('.caffemodel').stat().st_size
    assert size > 120e6
    assert sizes[1] - sizes[0] < 1.3 * size
    assert (tmp_path / 'x.h5').stat().st_size == pytest.approx(size, rel=0.01)


def test_benchmark_runs_every_step():
    result = measure(width=4, rounds=1)
    opencv = 'OpenCV readNetFromCaffe'
    written = ['write random weights', 'write as many bytes, fsync', 'copy the file, fsync']
    expected = [*written, 'check', 'convert to .h5, fsync', opencv]
    assert list(result['steps']) == expected
    assert all(step['seconds'] > 0 for step in result['steps'].values())


@pytest.mark.parametrize(
    'imports', ['import components.caffe_converter, keras', 'import keras, components.caffe_converter']
)
def test_keras_file_opens_after_importing_the_package(make_net, tmp_path, imports):
    files = make_net(_LRN)
    write_keras(open_network(*files), tmp_path / 'x.keras')
    code = f'{imports}\nprint(keras.models.load_model({str(tmp_path / "x.keras")!r}).output_shape)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '(None, 11, 8, 6)'
