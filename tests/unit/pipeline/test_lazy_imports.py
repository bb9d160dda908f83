# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What answers at once loads no heavy library."""

import subprocess
import sys

import pytest

_HEAVY = "print(*{'tensorflow', 'tfx', 'apache_beam', 'keras', 'kfp', 'ml_metadata', 'mtcnn'} & set(sys.modules))"
_PARSER = 'import sys\nfrom pipeline.__main__ import parser\nparser().format_help()\n'
_COMMAND = (
    'import contextlib, io, sys\nfrom pipeline.__main__ import main\n'
    'with contextlib.redirect_stdout(io.StringIO()):\n    status = main(sys.argv[1:])\n'
    'print(status, file=sys.stderr)\n'
)


def _python(code: str, *arguments: object) -> subprocess.CompletedProcess:
    line = [sys.executable, '-c', code, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=True)


def test_building_the_parser():
    assert _python(f"{_PARSER}assert 'numpy' not in sys.modules\n{_HEAVY}").stdout == '\n'


@pytest.mark.parametrize('arguments', [['config'], ['config', 'demo'], ['config', '--keys']])
def test_config(arguments):
    process = _python(_COMMAND + _HEAVY, *arguments)
    assert (process.stdout, process.stderr) == ('\n', '0\n')


def test_predict_without_an_image(tmp_path):
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'saved_model.pb').touch()  # is not loaded
    process = _python(_COMMAND + _HEAVY, 'predict', '--model', tmp_path, tmp_path / 'folder', tmp_path / 'none.jpg')
    assert process.stdout == '\n'
    folder, file, status = process.stderr.splitlines()
    assert folder.startswith(f'{tmp_path / "folder"}: no image below this folder')
    assert file == f'{tmp_path / "none.jpg"}: cannot be read (No such file or directory)'
    assert status == '2'
