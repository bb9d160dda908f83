# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Errors of bootstrap.sh, tried in a copy of the project, and of install.sh on hosts that lack something."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def bootstrap(tmp_path):
    """A function that calls the script with some host programs replaced and returns exit status and stderr lines."""
    project = tmp_path / 'project'
    (project / 'deploy').mkdir(parents=True)
    for name in ('constraints.txt', 'pyproject.toml', 'setup.py', 'deploy/bootstrap.sh'):
        shutil.copy(_ROOT / name, project / name)
    programs = tmp_path / 'programs'
    programs.mkdir()

    def call(only: str | None = None, **replaced: str) -> tuple[int, list[str]]:
        for name, body in replaced.items():
            (programs / name).write_text(f'#!/bin/sh\n{body}\n')
            (programs / name).chmod(0o755)
        path = f'{programs}:{only or os.environ["PATH"]}'
        result = subprocess.run(
            ['/bin/bash', 'deploy/bootstrap.sh'], cwd=project, env={'PATH': path, 'HOME': str(tmp_path)},
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert not (project / '.venv' / '.ready').exists()
        assert not (project / '.tools' / 'lock').exists()
        return result.returncode, result.stderr.splitlines()

    return call


def test_an_unsupported_platform(bootstrap):
    status, lines = bootstrap(uname='[ "$1" = -s ] && echo Linux || echo riscv64')
    assert status == 1
    assert lines == [
        'bootstrap: TFX has no wheels for Linux on riscv64; use Linux on x86-64 or macOS 11+ on Apple silicon'
    ]


def test_no_python_3_11(bootstrap):
    # uv finds no Python and cannot download one.
    status, lines = bootstrap(uv='exit 1')
    assert status == 1
    assert lines[-1].startswith('bootstrap: no Python 3.11 on this host, and the download failed')


def test_no_network(bootstrap):
    # uv finds Python and makes the environment, but reaches no registry.
    uv = (
        'case "$1 $2" in "python find") command -v python3.11 || command -v python3;;'
        ' "venv --quiet") mkdir -p .venv/bin;; *) echo "error: Failed to fetch: operation timed out" >&2; exit 2;; esac'
    )
    status, lines = bootstrap(uv=uv, getconf='echo glibc 2.41')
    assert status == 1
    assert lines[-1].startswith('bootstrap: resolving the packages failed: error: Failed to fetch: operation timed out')


def test_an_old_host_without_apt(bootstrap, tmp_path):
    uv = 'case "$1 $2" in "python find") echo /bin/true;; "venv --quiet") mkdir -p .venv/bin;; *) exit 2;; esac'
    needed = tmp_path / 'needed'
    needed.mkdir()
    for name in (
        'bash',
        'sh',
        'sed',
        'cat',
        'sha256sum',
        'cut',
        'mkdir',
        'rm',
        'uname',
        'sort',
        'head',
        'dirname',
        'grep',
    ):
        (needed / name).symlink_to(shutil.which(name))
    status, lines = bootstrap(only=str(needed), uv=uv, getconf='echo glibc 2.31')
    assert status == 1
    assert 'glibc 2.31 is older than 2.39, and without apt-get no private one can be unpacked' in lines[-1]


def test_a_second_bootstrap_is_refused_while_one_runs(bootstrap, tmp_path):
    lock = tmp_path / 'project' / '.tools' / 'lock'
    lock.mkdir(parents=True)
    (lock / 'pid').write_text(str(os.getpid()))
    result = subprocess.run(
        ['/bin/bash', 'deploy/bootstrap.sh'], cwd=tmp_path / 'project', capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1
    assert f'another bootstrap is running in this folder (process {os.getpid()})' in result.stderr
    assert lock.exists()


def test_install_sh_stops_before_it_installs_something(tmp_path):
    python = tmp_path / 'python3.11'
    change = "import os, runpy; os.confstr = lambda _: 'glibc 2.35'; runpy.run_path('$1', run_name='__main__')"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{change}"\n')
    python.chmod(0o755)
    command = ['/bin/sh', 'deploy/install.sh', '.', str(tmp_path / 'target')]
    done = subprocess.run(command, cwd=_ROOT, env={'PATH': str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count('\n') == 1
    assert done.stderr.startswith('install: TFX needs glibc 2.39, and this host has 2.35; ')
    assert not (tmp_path / 'target').exists()
