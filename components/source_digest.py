# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A digest of the code behind a result: a module and every module of this repository that it imports.

The imports are read from the syntax trees, including those inside functions. Comments, docstrings and formatting do not
change the digest.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = ('components', 'pipeline', 'schemas')


def of(*modules: str) -> str:
    """Returns the SHA-256, 64 hexadecimal digits, over the `closure` of the modules."""
    sources = ''.join(f'{name} {_read(name)[0]}\n' for name in sorted(closure(*modules)))
    return hashlib.sha256(sources.encode()).hexdigest()


def closure(*modules: str) -> set[str]:
    """Returns the modules, their packages, and every module of this repository that they import, directly or not."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found and _file(name):
            found.add(name)
            # Python runs a module's package before the module.
            waiting += [name.rpartition('.')[0], *_read(name)[1]]
    return found


def _file(name: str) -> Path | None:
    """The source of a module of this repository, or None."""
    if name.partition('.')[0] not in _PACKAGES:
        return None
    place = _ROOT.joinpath(*name.split('.'))
    return next((file for file in (place.with_suffix('.py'), place / '__init__.py') if file.is_file()), None)


@functools.cache
def _read(name: str) -> tuple[str, tuple[str, ...]]:
    """The digest of a module's code, and the names that it imports."""
    file = _file(name)
    assert file is not None  # noqa: S101 - `closure` has only names with a file
    tree = ast.parse(file.read_bytes())
    imported = tuple(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imported


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in _at_run_time(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _modules(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f'{node.module}.{alias.name}'
                yield from _modules(name if _file(name) else node.module)


def _at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """Yields every node except those under `if TYPE_CHECKING:`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == 'TYPE_CHECKING'):
            yield from _at_run_time(child)


def _modules(name: str) -> Iterator[str]:
    """Yields an imported module; of a package every module, because it may import any of them on demand."""
    yield name
    file = _file(name)
    if file and file.name == '__init__.py':
        for other in file.parent.rglob('*.py'):
            yield '.'.join(other.relative_to(_ROOT).with_suffix('').parts).removesuffix('.__init__')
