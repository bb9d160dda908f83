# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A few seconds of coverage-guided fuzzing, if atheris is installed."""

import subprocess
import sys
from pathlib import Path

import pytest


def test_a_few_seconds_of_fuzzing(tmp_path):
    pytest.importorskip('atheris', reason='atheris is not installed: pip install atheris (Linux, Python 3.11)')
    corpus = tmp_path / 'corpus'
    corpus.mkdir()
    target = Path(__file__).with_name('fuzz_caffe_converter.py')
    # libFuzzer limits the peak memory that Linux reports, and a child process starts with its parent's peak: here that
    # of pytest with TensorFlow. A shell in between, which forks again, starts small.
    through_a_shell = ['/bin/sh', '-c', '"$@"; exit $?', 'sh']
    limits = ['-max_total_time=8', '-timeout=5', '-rss_limit_mb=1000', '-seed=1']
    done = subprocess.run(
        [*through_a_shell, sys.executable, target, *limits, corpus],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert 'DONE' in done.stderr
