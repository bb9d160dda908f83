# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The executor of AtomicPusher."""

from __future__ import annotations

from typing import Any

from absl import logging
from tfx.components.pusher import executor
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from components.artifacts import Artifacts
from components.atomic_pusher import versions
from components.faces import framing
from components.io.files import any_path

#: The key of the optional input.
FRAMING = 'framing'


class Executor(executor.Executor):
    """Pushes a blessed model, and records one without blessing as not pushed."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs the component.

        Args:
          input_dict: `model`, the exported SavedModel; `model_blessing`; `infra_blessing`; optional `framing`, a
            folder, whose framing.json goes into `assets.extra` of the version.
          output_dict: `pushed_model`, with the custom properties of TFX's Pusher (pushed, pushed_destination,
            pushed_version), but without its copy of the model.
          exec_properties: `push_destination`, JSON of PushDestination; `filesystem.base_directory` is the serving
            directory.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(output_dict[standard_component_specs.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination)
        extra = [any_path(artifact.uri, framing.FILE) for artifact in input_dict.get(FRAMING, [])]
        files = {f'{framing.EXTRA}/{file.name}': file for file in extra if file.exists()}
        target, version = versions.push(self.GetModelPath(input_dict), destination.filesystem.base_directory, files)
        self._MarkPushed(pushed, pushed_destination=target, pushed_version=version)
        logging.info('Model pushed to %s.', target)
