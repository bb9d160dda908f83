# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a run was made from: one JSON file for each completed run in a run directory."""

from __future__ import annotations

import dataclasses
import json
import platform
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata as packages
from pathlib import Path
from typing import Any

from components.io.files import write_text

#: The folder in a run directory.
FOLDER = 'runs'

_VERSIONS = (
    'tfx', 'tensorflow', 'keras', 'tensorflow-transform', 'tensorflow-data-validation', 'tensorflow-model-analysis',
    'apache-beam', 'ml-metadata', 'numpy', 'face-gender-pipeline',
)  # fmt: skip


@dataclass(frozen=True)
class RunFacts:
    """The inputs of a completed run."""

    config: Mapping[str, Mapping[str, Any]]  # by section and key
    config_sha256: str  # of the YAML text
    data_fingerprint: str  # see `stratified_example_gen.layout.fingerprint`
    prototxt_sha256: str
    caffemodel_sha256: str
    versions: Mapping[str, str]  # see `versions`
    duration_s: float
    # Runs of earlier versions have none of these:
    inputs: Mapping[str, str] = field(default_factory=dict)  # 'data', 'prototxt', 'caffemodel' as the user gave them
    command: str = ''  # the command line
    host: str = ''  # e.g. 'Linux-6.1.0-x86_64-with-glibc2.41'

    @property
    def name(self) -> str:
        """The name that the user gave to the run, or ''."""
        return self._label('run_name')

    @property
    def note(self) -> str:
        """The user's remark on the run, or ''."""
        return self._label('note')

    def _label(self, key: str) -> str:
        return str(self.config.get('report', {}).get(key) or '')

    def write(self, output: Path, run_id: str) -> None:
        """Writes `runs/<run_id>.json`, which marks the run as completed."""
        file = _file(output, run_id)
        file.parent.mkdir(exist_ok=True)
        write_text(file, json.dumps(dataclasses.asdict(self), indent=1) + '\n')


def read(output: Path, run_id: str) -> RunFacts | None:
    """The facts of a run; None if it did not complete."""
    file = _file(output, run_id)
    return RunFacts(**json.loads(file.read_text('utf-8'))) if file.is_file() else None


def _file(output: Path, run_id: str) -> Path:
    return output / FOLDER / f'{run_id}.json'


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that affect the numbers."""
    return {'python': platform.python_version()} | {name: packages.version(name) for name in _VERSIONS}


def host() -> str:
    """The operating system, the processor's architecture and the C library."""
    return platform.platform()


def command_line() -> str:
    """The command line of this process, for a shell."""
    program = ['python', '-m', 'pipeline'] if sys.argv[0].endswith('__main__.py') else [Path(sys.argv[0]).name]
    return shlex.join([*program, *sys.argv[1:]])
