# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A small task that can be learned through a small network, the same in every process that asks for it."""

import pytest

from tests.pipeline.fine_tuning.small_task import Task, make


@pytest.fixture
def task(tmp_path) -> Task:
    """Its files are in a folder of this test's own."""
    return make(tmp_path / 'task')
