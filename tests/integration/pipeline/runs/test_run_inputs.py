# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A run's inputs: their check and their digests."""

import dataclasses
import hashlib
import shutil
from pathlib import Path

import pytest

from components.caffe_converter.settings import Settings as ModelSettings
from components.errors import InputError
from components.stratified_example_gen.settings import Settings as DataSettings
from pipeline.runs.run_inputs import RunInputs


@pytest.fixture
def run_inputs(inputs) -> RunInputs:
    return RunInputs(inputs.data, inputs.prototxt, inputs.caffemodel)


def test_check_returns_the_network_up_to_the_output_layer(run_inputs):
    network = run_inputs.check(DataSettings(), ModelSettings(output_layer='conv1_1'))
    assert network.input_shape == (64, 64, 3)
    assert [row.name for row in network.layers][-1] == 'conv1_1'


@pytest.mark.parametrize('name', ['data', 'prototxt', 'caffemodel'])
def test_check_names_a_missing_input(run_inputs, name):
    with pytest.raises(InputError, match='/nowhere'):
        dataclasses.replace(run_inputs, **{name: Path('/nowhere')}).check(DataSettings(), ModelSettings())


def test_digests_depend_on_the_content_only(run_inputs, tmp_path):
    digests = run_inputs.digests(DataSettings())
    assert digests.prototxt_sha256 == hashlib.sha256(run_inputs.prototxt.read_bytes()).hexdigest()
    assert digests.caffemodel_sha256 == hashlib.sha256(run_inputs.caffemodel.read_bytes()).hexdigest()
    moved = RunInputs(
        shutil.copytree(run_inputs.data, tmp_path / 'moved'),
        Path(shutil.copy(run_inputs.prototxt, tmp_path / 'a.prototxt')),
        Path(shutil.copy(run_inputs.caffemodel, tmp_path / 'a.caffemodel')),
    )
    assert moved.digests(DataSettings()) == digests
    image = next((tmp_path / 'moved').rglob('*.jpg'))
    image.write_bytes(image.read_bytes() + b' ')
    changed = moved.digests(DataSettings())
    assert changed == dataclasses.replace(digests, data_fingerprint=changed.data_fingerprint) != digests
