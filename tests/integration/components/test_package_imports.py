# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The cost of importing a component's package."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize('name', ['embedding_gen', 'fine_tuner', 'signature_check', 'atomic_pusher'])
def test_importing_a_component_package_imports_no_tfx(name):
    line = f'import sys, components.{name}; sys.exit(any(m in sys.modules for m in ("tfx", "tensorflow")))'
    assert subprocess.run([sys.executable, '-c', line]).returncode == 0
