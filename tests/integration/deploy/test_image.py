# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The Dockerfile fits the tree it is built from; checked without a container engine."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_DOCKERFILE = (_ROOT / 'deploy' / 'Dockerfile').read_text()
_STAGES = re.split(r'^FROM ', _DOCKERFILE, flags=re.MULTILINE)[1:]


def _context(folder: Path) -> Path:
    """A copy of the build context: the files that .dockerignore does not exclude."""
    lines = (_ROOT / '.dockerignore').read_text().splitlines()
    assert lines[0] == '*'
    for name in (line[1:] for line in lines if line.startswith('!')):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (_ROOT / name).is_dir():
            shutil.copytree(_ROOT / name, target, ignore=shutil.ignore_patterns('__pycache__'))
        else:
            shutil.copy(_ROOT / name, target)
    return folder


def test_the_build_context_is_enough_for_a_whole_wheel(tmp_path):
    source = _context(tmp_path / 'source')
    build = [sys.executable, 'setup.py', '--quiet', 'bdist_wheel', '--dist-dir', str(tmp_path / 'dist')]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    with zipfile.ZipFile(next((tmp_path / 'dist').glob('*.whl'))) as archive:
        names = set(archive.namelist())
    modules = {path.relative_to(_ROOT).as_posix() for path in (_ROOT / 'pipeline').rglob('*.py')}
    assert modules <= names
    for name in re.findall(r'/source/(\S+\.sh)', _DOCKERFILE):
        assert (source / name).stat().st_mode & 0o111, f'{name} cannot be executed'
    assert (source / 'constraints.txt').is_file()


def test_the_last_stage_runs_as_a_numbered_user_and_has_no_build_tools():
    last = _STAGES[-1]
    assert re.search(r'^USER ([1-9]\d+):\1$', last, re.MULTILINE)
    assert last.index('USER ') < last.index('ENTRYPOINT')
    assert 'apt-get' not in last
    assert 'g++' in _STAGES[0]


def test_the_base_has_the_python_that_the_project_asks_for():
    base = re.search(r'^ARG BASE=python:(\d+\.\d+)-', _DOCKERFILE, re.MULTILINE)
    project = tomllib.loads((_ROOT / 'pyproject.toml').read_text())['project']
    asked = re.match(r'>=(\d+\.\d+)', project['requires-python'])
    assert base and asked and base[1] == asked[1]
