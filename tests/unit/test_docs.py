# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The documentation keeps up with the code: links, commands, flags and configuration keys exist."""

import argparse
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from components.caffe_converter import __main__ as converter
from pipeline import __main__ as command_line, config
from pipeline.bench import __main__ as bench

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAMS = {'pipeline': command_line, 'pipeline.bench': bench, 'components.caffe_converter': converter}
_SCRIPTS = {'gender-pipeline': 'pipeline', 'caffe-converter': 'components.caffe_converter'}
_KEYS = {key for key, *_ in config.describe()}
_PLACEHOLDERS = {'KEY', 'section.key'}
# Python, not keys of the configuration.
_METHODS = {'model.load_weights', 'model.get_layer'}


def _pages() -> list[str]:
    """Every Markdown file in the repository, relative to its root."""
    folders = (_ROOT / name for name in ('components', 'deploy', 'docs', 'pipeline', 'schemas', 'tests'))
    found = [*_ROOT.glob('*.md'), *(file for folder in folders for file in folder.rglob('*.md'))]
    return sorted(file.relative_to(_ROOT).as_posix() for file in found)


_PAGES = _pages()


def _read(page: str) -> str:
    return (_ROOT / page).read_text('utf-8')


def _without_code(text: str) -> str:
    return re.sub(r'`[^`\n]*`', '', re.sub(r'^ *```.*?^ *```', '', text, flags=re.DOTALL | re.MULTILINE))


def _anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r'^#+ (.+)$', re.sub(r'^```.*?^```', '', text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).strip().replace(' ', '-') for heading in headings}


def _code(text: str) -> Iterator[str]:
    """The lines of code blocks, with continuations joined, and inline code."""
    for block in re.findall(r'^ *```\w*\n(.*?)^ *```', text, flags=re.DOTALL | re.MULTILINE):
        yield from re.sub(r'\\\n\s*', '', block).splitlines()
    prose = re.sub(r'^ *```.*?^ *```', '', text, flags=re.DOTALL | re.MULTILINE)
    yield from (' '.join(span.split()).replace('\\|', '|') for span in re.findall(r'`([^`]+)`', prose))


def _commands() -> list[tuple[str, str, str]]:
    """(page, program, arguments) of every command line of ours in the documentation."""
    found = []
    for page in _PAGES:
        for line in _code(_read(page)):
            for match in re.finditer(rf'(?:python -m ([\w.]+)|(?<![\w-])({"|".join(_SCRIPTS)})) ([^&>#]+)', line):
                program = _SCRIPTS.get(match[2], match[1])
                arguments = match[3].strip()
                if program in _PROGRAMS and not arguments.startswith('COMMAND'):
                    found.append((page, program, arguments))
    return found


_COMMANDS = _commands()


def _parser(program: str) -> Callable[[], argparse.ArgumentParser]:
    module = _PROGRAMS[program]
    return getattr(module, 'parser', None) or module._parser


def _option_strings(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings}


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return next((a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)), {})


def test_the_readme_is_short():
    assert len(_read('README.md').splitlines()) <= 150


@pytest.mark.parametrize('page', _PAGES)
def test_relative_links_resolve(page):
    broken = []
    for target in re.findall(r'\]\(([^)\s]+)\)', _without_code(_read(page))):
        if re.match(r'https?:|mailto:', target):
            continue
        path, _, anchor = target.partition('#')
        file = (_ROOT / page).parent / path if path else _ROOT / page
        if not file.exists() or (anchor and anchor not in _anchors(file.read_text('utf-8'))):
            broken.append(target)
    assert broken == []


def test_the_documentation_contains_commands():
    assert len(_COMMANDS) > 30
    assert {program for _, program, _ in _COMMANDS} == set(_PROGRAMS)


@pytest.mark.parametrize(('page', 'program', 'arguments'), _COMMANDS)
def test_commands_and_flags_exist(page, program, arguments):
    parser = _parser(program)()
    words = shlex.split(arguments)
    subcommands = _subcommands(parser)
    if subcommands and not words[0].startswith('-'):
        assert words[0] in subcommands
        parser = subcommands[words[0]]
    # The command table writes alternatives as [--json|--csv]. A value such as beam.options=[--NAME] has other flags.
    parts = [part for word in words if re.match(r'[^=]*$|--', word) for part in re.split(r'[\[\]|]', word)]
    flags = [part.partition('=')[0] for part in parts if re.match(r'--?[a-z]', part)]
    assert set(flags) <= _option_strings(parser)


@pytest.mark.parametrize('page', _PAGES)
def test_overridden_keys_exist(page):
    code = ' '.join(_code(_read(page)))
    unknown = []
    for override in re.findall(r"--set '?([\w.]+)=", code):
        key = override if override in _KEYS else '.'.join(override.split('.')[:2])
        if key not in _KEYS or key not in (override, 'kubeflow.resources'):
            unknown.append(override)
    assert set(unknown) <= _PLACEHOLDERS


@pytest.mark.parametrize('page', _PAGES)
def test_named_keys_exist(page):
    """Inline code of the form section.key, where the section is one of the configuration."""
    sections = {key.partition('.')[0] for key in _KEYS}
    named = set(re.findall(r'`([a-z_]+\.[a-z_]+)(?:[=:][^`]*)?`', _read(page))) - _METHODS
    files = ('.py', '.json', '.html', '.md', '.keras', '.csv', '.yaml')
    keys = {name for name in named if name.partition('.')[0] in sections and not name.endswith(files)}
    assert keys <= _KEYS


def test_make_targets_exist():
    targets = set(re.findall(r'^([a-z]+):', _read('Makefile'), re.MULTILINE))
    for page in _PAGES:
        used = {word for line in _code(_read(page)) for word in re.findall(r'(?:^|[;&] *)make ([a-z]+)', line)}
        assert used <= targets, page


def test_make_help_lists_every_target():
    text = _read('Makefile')
    phony = set(re.search(r'^\.PHONY: (.+)$', text, re.MULTILINE)[1].split())
    assert phony == set(re.findall(r'^([a-z]+):.*## ', text, re.MULTILINE))


def test_the_devcontainer_and_the_workflow_call_the_same_scripts():
    workflow = yaml.safe_load(_read('.github/workflows/ci.yml'))
    steps = workflow['jobs']['test']['steps']
    assert [step['run'] for step in steps if 'run' in step] == ['bash .ci/run']
    assert (_ROOT / '.ci' / 'run').is_file()
    assert '"postCreateCommand": "make env"' in _read('.devcontainer/devcontainer.json')
