# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The converter in a fresh environment that has neither TFX, TensorFlow nor Keras."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.caffe_converter.__main__ import main

_ROOT = Path(__file__).resolve().parents[4]
_PACKAGES = ['numpy', 'h5py', 'tqdm']
_ABSENT = ['tfx', 'tensorflow', 'keras', 'apache_beam', 'google.protobuf']


def _find_uv() -> str:
    """uv as deploy/bootstrap.sh finds it: on the PATH, or the copy in .tools beside the environment."""
    tools = Path(sys.prefix).parent / '.tools'
    found = shutil.which('uv') or next((str(path) for path in tools.glob('uv-*/bin/uv')), None)
    if found is None:
        pytest.skip('uv is neither on the PATH nor in .tools')
    return found


@pytest.fixture(scope='module')
def fresh_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with nothing but the converter's packages."""
    uv, folder = _find_uv(), tmp_path_factory.mktemp('fresh') / 'venv'
    python = folder / 'bin' / 'python'
    subprocess.run([uv, 'venv', '--quiet', '--python', sys.base_prefix, folder], check=True)
    constraints = ['--constraints', str(_ROOT / 'constraints.txt')]
    command = [uv, 'pip', 'install', '--quiet', '--python', str(python), *constraints, *_PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True)
    if 'error sending request' in done.stderr or 'Failed to fetch' in done.stderr:
        pytest.skip('the package registry does not answer')
    assert done.returncode == 0, done.stderr
    return python


def _run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {'PATH': os.environ['PATH'], 'PYTHONPATH': str(_ROOT)}
    return subprocess.run([python, *arguments], env=environment, cwd='/', capture_output=True, text=True)


@pytest.mark.parametrize(('kind', 'ending'), [('hdf5', '.h5'), ('pickle', '.pkl')])
def test_writes_the_same_bytes_as_the_full_environment(fresh_python, small_vgg, tmp_path, kind, ending):
    inputs = [*map(str, small_vgg), '-f', kind]
    done = _run(fresh_python, '-m', 'components.caffe_converter', str(tmp_path / 'fresh'), *inputs)
    assert done.returncode == 0, done.stderr
    assert main([str(tmp_path / 'full'), *inputs]) == 0
    written = (tmp_path / f'fresh{ending}').read_bytes()
    assert len(written) > 4 * 242_939  # bytes of all weights
    assert written == (tmp_path / f'full{ending}').read_bytes()


def test_the_readme_installs_these_packages():
    readme = (_ROOT / 'components/caffe_converter/README.md').read_text()
    assert f'--constraints constraints.txt {" ".join(_PACKAGES)}\n' in readme


@pytest.mark.parametrize('module', _ABSENT)
def test_the_environment_lacks(fresh_python, module):
    done = _run(fresh_python, '-c', f'import {module}')
    assert f'ModuleNotFoundError: No module named {module.split(".")[0]!r}' in done.stderr
