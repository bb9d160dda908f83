# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The comparison of the converter with OpenCV, on a small network."""

from pipeline.bench.conversion import measure


def test_every_step_is_measured():
    result = measure(width=4, rounds=1)
    expected = ['write as many bytes, fsync', 'check', 'convert to .h5, fsync', 'OpenCV readNetFromCaffe']
    assert list(result['steps']) == expected
    assert all(step['seconds'] > 0 and step['peak_bytes'] > 0 for step in result['steps'].values())
