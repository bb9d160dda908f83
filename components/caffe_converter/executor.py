# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The executor of CaffeConverter: takes paths from execution properties and calls `convert_to_folder`."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.artifacts import Artifacts
from components.caffe_converter.folder import convert_to_folder
from components.caffe_converter.settings import Settings
from components.io.files import local_input


class Executor(base_executor.BaseExecutor):
    """Converts the network and writes the model with its report."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs the component.

        Args:
          input_dict: empty.
          output_dict:
            - model: Model, a folder with `base.keras` (from float32 [B, H, W, C], as in training, to the output layer's
              output) and `report.json` (see `folder.convert_to_folder`).
          exec_properties:
            - prototxt: str, path of the network, also in a bucket.
            - caffemodel: str, path of its weights, also in a bucket.
            - settings: str, JSON of `Settings`.
            - prototxt_sha256, caffemodel_sha256: str, digests of the files; '' is not checked.

        Raises:
          InputError: the files cannot be converted, or differ from their digests.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        prototxt, caffemodel = exec_properties['prototxt'], exec_properties['caffemodel']
        with local_input(prototxt) as here, local_input(caffemodel) as weights:
            convert_to_folder(
                str(here),
                str(weights),
                artifact_utils.get_single_uri(output_dict['model']),
                Settings.from_json(exec_properties['settings']),
                prototxt_sha256=exec_properties['prototxt_sha256'],
                caffemodel_sha256=exec_properties['caffemodel_sha256'],
            )
