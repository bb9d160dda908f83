# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What the bench ran on."""

from __future__ import annotations

import os
import platform
from importlib import metadata as packages
from pathlib import Path
from typing import Any

_FLAGS = ('avx2', 'avx512f', 'avx512_bf16', 'avx512_vnni', 'amx_bf16', 'amx_tile')
_PACKAGES = ('tensorflow', 'keras', 'tfx', 'apache-beam', 'tensorflow-transform', 'numpy', 'opencv-python-headless')


def describe() -> dict[str, Any]:
    """Processor, the flags of it that matter here, cores this process may use, memory in bytes, system, versions."""
    fields: dict[str, str] = {}
    file = Path('/proc/cpuinfo')
    if file.is_file():
        for line in file.read_text().splitlines():
            name, _, value = line.partition(':')
            fields.setdefault(name.strip(), value.strip())
    flags = fields.get('flags', '').split()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    return {
        'processor': fields.get('model name') or platform.processor() or platform.machine(),
        'flags': [flag for flag in _FLAGS if flag in flags],
        'cores': cores,
        'memory_bytes': os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES'),
        'load_before': round(os.getloadavg()[0], 2),
        'system': platform.platform(),
        'versions': {'python': platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
    }


def _version(name: str) -> str | None:
    try:
        return packages.version(name)
    except packages.PackageNotFoundError:
        return None
