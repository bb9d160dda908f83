# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What our own code a result was made by: a digest over a module and all of ours that it imports.

The imports are read from the syntax trees, those inside functions too, so that no list is kept by hand. Comments,
docstrings and formatting do not count.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_OURS = ('components', 'pipeline', 'schemas')


def of(*modules: str) -> str:
    """The SHA-256, 64 hexadecimal digits, over the sources that the modules are made of.

    Args:
      modules: dotted names of modules of ours, e.g. 'components.embedding_gen.executor'; others are ignored.
    """
    total = hashlib.sha256()
    for name in sorted(closure(*modules)):
        digest, _ = _read(_ROOT, name)
        total.update(f'{name} {digest}\n'.encode())
    return total.hexdigest()


def closure(*modules: str) -> set[str]:
    """The modules of ours that the given ones import, directly or not, themselves included."""
    found: set[str] = set()
    waiting = [name for name in modules if _file(name)]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        # Python runs the packages above a module first.
        waiting += [parent for parent in [name.rpartition('.')[0]] if parent]
        _, imported = _read(_ROOT, name)
        waiting += imported
    return found


def _file(name: str, root: Path | None = None) -> Path | None:
    """The source of a module of ours, or None."""
    if name.partition('.')[0] not in _OURS:
        return None
    place = (root or _ROOT).joinpath(*name.split('.'))
    return next((file for file in (place.with_suffix('.py'), place / '__init__.py') if file.is_file()), None)


@functools.cache
def _read(root: Path, name: str) -> tuple[str, tuple[str, ...]]:
    """The digest of a module's code, and the modules of ours that it imports itself."""
    file = _file(name, root)
    assert file is not None  # noqa: S101 - only names with a file are asked for
    tree = ast.parse(file.read_bytes())
    imported = tuple(dict.fromkeys(_imported(tree, root)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imported


def _imported(tree: ast.AST, root: Path) -> Iterator[str]:
    for node in _at_run_time(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _modules(alias.name, root)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f'{node.module}.{alias.name}'
                yield from _modules(name if _file(name, root) else node.module, root)


def _at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under `if TYPE_CHECKING:`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == 'TYPE_CHECKING'):
            yield from _at_run_time(child)


def _modules(name: str, root: Path) -> Iterator[str]:
    """A module that is imported by name; of a package all modules, because it may import any of them on demand."""
    file = _file(name, root)
    if file is None:
        return
    yield name
    if file.name == '__init__.py':
        for other in file.parent.rglob('*.py'):
            dotted = other.relative_to(root).with_suffix('').as_posix().replace('/', '.')
            yield dotted.removesuffix('.__init__')
