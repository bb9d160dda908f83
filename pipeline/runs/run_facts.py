# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a run was made from: one JSON file for each completed run in a run directory."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
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
    versions: Mapping[str, str]  # by package, see `versions`
    duration_s: float

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
    """The installed versions of the packages that affect the numbers."""
    return {name: packages.version(name) for name in _VERSIONS}
