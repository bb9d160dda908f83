# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of FramingGen."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import BaseChannel
from tfx.types.standard_artifacts import Examples

from components import artifacts, specification
from components.faces import loading
from components.framing_gen import executor
from components.framing_gen.settings import Settings


class FramingGen(base_component.BaseComponent):
    """Measures how the training images frame faces; AtomicPusher puts the result beside the model.

    Args:
      examples: the sampled images.
      settings: the detector and the number of images.
    """

    SPEC_CLASS = specification.make(
        'FramingGenSpec',
        inputs={'examples': Examples},
        outputs={'framing': artifacts.Framing},
        # The installed detector is a property for the cache.
        properties=('settings', 'installed'),
    )
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, examples: BaseChannel, settings: Settings | None = None):
        properties = {'settings': (settings or Settings()).to_json(), 'installed': loading.installed()}
        super().__init__(specification.fill(self.SPEC_CLASS, examples=examples, **properties))
