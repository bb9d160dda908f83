# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The executor of Scorer: calls the classifier batch by batch."""

from __future__ import annotations

import importlib
import json
import os
from typing import Any

from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components import names
from components.artifacts import Artifacts, split_files
from components.io.shards import check_count, copy_account
from components.scorer.scoring import score_shard


class Executor(base_executor.BaseExecutor):
    """Scores every image of the test split."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs the component.

        Args:
          input_dict: `examples`, with `image` (encoded bytes) in the test split.
          output_dict: `scores`, Examples of the test split in the same shards and order, with `probability` (float32,
            of female) in place of `image`.
          exec_properties: `load_fn`, import path of a function that returns the classifier; `arguments`, its keyword
            arguments as JSON; `model`, a digest for the cache only.

        Raises:
          RunError: the model rejects an image, or there are other images than were ingested.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        module, _, function = exec_properties['load_fn'].rpartition('.')
        classify = getattr(importlib.import_module(module), function)(**json.loads(exec_properties['arguments']))
        examples = artifact_utils.get_single_instance(input_dict['examples'])
        scores = artifact_utils.get_single_instance(output_dict['scores'])
        scores.split_names = artifact_utils.encode_split_names([names.TEST])
        examples_utils.set_payload_format(scores, examples_utils.get_payload_format(examples))
        target = artifact_utils.get_split_uri([scores], names.TEST)
        scored = sum(
            score_shard(classify, source, os.path.join(target, os.path.basename(source)))
            for source in split_files([examples], names.TEST)
        )
        check_count([artifact_utils.get_split_uri([examples], names.TEST)], scored)
        copy_account(examples.uri, scores.uri)
