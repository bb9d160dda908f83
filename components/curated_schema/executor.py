# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Executor of CuratedSchema."""

from __future__ import annotations

import os
from typing import Any

from google.protobuf import text_format
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.artifacts import Artifacts
from components.curated_schema import schema
from components.curated_schema.settings import Settings


class Executor(base_executor.BaseExecutor):
    """Writes the schema of the installed package."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs the component.

        Args:
          input_dict: empty.
          output_dict:
            - schema: Schema, the folder for `schema.pbtxt`.
          exec_properties:
            - settings: str, JSON of `Settings`.
            - sha256: str, of the curated schema, for the cache only.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        built = schema.build(Settings.from_json(exec_properties['settings']).columns)
        target = os.path.join(artifact_utils.get_single_uri(output_dict['schema']), 'schema.pbtxt')
        io_utils.write_string_file(target, text_format.MessageToString(built))
