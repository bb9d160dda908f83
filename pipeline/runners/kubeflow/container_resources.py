# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a component's container may use, as a PipelineSpec says it. Imports neither TFX nor kfp."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.settings import EVERY, ContainerResources

_GIGABYTES = {'M': 1e-3, 'Mi': 2**20 / 1e9, 'G': 1.0, 'Gi': 2**30 / 1e9}


def specification(wanted: Mapping[str, ContainerResources], component: str) -> dict[str, Any]:
    """The `resources` of a container in a PipelineSpec; empty where nothing was asked for.

    Both spellings of each limit, as kfp's own compiler writes them: the ones with `resource` in front are read by
    newer drivers (`initPodSpecPatch` in backend/src/v2/driver/driver.go), the numbers by older ones and by Vertex.
    Only limits: Kubernetes takes them for requests where there are none.

    Args:
      wanted: limits by component; those of `EVERY` hold where a component has none of its own.
      component: the component.
    """
    asked = [wanted[name] for name in (component, EVERY) if name in wanted]
    cpu, memory, accelerator = (
        next((getattr(limits, key) for limits in asked if getattr(limits, key) is not None), None)
        for key in ('cpu', 'memory', 'accelerator')
    )
    result: dict[str, Any] = {}
    if cpu is not None:
        result |= {'resourceCpuLimit': f'{cpu:g}', 'cpuLimit': cpu}
    if memory is not None:
        number, unit = re.findall(r'[\d.]+|\D+', memory)
        result |= {'resourceMemoryLimit': memory, 'memoryLimit': round(float(number) * _GIGABYTES[unit], 6)}
    if accelerator is not None:
        kind, _, count = accelerator.rpartition(':')
        result['accelerator'] = {'resourceType': kind, 'resourceCount': count, 'type': kind, 'count': count}
    return result
