# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Cheap imports stay cheap."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ('code', 'forbidden'),
    [
        (
            'import components.caffe_converter as c; c.check, c.convert, c.write_random_caffemodel',
            {'keras', 'tensorflow', 'h5py', 'tfx'},
        ),
        (
            'from components.stratified_example_gen import layout, images, ingestion_summary, sampling',
            {'tensorflow', 'apache_beam', 'tfx'},
        ),
    ],
    ids=['caffe_converter', 'stratified_example_gen'],
)
def test_an_import_does_not_load_heavy_libraries(code, forbidden):
    line = [sys.executable, '-c', f'{code}; import sys; print(*sys.modules)']
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert forbidden.isdisjoint(done.stdout.split())
