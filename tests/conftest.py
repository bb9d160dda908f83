# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='session')
def shared() -> Path:
    """The folder with real faces and real Caffe networks; a test that asks for it skips where it is absent."""
    folder = Path(os.environ.get('SHARED_DIR', _ROOT.parent / 'shared'))
    if not (folder / 'models').is_dir() or not (folder / 'data').is_dir():
        pytest.skip(f'real faces and networks are not here: {folder} has no models/ and data/')
    return folder
