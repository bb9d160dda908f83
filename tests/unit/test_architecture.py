# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The rules of the house, checked from the syntax trees: imports go one way, and each setting has one home."""

import ast
import dataclasses
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from components import source_digest
from components.settings import Settings
from pipeline.config import Config

_ROOT = Path(__file__).resolve().parents[2]

# The layers, lowest first; a module imports from its own layer and from lower ones only.
_LAYERS = (
    (
        'components.errors',
        'components.names',
        'components.lazy',
        'components.interrupts',
        'components.progress',
        'components.source_digest',
    ),
    ('components.io', 'components.settings'),
    ('components.error_reporting', 'components.artifacts', 'components.specification'),
    ('components',),
    (
        'pipeline.host',
        'pipeline.scratch',
        'pipeline.settings',
        'pipeline.kubeflow_settings',
        'pipeline.config',
        'pipeline.cache_key',
        'pipeline.model',
        'pipeline.definition',
    ),
    ('pipeline.runs',),
    ('pipeline.report', 'pipeline.serving', 'pipeline.demo'),
    ('pipeline.runners',),
    ('pipeline.commands', 'pipeline.bench', 'pipeline.__main__'),
)

# What runs TFX or Beam's runners; the rest of a component is a library.
_TFX_MODULES = ('component', 'executor')


@functools.cache
def _modules() -> dict[str, Path]:
    found = {}
    for package in ('components', 'pipeline', 'schemas'):
        for file in sorted((_ROOT / package).rglob('*.py')):
            name = file.relative_to(_ROOT).with_suffix('').as_posix().replace('/', '.')
            found[name.removesuffix('.__init__')] = file
    return found


@functools.cache
def _imports() -> dict[str, set[str]]:
    """By module, what it imports of ours when it runs, inside functions too."""
    found = {}
    for name, file in _modules().items():
        direct: set[str] = set()
        for node in source_digest._at_run_time(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Import):
                direct |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    full = f'{node.module}.{alias.name}'
                    direct.add(full if full in _modules() else node.module)
        found[name] = {other for other in direct if other in _modules()} - {name}
    return found


def _layer(module: str) -> int:
    """The place of the longest prefix of a module's name."""
    places = [
        (len(prefix), number)
        for number, layer in enumerate(_LAYERS)
        for prefix in layer
        if module == prefix or module.startswith(f'{prefix}.')
    ]
    return max(places)[1] if places else -1


def test_imports_go_one_way():
    backwards = [
        f'{module} -> {other}'
        for module, imported in _imports().items()
        for other in imported
        if _layer(other) > _layer(module) >= 0
    ]
    assert backwards == []


def test_every_module_has_a_layer():
    packages = ('components', 'pipeline', 'schemas')
    assert [name for name in _modules() if name not in packages and _layer(name) < 0] == []


def test_the_report_is_imported_by_runners_and_commands_only():
    importers = {
        module
        for module, imported in _imports().items()
        if any(other.startswith('pipeline.report') for other in imported) and not module.startswith('pipeline.report')
    }
    assert {module for module in importers if not module.startswith(('pipeline.runners', 'pipeline.commands'))} == set()


def test_there_are_no_circles():
    graph, done = _imports(), set()

    def visit(module: str, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if module in path:
            yield (*path[path.index(module) :], module)
        elif module not in done:
            for other in sorted(graph[module]):
                yield from visit(other, (*path, module))
            done.add(module)

    assert [circle for module in graph for circle in visit(module, ())] == []


def test_a_components_library_imports_no_tfx():
    guilty = []
    for name, file in _modules().items():
        parts = name.split('.')
        if parts[0] != 'components' or len(parts) < 3 or parts[-1] in _TFX_MODULES:
            continue
        tree = ast.parse(file.read_bytes())
        heads = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        imported = {alias.name for node in heads if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or '' for node in heads if isinstance(node, ast.ImportFrom)}
        guilty += [f'{name}: {other}' for other in imported if other.split('.')[0] in ('tfx', 'tfx_bsl')]
    assert guilty == []


def test_components_are_imported_from_their_packages_and_only_then_load_tfx():
    names = (
        'AtomicPusher', 'CaffeConverter', 'CuratedSchema', 'DataGate', 'EmbeddingGen', 'Evaluator', 'FineTuner',
        'FramingGen', 'RobustnessEvaluator', 'SignatureCheck', 'StratifiedExampleGen',
    )  # fmt: skip
    packages = {
        name: 'components.' + ''.join(f'_{letter.lower()}' if letter.isupper() else letter for letter in name)[1:]
        for name in names
    }
    lines = ['import sys', *(f'import {package}' for package in packages.values())]
    lines.append('assert not {"tensorflow", "keras", "tfx", "apache_beam"} & set(sys.modules)')
    for name, package in packages.items():
        lines += [f'from {package} import {name}', f'assert {name}.__module__ == "{package}.component"']
    done = subprocess.run([sys.executable, '-c', '\n'.join(lines)], cwd=_ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _sections() -> dict[str, Settings]:
    config = Config()
    return {item.name: getattr(config, item.name) for item in dataclasses.fields(config)}


def test_a_section_has_one_class_and_is_named_like_its_field():
    for name, section in _sections().items():
        assert name == type(section).SECTION
    kinds = [type(section) for section in _sections().values()]
    assert len(set(kinds)) == len(kinds)


# Functions that draw faces and networks, whose arguments are not settings of a run.
_NO_SETTINGS = ('pipeline.demo.dataset', 'components.caffe_converter.vgg_face')


def test_a_setting_has_one_default():
    """No function outside the settings gives a default of its own to an argument that is named like a setting."""
    keys = {item.name for section in _sections().values() for item in dataclasses.fields(section)}
    second = []
    for name, file in _modules().items():
        if name.endswith('settings') or name in _NO_SETTINGS:
            continue
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.FunctionDef):
                positional = [*node.args.posonlyargs, *node.args.args]
                with_default = positional[len(positional) - len(node.args.defaults) :]
                pairs = [*zip(with_default, node.args.defaults, strict=True)]
                pairs += zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
                second += [
                    f'{name}.{node.name}({argument.arg}={ast.unparse(default)})'
                    for argument, default in pairs
                    if argument.arg in keys and default is not None and ast.unparse(default) != 'None'
                ]
    assert second == []


def test_a_component_takes_its_settings_as_one_property():
    from pipeline import definition

    kinds = [kind for kind in vars(definition).values() if hasattr(getattr(kind, 'SPEC_CLASS', None), 'PARAMETERS')]
    with_settings = [kind for kind in kinds if 'settings' in kind.SPEC_CLASS.PARAMETERS]
    assert {kind.__name__ for kind in with_settings} == {
        'CaffeConverter', 'CuratedSchema', 'DataGate', 'EmbeddingGen', 'Evaluator', 'FineTuner', 'FramingGen',
        'RobustnessEvaluator', 'SignatureCheck', 'StratifiedExampleGen',
    }  # fmt: skip
    keys = {name for section in _sections().values() for name in section.as_dict()}
    for kind in with_settings:
        assert keys.isdisjoint(kind.SPEC_CLASS.PARAMETERS), kind
