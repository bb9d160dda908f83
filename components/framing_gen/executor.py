# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The executor of FramingGen."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components import names, progress
from components.artifacts import Artifacts, split_files
from components.errors import InputError
from components.faces import loading
from components.faces.framing import FILE, MEAN_FACE
from components.framing_gen.settings import AUTO, Settings
from components.io.files import any_path, atomic_path, write_text


class Executor(base_executor.BaseExecutor):
    """Measures the framing of the training split."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs the component.

        Args:
          input_dict: `examples`, with `image` (encoded bytes) in the training split.
          output_dict: `framing`, the folder of framing.json and mean_face.png; empty, with the reason as the custom
            property `unmeasured`, if the detector is `auto` and none is installed or it finds too few faces.
          exec_properties: `settings`, JSON of `Settings`; `installed`, the detector's version, for the cache only.

        Raises:
          InputError: the detector is `mtcnn`, and it is not installed or finds too few faces.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = Settings.from_json(exec_properties['settings'])
        output = artifact_utils.get_single_instance(output_dict['framing'])
        folder = any_path(output.uri)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            detector = loading.load()
            from components.framing_gen import measuring

            measured = measuring.measure(split_files(input_dict['examples'], names.TRAIN), settings.images, detector)
        except InputError as error:
            if settings.detector != AUTO:
                raise
            output.set_string_custom_property('unmeasured', str(error))
            progress.note(f'The model gets no framing: {error}')
            return
        with atomic_path(folder / MEAN_FACE) as temporary:
            measured.mean_face.save(temporary, 'PNG')
        write_text(folder / FILE, measured.framing.to_json())
