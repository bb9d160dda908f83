# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of CuratedSchema."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.curated_schema import executor, schema


class CuratedSchemaSpec(component_spec.ComponentSpec):
    """Outputs and execution properties; `executor.Executor.Do` says what they hold."""

    PARAMETERS = {
        'columns': component_spec.ExecutionParameter(type=str),
        'sha256': component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {'schema': component_spec.ChannelParameter(type=standard_artifacts.Schema)}


class CuratedSchema(base_component.BaseComponent):
    """The project's schema as an artifact.

    TFX's ImportSchemaGen is cached by the path of a file on the machine that compiles the pipeline; this one is cached
    by content and finds the file in the package that is installed where it runs.

    Args:
      columns: the manifest's columns that are features.
    """

    SPEC_CLASS = CuratedSchemaSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, columns: Sequence[str] = ()):
        super().__init__(
            spec=CuratedSchemaSpec(
                columns=json.dumps(list(columns)),
                sha256=schema.sha256(),
                schema=types.Channel(type=standard_artifacts.Schema),
            )
        )
