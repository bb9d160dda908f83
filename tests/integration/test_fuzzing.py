# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A few seconds of coverage-guided fuzzing of each target, if atheris is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

# libFuzzer limits the peak memory that Linux reports, and a child process starts with its parent's peak: here that of
# pytest with TensorFlow. A shell in between, which forks again, starts small.
_THROUGH_A_SHELL = ['/bin/sh', '-c', '"$@"; exit $?', 'sh']


@pytest.mark.parametrize(
    ('target', 'limits'),
    [
        ('components/caffe_converter/fuzz_caffe_converter.py', '-max_total_time=8 -timeout=5 -rss_limit_mb=1000'),
        ('components/stratified_example_gen/fuzz_images.py', '-max_total_time=6 -timeout=10 -rss_limit_mb=0'),
        ('pipeline/serving/fuzz_answers.py', '-max_total_time=4 -timeout=5 -rss_limit_mb=2000'),
    ],
)
def test_a_few_seconds_of_fuzzing(target, limits, tmp_path):
    pytest.importorskip('atheris', reason='atheris is not installed: pip install atheris (Linux, Python 3.11)')
    corpus = tmp_path / 'corpus'
    corpus.mkdir()
    done = subprocess.run(
        [*_THROUGH_A_SHELL, sys.executable, Path(__file__).parent / target, *limits.split(), '-seed=1', corpus],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert 'DONE' in done.stderr
