# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of CuratedSchema."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts

from components import specification
from components.curated_schema import executor, schema
from components.curated_schema.settings import Settings


class CuratedSchema(base_component.BaseComponent):
    """The project's schema as an artifact.

    TFX's ImportSchemaGen is cached by the path of a file on the machine that compiles the pipeline. This component is
    cached by content, and finds the file in the package that is installed where it runs.

    Args:
      settings: what is added to the schema.
    """

    SPEC_CLASS = specification.make(
        'CuratedSchemaSpec', inputs={}, outputs={'schema': standard_artifacts.Schema}, properties=('settings', 'sha256')
    )
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, settings: Settings | None = None):
        super().__init__(
            specification.fill(self.SPEC_CLASS, settings=(settings or Settings()).to_json(), sha256=schema.sha256())
        )
