# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Errors of bootstrap.sh in a copy of the project, on a host with replaced programs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def bootstrap(tmp_path):
    """Runs a copy of the script with some of the host's programs replaced; returns exit status and stderr."""
    project = tmp_path / 'project'
    (project / 'deploy').mkdir(parents=True)
    for name in ('constraints.txt', 'setup.py', 'deploy/bootstrap.sh'):
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
        'bootstrap: no wheels of TFX exist for Linux on riscv64; use Linux on x86-64 or macOS 11+ on Apple silicon'
    ]


def test_no_python_3_11(bootstrap):
    # This uv finds no Python and cannot download one.
    status, lines = bootstrap(uv='exit 1')
    assert status == 1
    assert lines[-1].startswith('bootstrap: no Python 3.11 on this host and none could be downloaded')


def test_no_network(bootstrap):
    # This uv finds Python and makes the environment, but reaches no registry.
    uv = (
        'case "$1 $2" in "python find") command -v python3.11 || command -v python3;;'
        ' "venv --quiet") mkdir -p .venv/bin;; *) echo "error: Failed to fetch: operation timed out" >&2; exit 2;; esac'
    )
    status, lines = bootstrap(uv=uv, getconf='echo glibc 2.41')
    assert status == 1
    assert lines[-1].startswith(
        'bootstrap: installing the packages failed: error: Failed to fetch: operation timed out'
    )


def test_an_old_host_without_apt(bootstrap, tmp_path):
    uv = 'case "$1 $2" in "python find") echo /bin/true;; "venv --quiet") mkdir -p .venv/bin;; *) exit 2;; esac'
    needed = tmp_path / 'needed'
    needed.mkdir()
    for name in (
        'bash', 'sh', 'sed', 'cat', 'sha256sum', 'cut', 'mkdir', 'rm', 'uname', 'sort', 'head', 'dirname', 'grep'
    ):  # fmt: skip
        (needed / name).symlink_to(shutil.which(name))
    status, lines = bootstrap(only=str(needed), uv=uv, getconf='echo glibc 2.31')
    assert status == 1
    assert 'glibc 2.31 is older than 2.39 and there is no apt-get' in lines[-1]


def test_two_bootstraps_at_a_time_are_refused(bootstrap, tmp_path):
    lock = tmp_path / 'project' / '.tools' / 'lock'
    lock.mkdir(parents=True)
    (lock / 'pid').write_text(str(os.getpid()))
    result = subprocess.run(
        ['/bin/bash', 'deploy/bootstrap.sh'], cwd=tmp_path / 'project', capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1
    assert f'another bootstrap is at work in this folder (process {os.getpid()})' in result.stderr
    assert lock.exists()
