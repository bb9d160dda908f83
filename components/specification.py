# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""TFX component specifications from tables; a specification says no more than names and types."""

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
) -> type[component_spec.ComponentSpec]:
    """A ComponentSpec class.

    Args:
      name: of the class.
      inputs: artifact types by input key.
      outputs: artifact types by output key.
      properties: the execution properties, all of them text. 'settings' holds a `Settings` as JSON; paths and digests
        are properties of their own, which Kubeflow replaces by parameters of the run.
    """
    members: dict[str, Any] = {
        '__doc__': 'Inputs, outputs and execution properties; `executor.Executor.Do` says what they hold.',
        'PARAMETERS': {key: component_spec.ExecutionParameter(type=str) for key in properties},
        'INPUTS': {key: component_spec.ChannelParameter(type=kind) for key, kind in inputs.items()},
        'OUTPUTS': {key: component_spec.ChannelParameter(type=kind) for key, kind in outputs.items()},
    }
    return type(name, (component_spec.ComponentSpec,), members)


def fill(spec: type[component_spec.ComponentSpec], **values: Any) -> component_spec.ComponentSpec:
    """The specification with its inputs and properties, and a new channel for each output that is not given."""
    channels = {key: types.Channel(type=output.type) for key, output in spec.OUTPUTS.items() if key not in values}
    return spec(**values, **channels)
