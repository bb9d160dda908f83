# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a component's container may use: `kubeflow.resources` of the configuration. Imports neither TFX nor kfp."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from components.errors import InputError

#: The name in `kubeflow.resources` that stands for every component.
EVERY = 'all'

_MEMORY = re.compile(r'(\d+(?:\.\d+)?)(Mi?|Gi?)')
_GIGABYTES = {'M': 1e-3, 'Mi': 2**20 / 1e9, 'G': 1.0, 'Gi': 2**30 / 1e9}
_KEYS = ('cpu', 'memory', 'accelerator')


def parse(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """Reads lines such as 'EmbeddingGen cpu=8 memory=16G accelerator=nvidia.com/gpu:1'.

    Returns:
      {component or `EVERY`: {'cpu', 'memory', 'accelerator'}}, only what was given. Later lines win.

    Raises:
      InputError: a line is not of that form.
    """
    found: dict[str, dict[str, str]] = {}
    for line in lines:
        name, *settings = line.split()
        for setting in settings:
            key, _, value = setting.partition('=')
            if key not in _KEYS or not _valid(key, value):
                raise InputError(
                    f'kubeflow.resources: {setting!r} of {line!r}: expected cpu=2, memory=4G (M, Mi, G or Gi) or '
                    'accelerator=nvidia.com/gpu:1'
                )
            found.setdefault(name, {})[key] = value
    return found


def _valid(key: str, value: str) -> bool:
    if key == 'memory':
        return bool(_MEMORY.fullmatch(value))
    if key == 'cpu':
        return bool(re.fullmatch(r'\d+(?:\.\d+)?', value)) and float(value) > 0
    return bool(re.fullmatch(r'[A-Za-z0-9][A-Za-z0-9._/-]*:[1-9]\d*', value))


def specification(wanted: dict[str, dict[str, str]], component: str) -> dict[str, Any]:
    """The `resources` of a container in a PipelineSpec; empty where nothing was asked for.

    Both spellings of each limit, as kfp's own compiler writes them: the ones with `resource` in front are read by
    newer drivers (`initPodSpecPatch` in backend/src/v2/driver/driver.go), the numbers by older ones and by Vertex.
    Only limits: Kubernetes takes them for requests where there are none.
    """
    chosen = wanted.get(EVERY, {}) | wanted.get(component, {})
    result: dict[str, Any] = {}
    if 'cpu' in chosen:
        result |= {'resourceCpuLimit': chosen['cpu'], 'cpuLimit': float(chosen['cpu'])}
    if 'memory' in chosen:
        match = _MEMORY.fullmatch(chosen['memory'])
        assert match  # noqa: S101 - `parse` let it pass
        gigabytes = round(float(match[1]) * _GIGABYTES[match[2]], 6)
        result |= {'resourceMemoryLimit': chosen['memory'], 'memoryLimit': gigabytes}
    if 'accelerator' in chosen:
        kind, _, count = chosen['accelerator'].rpartition(':')
        result['accelerator'] = {'resourceType': kind, 'resourceCount': count, 'type': kind, 'count': count}
    return result
