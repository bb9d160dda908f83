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


@pytest.mark.parametrize('program', ['pipeline', 'components.caffe_converter'])
def test_only_a_few_small_modules_come_before_signals_are_handled(program):
    """Ctrl-C during these imports prints Python's traceback."""
    code = f'import sys, {program}.__main__\nprint(*sys.modules)'
    own = {name for name in _python(code).stdout.split() if name.split('.')[0] in ('components', 'pipeline', 'numpy')}
    assert own - {program, f'{program}.__main__'} <= {
        'components', 'components.errors', 'components.interrupts', 'components.lazy',
    }  # fmt: skip


def test_building_the_parser():
    assert _python(f"{_PARSER}assert 'numpy' not in sys.modules\n{_HEAVY}").stdout == '\n'


@pytest.mark.parametrize('arguments', [['config'], ['config', 'demo'], ['config', '--keys']])
def test_config(arguments):
    process = _python(_COMMAND + _HEAVY, *arguments)
    assert (process.stdout, process.stderr) == ('\n', '0\n')


def test_predict_without_an_image(tmp_path):
    (tmp_path / 'saved_model.pb').touch()  # is not loaded
    empty, texts, links, none = (tmp_path / name for name in ('empty', 'texts', 'links', 'none.jpg'))
    for folder in (empty, texts, links):
        folder.mkdir()
    (texts / 'notes.txt').touch()
    (tmp_path / 'outside.jpg').touch()
    (links / 'all').symlink_to(tmp_path)
    (links / 'one.jpg').symlink_to(tmp_path / 'outside.jpg')
    process = _python(_COMMAND + _HEAVY, 'predict', '--model', tmp_path, empty, texts, links, none)
    assert process.stdout == '\n'
    suffixes = '(.jpg, .jpeg, .png, .bmp)'
    assert process.stderr.splitlines() == [
        f'{empty}: no image below this folder {suffixes}',
        f'{texts}: no image below this folder {suffixes}; found 1 .txt',
        f'{links}/one.jpg: a link out of the folder; give its target instead',
        f'{none}: cannot be read (No such file or directory)',
        '2',
    ]
