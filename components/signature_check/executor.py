# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The executor of SignatureCheck: calls `compare` with the paths of the artifacts."""

from __future__ import annotations

import json
import os
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components import names
from components.artifacts import Artifacts, split_files
from components.signature_check import check
from components.signature_check.settings import Settings


class Executor(base_executor.BaseExecutor):
    """Blesses an exported model whose signatures agree; a difference stops the run."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs the component.

        Args:
          input_dict: `model`, the exported SavedModel; `examples`, with `image`; `embeddings`, with `embedding`, of the
            same images in the same order.
          output_dict: `blessing`, InfraBlessing with `signatures.json`, the measured differences.
          exec_properties: `settings`, JSON of `Settings`.

        Raises:
          RunError: two signatures disagree.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        model = artifact_utils.get_single_instance(input_dict['model'])
        blessing = artifact_utils.get_single_instance(output_dict['blessing'])
        settings = Settings.from_json(exec_properties['settings'])
        examples, embeddings = (
            [
                record
                for split in (names.TRAIN, names.TEST)
                for record in check.read_records(split_files(input_dict[key], split), settings.images)
            ]
            for key in ('examples', 'embeddings')
        )
        result = check.compare(
            path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model)),
            examples,
            embeddings,
            check.TOLERANCES[settings.embedding.precision],
        )
        io_utils.write_string_file(os.path.join(blessing.uri, 'signatures.json'), json.dumps(result, indent=1))
        # Pusher reads these, as TFX's InfraValidator writes them.
        io_utils.write_string_file(os.path.join(blessing.uri, 'INFRA_BLESSED'), '')
        blessing.set_int_custom_property('blessed', 1)
