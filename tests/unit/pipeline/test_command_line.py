# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What all commands have in common, over every option of every parser."""

import argparse
import os
import re
import shlex
import subprocess
from pathlib import Path

from components.caffe_converter import __main__ as converter
from pipeline import __main__ as pipeline
from pipeline.bench import __main__ as bench

_ROOT = Path(__file__).resolve().parents[3]
_WRITES = ('--output', '-o', '--out', '--annotate', 'demo-data', 'components.caffe_converter')
# The text that is no path. Other options are paths.
_OTHER = {
    'HOST:PORT', 'KEY=VALUE', 'NAME', 'NAME=C,H,W', 'NAME=VALUE', 'PART', 'RUN', 'TEXT', 'URI', 'URL',
    'experiment', 'image', 'name', 'namespace',
}  # fmt: skip


def _parsers():
    """(command, parser) of every command."""
    waiting = [pipeline.parser(), converter._parser(), bench._parser()]
    while waiting:
        parser = waiting.pop()
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                waiting += action.choices.values()
        yield parser.prog, parser


def test_a_path_may_begin_with_the_home_directory(monkeypatch):
    monkeypatch.setenv('HOME', '/somewhere')
    options = [
        (f'{command} {(action.option_strings or [action.dest])[-1]}', action)
        for command, parser in _parsers()
        for action in parser._actions
        if action.nargs != 0 and not action.choices and action.type not in (int, float)
        if (action.metavar or action.dest) not in _OTHER
    ]
    assert {'gender-pipeline run --data', 'gender-pipeline predict images', 'python -m pipeline.bench --output'} <= {
        name for name, _ in options
    }
    assert [name for name, action in options if os.fspath((action.type or str)('~/x')) != '/somewhere/x'] == []


def test_only_a_run_claims_that_the_same_command_goes_on():
    claims = {command for command, parser in _parsers() if 'command' in (parser.get_default('interrupted') or '')}
    assert claims == {'gender-pipeline run'}


def test_git_ignores_what_the_commands_of_the_documentation_write():
    written = set()
    for page in (_ROOT / 'README.md', *(_ROOT / 'docs').rglob('*.md')):
        for block in re.findall(r'^```\n(.*?)^```', page.read_text(), re.DOTALL | re.MULTILINE):
            for line in block.replace('\\\n', ' ').splitlines():
                words = shlex.split(line, comments=True) if ' -m ' in line else []
                written |= {words[i + 1] for i, word in enumerate(words[:-1]) if word in _WRITES}
    written = {path for path in written if not re.match(r'[/$~]|[A-Z]+$|\.\.', path)}
    assert {'out_detector', 'shown/'} <= written
    written.add(re.search(r'^DEMO := (\w+)$', (_ROOT / 'Makefile').read_text(), re.MULTILINE)[1])  # make demo
    listed = subprocess.run(
        ['git', 'check-ignore', *(f'{path}/x' if '.' not in path else path for path in written)],
        cwd=_ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert len(listed.stdout.splitlines()) == len(written), (sorted(written), listed)
