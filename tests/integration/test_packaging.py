# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The wheel contains the code, its data and its metadata; installed alone it works; and the pins are plain."""

import email
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path

import pytest
import tensorflow as tf
from packaging.requirements import Requirement
from PIL import Image
from tensorflow_serving.apis import predict_pb2

from components.caffe_converter import __main__ as converter
from pipeline import config
from tests.fakes.serving_server import answering

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ('pipeline', 'components', 'schemas')


@pytest.fixture(scope='module')
def wheel_file(tmp_path_factory) -> Path:
    """A wheel built from a copy of the tree."""
    folder = tmp_path_factory.mktemp('build')
    for name in _PACKAGES:
        shutil.copytree(_ROOT / name, folder / name, ignore=shutil.ignore_patterns('__pycache__'))
    for name in ('setup.py', 'pyproject.toml', 'README.md', 'LICENSE'):
        shutil.copy(_ROOT / name, folder)
    build = [sys.executable, 'setup.py', '--quiet', 'bdist_wheel', '--dist-dir', 'dist']
    subprocess.run(build, cwd=folder, check=True, capture_output=True, text=True)
    return next((folder / 'dist').glob('*.whl'))


@pytest.fixture(scope='module')
def wheel(wheel_file) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(wheel_file) as archive:
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
        if path.is_file() and '__pycache__' not in path.parts and path.suffix != '.md'
    ]
    assert len(expected) > 40
    assert set(expected) <= set(wheel.namelist())


@pytest.mark.parametrize('package', _PACKAGES)
def test_each_package_is_marked_as_typed(wheel, package):
    assert f'{package}/py.typed' in wheel.namelist()


def test_the_wheel_contains_no_tests(wheel):
    assert not [name for name in wheel.namelist() if name.startswith('tests')]


def test_the_console_scripts(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith('entry_points.txt')]
    scripts = wheel.read(name).decode()
    assert 'gender-pipeline = pipeline.__main__:main' in scripts
    assert 'caffe-converter = components.caffe_converter.__main__:main' in scripts


def test_the_metadata(metadata):
    assert metadata['Name'] == 'face-gender-pipeline'
    assert metadata['License-Expression'] == 'Apache-2.0'
    assert metadata['Requires-Python'] == '>=3.11'
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
    assert set(metadata.get_all('Provides-Extra')) == {'client', 'pipeline', 'faces', 'kubeflow', 'notebook', 'dev'}
    pipeline, client = _required(metadata, 'pipeline'), _required(metadata, 'client')
    assert {'tfx', 'tensorflow', 'apache-beam', 'tensorflow-serving-api'} <= pipeline
    assert client == {'h5py', 'numpy', 'tqdm', 'grpcio', 'pillow', 'protobuf', 'pyyaml'}
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


def _find_uv() -> str:
    """uv as deploy/bootstrap.sh finds it: on the PATH, or the copy in .tools beside the environment."""
    tools = Path(sys.prefix).parent / '.tools'
    found = shutil.which('uv') or next((str(path) for path in tools.glob('uv-*/bin/uv')), None)
    return found or pytest.skip('uv is neither on the PATH nor in .tools')


def _find_python(version: str) -> str:
    pyenv = Path(os.environ.get('PYENV_ROOT', Path.home() / '.pyenv')) / 'versions'
    for python in (f'python{version}', *map(str, pyenv.glob(f'{version}.*/bin/python'))):
        # A shim of pyenv may be on the PATH for a version that is not active.
        if shutil.which(python) and subprocess.run([python, '-c', ''], capture_output=True).returncode == 0:
            return python
    return pytest.skip(f'no Python {version} here')


def _uv(*arguments: object, **variables: object) -> str:
    """Calls uv with the pins of this project; returns what it says."""
    command = [_find_uv(), *map(str, arguments), '--constraints', str(_ROOT / 'constraints.txt')]
    environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if 'error sending request' in done.stderr or 'Failed to fetch' in done.stderr:
        pytest.skip('the package registry does not answer')
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope='module', params=['3.12', '3.13'])
def tool(request, wheel_file, tmp_path_factory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program of the wheel, which is installed with the extra `client` as a tool of its own."""
    folder = tmp_path_factory.mktemp('tool')
    _uv(
        'tool', 'install', '--quiet', '--python', _find_python(request.param), f'{wheel_file}[client]',
        UV_TOOL_DIR=folder, UV_TOOL_BIN_DIR=folder / 'bin',
    )  # fmt: skip

    def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        python = folder / 'face-gender-pipeline' / 'bin' / 'python'
        command = [python] if program == 'python' else [folder / 'bin' / program]
        return subprocess.run([*command, *arguments], env={'PATH': ''}, cwd='/', capture_output=True, text=True)

    return run


@pytest.mark.parametrize(('kind', 'ending'), [('hdf5', '.h5'), ('pickle', '.pkl')])
def test_the_installed_converter_writes_the_same_bytes(tool, small_vgg, tmp_path, kind, ending):
    done = tool('caffe-converter', tmp_path / 'installed', *small_vgg, '-f', kind)
    assert done.returncode == 0, done.stderr
    assert converter.main([str(tmp_path / 'here'), *map(str, small_vgg), '-f', kind]) == 0
    written = (tmp_path / f'installed{ending}').read_bytes()
    assert len(written) > 4 * 242_939  # bytes of all weights
    assert written == (tmp_path / f'here{ending}').read_bytes()


def test_the_converter_uses_the_packages_of_the_base_only(tool, small_vgg, tmp_path):
    code = (
        'import sys; from components.caffe_converter.__main__ import main\nassert main(sys.argv[1:]) == 0\n'
        'print(*{name.partition(".")[0] for name in sys.modules})'
    )
    done = tool('python', '-c', code, tmp_path / 'x', *small_vgg)
    assert {'h5py', 'numpy', 'tqdm'} <= set(done.stdout.split()), done.stderr
    assert {'PIL', 'google', 'grpc', 'keras', 'yaml', 'tensorflow', 'pipeline'}.isdisjoint(done.stdout.split())


def test_what_is_not_installed_is_named_in_one_line(tool, small_vgg, tmp_path):
    done = tool('caffe-converter', tmp_path / 'x', *small_vgg, '-f', 'keras')
    assert done.returncode == 2
    assert done.stderr.startswith('error: -f keras: needs Keras and TensorFlow, and keras is not installed; install ')
    done = tool('gender-pipeline', 'runs', '--output', tmp_path)
    assert done.returncode == 2 and done.stderr.count('\n') == 1
    line = r'gender-pipeline: \w+ is not installed; install face-gender-pipeline\[pipeline\] \(TFX .*\), or \[client\] '
    assert re.match(line, done.stderr), done.stderr


def test_the_installed_client_asks_a_server(tool, tmp_path):
    requests = []

    def respond(request: predict_pb2.PredictRequest, _: object) -> bytes:
        requests.append(request)
        answer = predict_pb2.PredictResponse()
        answer.outputs['label'].CopyFrom(tf.make_tensor_proto([b'female', b'male']))
        answer.outputs['probability'].CopyFrom(tf.make_tensor_proto([0.75, 0.25]))
        return answer.SerializeToString()

    images = [tmp_path / name for name in ('one.jpg', 'two.png', 'sixteen_bits.png')]
    for path, colour in zip(images, ((50, 100, 150), (200, 100, 150), None), strict=True):
        image = Image.new('RGB', (64, 64), colour) if colour else Image.new('I;16', (64, 64))
        image.save(path)
    with answering(respond) as address:
        done = tool('gender-pipeline', 'predict', '--server', address, '--json', *images)
    assert (done.returncode, done.stderr) == (2, ''), done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one['path'], one.get('label'), one.get('probability')) for one in answers] == [
        (str(images[0]), 'female', 0.75),
        (str(images[1]), 'male', 0.25),
        (str(images[2]), None, None),
    ]
    assert '16 bits per component needs TensorFlow' in answers[2]['error']
    (request,) = requests
    sent = tf.make_ndarray(request.inputs['image_bytes'])
    assert sent.tolist() == [path.read_bytes() for path in images[:2]]
    assert (request.model_spec.name, request.model_spec.signature_name) == ('gender_classifier', 'serving_default')


def test_one_command_installs_the_pipeline_where_glibc_is_new_enough(wheel_file):
    said = _uv(
        'pip', 'install', '--dry-run', '--python', _find_python('3.11'), '--target', wheel_file.parent / 'target',
        '--python-platform', 'x86_64-manylinux_2_39', f'{wheel_file}[kubeflow,pipeline]',
    )  # fmt: skip
    assert {'+ tfx==1.21.0', '+ ml-metadata==1.21.0', '+ tensorflow-data-validation==1.21.0'} <= {
        line.strip() for line in said.splitlines()
    }
