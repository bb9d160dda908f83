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
    target = Path(__file__).with_name('fuzz_images.py')
    limits = ['-max_total_time=6', '-timeout=10', '-rss_limit_mb=0', '-seed=1']
    done = subprocess.run(
        [sys.executable, target, *limits, corpus], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert 'DONE' in done.stderr
