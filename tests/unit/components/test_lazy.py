# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Package attributes imported on first use."""

import sys

import pytest

from components import lazy

# A package whose two exported names are defined in modules of its own; one module fails on import.
_FILES = {
    '__init__.py': "from components import lazy\n__getattr__ = lazy.exports(__name__, {'A': 'one', 'B': 'two'})\n",
    'one.py': 'A = 1\n',
    'two.py': "raise ImportError('imported')\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    (tmp_path / 'lazy_package').mkdir()
    for name, text in _FILES.items():
        (tmp_path / 'lazy_package' / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.startswith('lazy_package')]:
        del sys.modules[name]


def test_a_name_imports_its_module_and_no_other(package):
    import lazy_package

    assert 'lazy_package.one' not in sys.modules
    assert lazy_package.A == 1
    with pytest.raises(ImportError, match=r'^imported$'):
        lazy_package.B  # noqa: B018


def test_from_import_finds_the_name(package):
    from lazy_package import A

    assert A == 1


def test_other_names_raise_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'some\.package' has no attribute 'c'$"):
        lazy.exports('some.package', {'a': 'b'})('c')
