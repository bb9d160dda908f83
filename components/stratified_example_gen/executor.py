# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX side of the work: artifacts in, paths out."""

from __future__ import annotations

import json
import logging
from typing import Any

from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components import names
from components.stratified_example_gen import ingestion_summary
from components.stratified_example_gen.generate import generate
from components.stratified_example_gen.settings import Settings

EXAMPLES_KEY = 'examples'


class Executor(base_beam_executor.BaseBeamExecutor):
    """Samples labelled images into an Examples artifact.

    Inputs: none.

    Outputs:
      examples: one standard_artifacts.Examples with the splits train, validation and test; under its URI also
        rejected.csv and account.json.

    Execution properties (lists are JSON, because TFX knows numbers and strings):
      data_root: str. The folder that holds `combined/`, on a file system that every worker sees or as `gs://…`.
      fingerprint: str. What `layout.fingerprint` says of it; not read here, it makes changed data new to the cache.
      directories: str. JSON list of names below `combined/`.
      layout: str. 'folders' or 'utkface'.
      per_folder: int. Images a folder; absent for all.
      seed: int.
      split: str. 'stratified' or 'shuffled'.
      fractions: str. JSON list of three shares.
      shards: int. Files a split.
      min_size: int. Pixels of the shorter side.
      max_bad_fraction: float.
      manifest_columns: str. JSON list of columns of manifest.csv.
      near_duplicate_distance: int. Bits of 64; absent to not look for near-duplicates.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs ingestion; see the class.

        Raises:
          InputError: the data cannot be used.
          RunError: the result cannot be written.
        """
        examples = artifact_utils.get_single_instance(output_dict[EXAMPLES_KEY])
        settings = Settings(
            data_root=exec_properties['data_root'],
            directories=tuple(json.loads(exec_properties['directories'])),
            layout=exec_properties['layout'],
            per_folder=exec_properties.get('per_folder'),
            seed=exec_properties['seed'],
            split=exec_properties['split'],
            fractions=tuple(json.loads(exec_properties['fractions'])),
            shards=exec_properties['shards'],
            min_size=exec_properties['min_size'],
            max_bad_fraction=exec_properties['max_bad_fraction'],
            manifest_columns=tuple(json.loads(exec_properties['manifest_columns'])),
            near_duplicate_distance=exec_properties.get('near_duplicate_distance'),
        )
        result = generate(settings, examples.uri, self._make_beam_pipeline)
        examples.split_names = artifact_utils.encode_split_names(list(names.SPLITS))
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, 'tfrecords_gzip')
        logging.info('%s', ingestion_summary.describe(result))
