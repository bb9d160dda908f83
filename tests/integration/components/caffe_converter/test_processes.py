# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The converter in child processes: its memory, its imports, and its .keras files."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.caffe_converter import vgg_face_prototxt, write_random_caffemodel
from components.caffe_converter.network import open_network
from components.caffe_converter.outputs import write_keras

_ROOT = Path(__file__).resolve().parents[4]
_LRN = """input: "data" input_shape { dim: 2 dim: 6 dim: 11 dim: 8 }
layer { name: "n" type: "LRN" bottom: "data" top: "n" lrn_param { local_size: 3 alpha: 0.5 beta: 0.6 k: 2 } }
"""


def _peak(prototxt: Path, caffemodel: Path, out: Path) -> int:
    """Peak resident bytes of a conversion to .h5 in its own process."""
    code = (
        'import resource, sys\nfrom components.caffe_converter.__main__ import main\n'
        'status = main(sys.argv[1:])\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\nsys.exit(status)'
    )
    command = [sys.executable, '-c', code, str(out), str(prototxt), str(caffemodel)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout) * (1 if sys.platform == 'darwin' else 1024)


def test_conversion_takes_less_memory_than_the_file(tmp_path):
    """A quarter of VGG-Face's fc6 in one blob, 103 MB: needs the file's pages and two slabs, but no copy."""
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


def _load_in_another_process(path, imports):
    code = f'import keras, sys{imports}\nprint(keras.models.load_model({str(path)!r}).output_shape)'
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)


def test_keras_file_with_custom_layers_loads_after_importing_them(make_net, tmp_path):
    assert write_keras(open_network(*make_net(_LRN)), tmp_path / 'x.keras') == ['LRN']
    done = _load_in_another_process(tmp_path / 'x.keras', ', components.caffe_converter.keras_layers')
    assert done.stdout.strip() == '(None, 11, 8, 6)', done.stderr
    done = _load_in_another_process(tmp_path / 'x.keras', '')
    assert done.returncode == 1 and "Could not locate class 'LRN'" in done.stderr


def test_keras_file_without_custom_layers_loads_without_the_package(small_vgg, tmp_path):
    assert write_keras(open_network(*small_vgg), tmp_path / 'x.keras') == []
    done = _load_in_another_process(tmp_path / 'x.keras', '; sys.modules["components"] = None')
    assert done.stdout.strip() == '(None, 11)', done.stderr


def test_importing_the_package_is_cheap():
    code = (
        'import sys, components.caffe_converter as c; c.check, c.convert, c.write_random_caffemodel; '
        'print([m for m in ("keras", "tensorflow", "h5py", "tfx") if m in sys.modules])'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'
