# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The contents of the wheel, the pins, and the generated page of configuration keys."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipeline import config

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> list[str]:
    """The file names in a wheel built from a copy of the tree."""
    folder = tmp_path_factory.mktemp('build')
    for name in ('pipeline', 'components', 'schemas'):
        shutil.copytree(_ROOT / name, folder / name, ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('setup.py', 'pyproject.toml', 'README.md', 'LICENSE'):
        shutil.copy(_ROOT / name, folder)
    build = [sys.executable, 'setup.py', '--quiet', 'bdist_wheel', '--dist-dir', 'dist']
    subprocess.run(build, cwd=folder, check=True, capture_output=True, text=True)
    with zipfile.ZipFile(next((folder / 'dist').glob('*.whl'))) as archive:
        return archive.namelist()


def test_the_wheel_contains_code_and_data(wheel):
    expected = [
        path.relative_to(_ROOT).as_posix()
        for folder in ('pipeline', 'components', 'schemas')
        for path in (_ROOT / folder).rglob('*')
        if path.suffix in ('.py', '.yaml', '.prototxt', '.pbtxt', '.html', '.css', '.js')
    ]
    assert len(expected) > 40
    assert set(expected) <= set(wheel)


def test_the_wheel_contains_the_console_script_and_no_tests(wheel):
    assert not [name for name in wheel if name.startswith('tests')]
    assert [name for name in wheel if name.endswith('entry_points.txt')]


def test_the_page_of_configuration_keys_is_what_the_command_prints():
    assert (_ROOT / 'docs' / 'configuration-keys.md').read_text() == config.markdown()


def test_every_pin_is_a_name_and_a_version():
    lines = (_ROOT / 'constraints.txt').read_text().splitlines()
    assert len(lines) > 100
    for line in lines:
        name, equals, version = line.partition('==')
        assert name and equals and version and ' ' not in line and '/' not in line, line
