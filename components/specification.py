# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Builds TFX component specifications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.types import component_spec


def make(
    name: str,
    *,
    inputs: Mapping[str, type[types.Artifact]],
    outputs: Mapping[str, type[types.Artifact]],
    properties: tuple[str, ...],
    optional: tuple[str, ...] = (),
) -> type[component_spec.ComponentSpec]:
    """Returns a ComponentSpec class with these artifact types by key and properties of type str.

    The property 'settings' is a `Settings` as JSON. Paths and digests are separate properties, because Kubeflow
    replaces them by parameters of the run. `optional` names the inputs that may be absent.
    """
    members: dict[str, Any] = {
        '__doc__': 'Inputs, outputs and execution properties, described in `executor.Executor.Do`.',
        'PARAMETERS': {key: component_spec.ExecutionParameter(type=str) for key in properties},
        'INPUTS': {
            key: component_spec.ChannelParameter(type=kind, optional=key in optional) for key, kind in inputs.items()
        },
        'OUTPUTS': {key: component_spec.ChannelParameter(type=kind) for key, kind in outputs.items()},
    }
    return type(name, (component_spec.ComponentSpec,), members)


def fill(spec: type[component_spec.ComponentSpec], **values: Any) -> component_spec.ComponentSpec:
    """Returns a specification with these inputs and properties, and a new channel for each output not among them."""
    channels = {key: types.Channel(type=output.type) for key, output in spec.OUTPUTS.items() if key not in values}
    return spec(**values, **channels)
