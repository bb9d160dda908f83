# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of StratifiedExampleGen."""

from __future__ import annotations

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from components import names, specification
from components.stratified_example_gen import executor
from components.stratified_example_gen.settings import Settings


class StratifiedExampleGen(base_beam_component.BaseBeamComponent):
    """Samples faces from age-gender folders into train, validation and test examples.

    It has no driver of its own, because Kubeflow has none: the builder of the pipeline computes `fingerprint` with
    `layout.fingerprint`, and changed data is then a changed property.

    Args:
      data_root: the folder that holds the images, on a file system that every worker sees, or gs://BUCKET/FOLDER.
      settings: what is sampled, and how it is split.
      fingerprint: of the data's content.
    """

    SPEC_CLASS = specification.make(
        'StratifiedExampleGenSpec',
        inputs={},
        outputs={'examples': standard_artifacts.Examples},
        properties=('data_root', 'settings', 'fingerprint'),
    )
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(self, data_root: str, settings: Settings | None = None, *, fingerprint: str = ''):
        examples = standard_artifacts.Examples()
        examples.split_names = artifact_utils.encode_split_names(list(names.SPLITS))
        super().__init__(
            specification.fill(
                self.SPEC_CLASS,
                data_root=data_root,
                settings=(settings or Settings()).to_json(),
                fingerprint=fingerprint,
                examples=channel_utils.as_channel([examples]),
            )
        )
