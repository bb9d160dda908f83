# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The wheel contains the code, its data and its metadata, and the pins are plain."""

import email
import re
import shutil
import subprocess
import sys
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pipeline import config

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ('pipeline', 'components', 'schemas')


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """A wheel built from a copy of the tree."""
    folder = tmp_path_factory.mktemp('build')
    for name in _PACKAGES:
        shutil.copytree(_ROOT / name, folder / name, ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('setup.py', 'pyproject.toml', 'README.md', 'LICENSE'):
        shutil.copy(_ROOT / name, folder)
    build = [sys.executable, 'setup.py', '--quiet', 'bdist_wheel', '--dist-dir', 'dist']
    subprocess.run(build, cwd=folder, check=True, capture_output=True, text=True)
    with zipfile.ZipFile(next((folder / 'dist').glob('*.whl'))) as archive:
        yield archive


@pytest.fixture(scope='module')
def metadata(wheel) -> Message:
    (name,) = [name for name in wheel.namelist() if name.endswith('.dist-info/METADATA')]
    return email.message_from_bytes(wheel.read(name))


def _required(metadata: Message, extra: str = '') -> set[str]:
    """The names of the requirements that an installation with one extra, or with none, has."""
    requirements = [Requirement(text) for text in metadata.get_all('Requires-Dist')]
    return {one.name for one in requirements if not one.marker or one.marker.evaluate({'extra': extra})}


def test_the_wheel_contains_code_and_data(wheel):
    expected = [
        path.relative_to(_ROOT).as_posix()
        for folder in _PACKAGES
        for path in (_ROOT / folder).rglob('*')
        if path.suffix in ('.py', '.yaml', '.prototxt', '.pbtxt', '.html', '.css', '.js')
    ]
    assert len(expected) > 40
    assert set(expected) <= set(wheel.namelist())


@pytest.mark.parametrize('package', _PACKAGES)
def test_each_package_is_marked_as_typed(wheel, package):
    assert f'{package}/py.typed' in wheel.namelist()


def test_the_wheel_contains_no_tests(wheel):
    assert not [name for name in wheel.namelist() if name.startswith('tests')]


def test_the_console_script(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith('entry_points.txt')]
    assert 'gender-pipeline = pipeline.__main__:main' in wheel.read(name).decode()


def test_the_metadata(metadata):
    assert metadata['Name'] == 'face-gender-pipeline'
    assert metadata['License-Expression'] == 'Apache-2.0'
    assert metadata['Requires-Python'] == '<3.12,>=3.11'
    assert metadata['Description-Content-Type'] == 'text/markdown'
    assert metadata.get_payload().lstrip().startswith('# ')


def test_the_version_is_written_once(metadata):
    version = metadata['Version']
    sources = [path for folder in _PACKAGES for path in (_ROOT / folder).rglob('*.py')]
    assert [path for path in sources if f"'{version}'" in path.read_text()] == []
    assert (_ROOT / 'pyproject.toml').read_text().count(f'version = "{version}"') == 1


def test_the_base_installs_the_converter_without_tfx(metadata):
    assert _required(metadata) == {'h5py', 'numpy', 'tqdm'}


def test_the_extras(metadata):
    assert set(metadata.get_all('Provides-Extra')) == {'pipeline', 'kubeflow', 'dev'}
    assert {'tfx', 'tensorflow', 'apache-beam', 'tensorflow-serving-api'} <= _required(metadata, 'pipeline')
    assert _required(metadata, 'kubeflow') == {'h5py', 'numpy', 'tqdm', 'kfp'}
    assert {'pytest', 'ruff', 'mypy', 'pytest-cov'} <= _required(metadata, 'dev')


def test_every_requirement_is_pinned(metadata):
    pins = {name for name, _ in _pins()}
    assert {Requirement(text).name.lower() for text in metadata.get_all('Requires-Dist')} <= pins


def _pins() -> list[tuple[str, str]]:
    """(name, the rest of the pin) for each pin; its lines are joined by backslashes."""
    text = (_ROOT / 'constraints.txt').read_text().replace('\\\n', '')
    return [(name, rest) for name, _, rest in (line.partition('==') for line in text.splitlines())]


def test_every_pin_has_a_version_and_hashes_and_nothing_else():
    assert len(_pins()) > 100
    for name, rest in _pins():
        assert re.fullmatch(r'[a-z0-9-]+', name)
        assert re.fullmatch(r'[\w.!+]+( +--hash=sha256:[0-9a-f]{64})+', rest), name


def test_the_page_of_configuration_keys_is_what_the_command_prints():
    assert (_ROOT / 'docs' / 'configuration-keys.md').read_text() == config.markdown()
