# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""TFX component CuratedSchema."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts

from components import specification
from components.curated_schema import executor, schema
from components.curated_schema.settings import Settings


class CuratedSchema(base_component.BaseComponent):
    """The schema of the installed package as an artifact.

    TFX's ImportSchemaGen is cached by a path on the machine that compiles the pipeline; this component, by content.

    Args:
      settings: additions to the schema.
    """

    SPEC_CLASS = specification.make(
        'CuratedSchemaSpec', inputs={}, outputs={'schema': standard_artifacts.Schema}, properties=('settings', 'sha256')
    )
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, settings: Settings | None = None):
        super().__init__(
            specification.fill(self.SPEC_CLASS, settings=(settings or Settings()).to_json(), sha256=schema.sha256())
        )
