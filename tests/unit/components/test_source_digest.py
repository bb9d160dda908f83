# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The imports and the code that a digest covers, in a small tree of sources."""

import pytest

from components import source_digest

_FILES = {
    'components/__init__.py': '',
    'components/a.py': 'import os\nfrom components import b\n',
    'components/b.py': 'from components.c import NAME\n',
    'components/c.py': 'NAME = 1\n',
    'components/inside.py': 'def run():\n    from components.c import NAME\n    return NAME\n',
    'components/typed.py': 'from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from components import c\n',
    'components/package/__init__.py': 'from components import b\n',
    'components/package/one.py': '',
    'components/package/two.py': 'import pipeline.d\n',
    'components/uses_package.py': 'from components import package\n',
    'pipeline/__init__.py': '',
    'pipeline/d.py': 'import numpy\n',
    'elsewhere.py': '',
}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name, text in _FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(source_digest, '_ROOT', tmp_path)
    source_digest._read.cache_clear()
    yield tmp_path
    source_digest._read.cache_clear()


@pytest.mark.parametrize(
    ('module', 'expected'),
    [
        ('components.c', ''),
        ('components.a', 'b c'),
        ('components.inside', 'c'),
        ('components.typed', ''),
        ('components.package.one', 'package b c'),
        ('components.uses_package', 'package package.one package.two b c'),
    ],
)
def test_a_closure_has_the_imports_and_the_packages_above(tree, module, expected):
    found = source_digest.closure(module)
    own = {name for name in found if name.startswith('components')}
    assert own == {'components', module, *(f'components.{name}' for name in expected.split())}
    assert (found - own) == ({'pipeline', 'pipeline.d'} if 'package.two' in expected else set())


def test_modules_of_other_projects_are_ignored(tree):
    assert source_digest.closure('numpy', 'elsewhere', 'components.gone') == set()


def _changed(tree, file: str, text: str) -> set[str]:
    """The modules whose digest changes with one file."""
    modules = ('components.a', 'components.c', 'components.inside', 'components.typed')
    source_digest._read.cache_clear()
    before = {module: source_digest.of(module) for module in modules}
    (tree / file).write_text(text)
    source_digest._read.cache_clear()
    return {module for module in modules if source_digest.of(module) != before[module]}


def test_changed_code_changes_the_digest_of_every_module_that_imports_it(tree):
    assert _changed(tree, 'components/c.py', 'NAME = 2\n') == {'components.a', 'components.c', 'components.inside'}
    assert _changed(tree, 'components/b.py', 'from components.c import NAME as b\n') == {'components.a'}


@pytest.mark.parametrize('text', ['# Comment.\nNAME  =  1\n', '"""Docstring."""\n\nNAME = (\n    1\n)\n', 'NAME = 0x1'])
def test_comments_docstrings_and_formatting_change_nothing(tree, text):
    assert _changed(tree, 'components/c.py', text) == set()


def test_several_modules_give_one_digest_in_any_order(tree):
    one, other = source_digest.of('components.a', 'pipeline.d'), source_digest.of('pipeline.d', 'components.a')
    assert one == other != source_digest.of('components.a')
