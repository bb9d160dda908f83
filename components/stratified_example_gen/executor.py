# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Executor of StratifiedExampleGen."""

from __future__ import annotations

import logging
from typing import Any

from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components import names
from components.artifacts import Artifacts
from components.stratified_example_gen.generate import generate
from components.stratified_example_gen.settings import Settings


class Executor(base_beam_executor.BaseBeamExecutor):
    """Samples labelled images into an Examples artifact.

    Inputs: none.

    Outputs:
      examples: standard_artifacts.Examples with the splits train, validation and test; its URI also contains
        rejected.csv, remarks.csv and ingestion_summary.json.

    Execution properties:
      data_root: str. The folder of images, accessible to every worker, or `gs://…`.
      settings: str. JSON of `Settings`.
      fingerprint: str. Result of `layout.fingerprint`, for the cache only.
    """

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs ingestion; see the class.

        Raises:
          InputError: the data is unusable.
          RunError: the result cannot be written.
        """
        examples = artifact_utils.get_single_instance(output_dict['examples'])
        settings = Settings.from_json(exec_properties['settings'])
        summary = generate(exec_properties['data_root'], settings, examples.uri, self._make_beam_pipeline)
        examples.split_names = artifact_utils.encode_split_names(list(names.SPLITS))
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, 'tfrecords_gzip')
        logging.info('%s', summary.describe())
