# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A coverage-guided fuzz target for the Caffe converter's readers.

    python tests/integration/components/caffe_converter/fuzz_caffe_converter.py -max_total_time=60 CORPUS_FOLDER

This needs atheris (3.0.0 has wheels for Python 3.11 on Linux). An input is a prototxt, a NUL byte and a .caffemodel.
The target reads and matches both files and draws all weights. Only a one-line InputError may escape.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

import atheris

with atheris.instrument_imports(include=['components.caffe_converter', 'components.errors']):
    from components.caffe_converter import copying, keras_plan, network, summary
    from components.errors import InputError

from components.caffe_converter.random_weights import write_random_caffemodel

# The fuzzer needs short files: one layer each.
_SEEDS = [
    ('Convolution', 'convolution_param { num_output: 2 kernel_size: 2 pad: 1 stride: 2 group: 1 dilation: 1 }'),
    ('Deconvolution', 'convolution_param { num_output: 2 kernel_h: 2 kernel_w: 1 stride: 2 bias_term: false }'),
    ('InnerProduct', 'inner_product_param { num_output: 3 axis: 1 transpose: true }'),
    ('Pooling', 'pooling_param { pool: AVE kernel_size: 2 stride: 2 pad: 1 }'),
    ('BatchNorm', 'batch_norm_param { eps: 1e-3 }'),
    ('Scale', 'scale_param { axis: 1 num_axes: 2 bias_term: true }'),
    ('Bias', 'bias_param { num_axes: -1 }'),
    ('PReLU', 'prelu_param { channel_shared: true }'),
    ('LRN', 'lrn_param { local_size: 3 norm_region: WITHIN_CHANNEL }'),
    ('Reshape', 'reshape_param { shape { dim: 0 dim: -1 } axis: 0 num_axes: -1 }'),
    ('Flatten', 'flatten_param { axis: 1 end_axis: 2 }'),
    ('Permute', 'permute_param { order: 0 order: 2 }'),
    ('Normalize', 'norm_param { across_spatial: false }'),
    ('ArgMax', 'argmax_param { axis: 1 top_k: 2 }'),
    ('Reduction', 'reduction_param { operation: MEAN axis: 1 }'),
    ('Softmax', 'softmax_param { axis: 2 }'),
    ('Slice', 'slice_param { slice_point: 1 }'),
    ('Power', 'power_param { power: 2 }'),
]


def write_seeds(folder: Path) -> None:
    """Writes one valid input for each layer type and generation."""
    prototxt, caffemodel = folder / 'seed.prototxt', folder / 'seed.caffemodel'
    for kind, param in _SEEDS:
        second = 'top: "u"' if kind == 'Slice' else ''
        prototxt.write_text(
            f'input: "d" input_shape {{ dim: 1 dim: 2 dim: 4 dim: 3 }}\nlayer {{ name: "x" type: "{kind}" bottom: "d" '
            f'top: "t" {second} {param} }}'
        )
        for generation in ('v1', 'v2'):
            try:
                write_random_caffemodel(prototxt, caffemodel, seed=0, generation=generation)
            except ValueError:  # V1 has no such type
                continue
            (folder / f'{kind}_{generation}').write_bytes(prototxt.read_bytes() + b'\0' + caffemodel.read_bytes())
    prototxt.unlink()
    caffemodel.unlink()


def one_input(data: bytes) -> None:
    """Reads one input as the converter does."""
    text, _, weights = data.partition(b'\0')
    (_FOLDER / 'n').write_bytes(text)
    (_FOLDER / 'w').write_bytes(weights)
    try:
        found = network.open_network(_FOLDER / 'n', _FOLDER / 'w', skip_unknown=len(data) % 2 == 0)
        summary.summarise(found).table()
        for step in keras_plan.keras_order(found):
            for weight, values in found.weights(step):
                copying.contiguous(values).reshape(weight.shape)
    except InputError as error:
        if '\n' in str(error) or len(str(error)) > 2000:
            raise AssertionError(f'not one short line: {error}') from error


if __name__ == '__main__':
    with tempfile.TemporaryDirectory(dir='/dev/shm' if os.path.isdir('/dev/shm') else None) as temporary:  # noqa: S108
        _FOLDER = Path(temporary)
        for argument in sys.argv[1:]:
            if not argument.startswith('-') and not any(Path(argument).iterdir()):
                write_seeds(Path(argument))
        atheris.Setup(sys.argv, one_input)
        atheris.Fuzz()
