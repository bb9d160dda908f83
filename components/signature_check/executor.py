# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The executor of SignatureCheck: artifacts to paths to `compare`."""

from __future__ import annotations

import json
import os
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components.signature_check import check
from components.signature_check.settings import Settings


class Executor(base_executor.BaseExecutor):
    """Blesses an exported model whose signatures agree; anything else stops the run."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component.

        Args:
          input_dict:
            - model: Model, the exported SavedModel.
            - examples: Examples with `image`.
            - embeddings: Examples with `embedding`, of the same images in the same order.
          output_dict:
            - blessing: InfraBlessing; also gets `signatures.json` with the differences measured.
          exec_properties:
            - settings: str, JSON of `Settings`.

        Raises:
          RunError: two signatures disagree.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        model = artifact_utils.get_single_instance(input_dict['model'])
        blessing = artifact_utils.get_single_instance(output_dict['blessing'])
        settings = Settings.from_json(exec_properties['settings'])
        result = check.compare(
            path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model)),
            check.read_records(_files(input_dict['examples'], settings.split), settings.images),
            check.read_records(_files(input_dict['embeddings'], settings.split), settings.images),
            check.TOLERANCES[settings.precision],
        )
        io_utils.write_string_file(os.path.join(blessing.uri, 'signatures.json'), json.dumps(result, indent=1))
        # What Pusher reads, as TFX's own InfraValidator leaves it.
        io_utils.write_string_file(os.path.join(blessing.uri, 'INFRA_BLESSED'), '')
        blessing.set_int_custom_property('blessed', 1)


def _files(artifacts: list[types.Artifact], split: str) -> list[str]:
    folder = artifact_utils.get_split_uri(artifacts, split)
    return [os.path.join(folder, name) for name in sorted(fileio.listdir(folder))]
