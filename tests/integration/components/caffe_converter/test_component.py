# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX component: its specification, and real runs of its executor."""

import json

import keras
import numpy as np
import pytest
from tfx.types import standard_artifacts

from components.caffe_converter import CaffeConverter, Settings, convert, vgg_face_prototxt
from components.caffe_converter.executor import Executor
from components.errors import InputError
from components.io.files import sha256_file


def _run(folder, component, **changes):
    model = standard_artifacts.Model()
    model.uri = str(folder)
    Executor().Do({}, {'model': [model]}, {**component.exec_properties, **changes})


def test_writes_model_and_report(small_vgg, tmp_path):
    prototxt, caffemodel = map(str, small_vgg)
    digests = sha256_file(prototxt), sha256_file(caffemodel)
    component = CaffeConverter(
        prototxt, caffemodel, Settings('pool5'), prototxt_sha256=digests[0], caffemodel_sha256=digests[1]
    )
    _run(tmp_path / 'model', component)
    assert sorted(path.name for path in (tmp_path / 'model').iterdir()) == ['base.keras', 'report.json']
    report = json.loads((tmp_path / 'model/report.json').read_text())
    assert report['prototxt'] == {'file': 'vgg.prototxt', 'sha256': digests[0]}
    assert report['caffemodel'] == {'file': 'vgg.caffemodel', 'sha256': digests[1], 'generation': 'v1'}
    assert report['input_shape'] == [64, 64, 3]
    assert [report['output_layer'], report['output_shape']] == ['pool5', [2, 2, 64]]
    assert len(report['layers']) == 31
    assert report['parameters'] == sum(row['parameters'] for row in report['layers']) == 230_568
    x = np.random.default_rng(0).normal(size=(1, 64, 64, 3)).astype(np.float32)
    model = keras.models.load_model(tmp_path / 'model/base.keras')
    np.testing.assert_array_equal(model(x), convert(prototxt, caffemodel, output_layer='pool5')(x))


def test_last_layer_by_default(small_vgg, tmp_path):
    component = CaffeConverter(*map(str, small_vgg))
    assert Settings.from_json(component.exec_properties['settings']) == Settings(output_layer=None)
    _run(tmp_path, component)
    assert json.loads((tmp_path / 'report.json').read_text())['output_layer'] == 'prob'


def test_another_input_size(small_vgg, tmp_path):
    _run(tmp_path, CaffeConverter(*map(str, small_vgg), Settings('pool5', (96, 32))))
    report = json.loads((tmp_path / 'report.json').read_text())
    assert [report['input_shape'], report['output_shape']] == [[96, 32, 3], [3, 1, 64]]


def test_a_file_that_changed_during_the_run(small_vgg, tmp_path):
    prototxt, caffemodel = map(str, small_vgg)
    component = CaffeConverter(prototxt, caffemodel, caffemodel_sha256='0' * 64)
    with pytest.raises(InputError, match=r'expected SHA-256 000000000000…, found .*the file changed since'):
        _run(tmp_path / 'model', component)
    assert not (tmp_path / 'model').exists()


def test_several_outputs_must_be_named(make_net, tmp_path):
    text = vgg_face_prototxt(4, False, 32) + (
        'layers { name: "more" type: RELU bottom: "pool4" top: "more" }\n'
        'layers { name: "even_more" type: RELU bottom: "pool4" top: "even_more" }'
    )
    files = make_net(text, 'v1')
    with pytest.raises(InputError, match=r"expected one output, found 3 \('pool5', 'more', 'even_more'\)"):
        _run(tmp_path / 'model', CaffeConverter(*map(str, files)))
    _run(tmp_path / 'model', CaffeConverter(*map(str, files), Settings('more')))
    assert json.loads((tmp_path / 'model/report.json').read_text())['output_shape'] == [2, 2, 32]
