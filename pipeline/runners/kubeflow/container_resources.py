# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The resource limits of a container in a PipelineSpec. Imports neither TFX nor kfp."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.settings import EVERY, ContainerResources

_GIGABYTES = {'M': 1e-3, 'Mi': 2**20 / 1e9, 'G': 1.0, 'Gi': 2**30 / 1e9}


def specification(resources: Mapping[str, ContainerResources], component: str) -> dict[str, Any]:
    """Returns the `resources` of a component's container; empty if it has no limits.

    Like kfp's compiler, this writes each limit in two spellings: newer drivers read the keys with `resource`
    (`initPodSpecPatch` in backend/src/v2/driver/driver.go), older ones and Vertex the others. Kubernetes also uses the
    limits as requests.

    Args:
      resources: limits by component; those of `EVERY` apply where a component has no own value.
      component: the component's name.
    """
    applicable = [resources[name] for name in (component, EVERY) if name in resources]
    cpu, memory, accelerator = (
        next((getattr(limits, key) for limits in applicable if getattr(limits, key) is not None), None)
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
