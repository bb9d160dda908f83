# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""TFX component StratifiedExampleGen."""

from __future__ import annotations

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from components import names, specification
from components.faces import loading
from components.stratified_example_gen import executor
from components.stratified_example_gen.settings import OFF, Settings


class StratifiedExampleGen(base_beam_component.BaseBeamComponent):
    """Samples faces from age-gender folders into train, validation and test examples.

    It has no custom driver, because Kubeflow supports none. Instead, compute `fingerprint` with `layout.fingerprint`
    when you build the pipeline, so that changed data invalidates the cache.

    Args:
      data_root: the folder of images, accessible to every worker, or gs:// or s3://BUCKET/FOLDER.
      settings: what to sample and how to split it.
      fingerprint: a digest of the data.
    """

    SPEC_CLASS = specification.make(
        'StratifiedExampleGenSpec',
        inputs={},
        outputs={'examples': standard_artifacts.Examples},
        properties=('data_root', 'settings', 'fingerprint'),
    )
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(self, data_root: str, settings: Settings | None = None, *, fingerprint: str = ''):
        settings = settings or Settings()
        examples = standard_artifacts.Examples()
        examples.split_names = artifact_utils.encode_split_names(list(names.SPLITS))
        super().__init__(
            specification.fill(
                self.SPEC_CLASS,
                data_root=data_root,
                settings=settings.to_json(),
                fingerprint=fingerprint,
                examples=channel_utils.as_channel([examples]),
            )
        )
        if settings.detect != OFF:
            # For the cache only: executors ignore unknown flags.
            self.executor_spec.add_extra_flags([f'--detector={loading.PACKAGE}=={loading.installed()}'])
