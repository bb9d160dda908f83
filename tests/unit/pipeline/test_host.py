# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What is said on machines and in environments without TFX."""

import os
import platform
import re
import sys

import pytest

from pipeline import host


@pytest.fixture
def machine(monkeypatch):
    """A function that changes the machine; at first Linux on x86-64 with Python 3.11 and glibc 2.39."""

    def change(system='linux', processor='x86_64', python=(3, 11, 7), glibc='glibc 2.39'):
        monkeypatch.setattr(sys, 'platform', system)
        monkeypatch.setattr(platform, 'machine', lambda: processor)
        monkeypatch.setattr(platform, 'python_version', lambda: '.'.join(map(str, python)))
        monkeypatch.setattr(sys, 'version_info', python)
        monkeypatch.setattr(os, 'confstr', lambda _: glibc)

    change()
    return change


@pytest.mark.parametrize(
    'kind', [{}, {'glibc': 'glibc 2.41'}, {'glibc': 'glibc 3.0'}, {'system': 'darwin', 'processor': 'arm64'}]
)
def test_a_machine_that_will_do(machine, kind):
    machine(**kind)
    assert host.problem() is None


@pytest.mark.parametrize(
    ('kind', 'reason'),
    [
        ({'processor': 'aarch64'}, 'TFX has no wheels for linux-aarch64; use Linux on x86-64 or macOS'),
        ({'system': 'win32', 'processor': 'AMD64'}, 'TFX has no wheels for win32-AMD64'),
        ({'python': (3, 13, 0)}, 'TFX needs Python 3.11, and this is 3.13.0'),
        ({'glibc': 'glibc 2.36'}, 'TFX needs glibc 2.39, and this host has 2.36; .*make env .* unpacks a private one'),
        ({'glibc': None}, 'TFX has no wheels for a Linux without glibc'),
    ],
)
def test_a_machine_that_will_not_do(machine, kind, reason):
    machine(**kind)
    assert re.match(reason, host.problem())


def _error(code: str) -> ImportError:
    with pytest.raises(ImportError) as raised:
        exec(code)  # noqa: S102
    return raised.value


def test_a_package_that_is_not_installed_is_named_with_its_extra(machine, monkeypatch):
    for name in ('yaml', 'kfp'):
        monkeypatch.setitem(sys.modules, name, None)
    install = 'yaml is not installed; install face-gender-pipeline[pipeline]'
    assert host.explain(_error('import yaml')) == f'{install}, or [client] for predict --server alone'
    assert 'install face-gender-pipeline[kubeflow]' in host.explain(_error('import kfp.dsl'))
    machine(glibc='glibc 2.35')
    assert host.explain(_error('import yaml')).startswith(f'{install} (TFX needs glibc 2.39, and this host has 2.35; ')


def test_a_wheel_that_needs_a_newer_glibc(machine):
    machine(glibc='glibc 2.36')
    error = ImportError("/lib/libm.so.6: version `GLIBC_2.38' not found (required by …)", name='x.serving')
    assert host.explain(error).startswith('TFX needs glibc 2.39')


@pytest.mark.parametrize('code', ['import pipeline.nothing', 'from os import nothing'])
def test_a_fault_of_ours_is_not_explained(code):
    assert host.explain(_error(code)) is None
