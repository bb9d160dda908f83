# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of SignatureCheck."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import BaseChannel
from tfx.types.standard_artifacts import Examples, InfraBlessing, Model

from components import specification
from components.signature_check import executor
from components.signature_check.settings import Settings


class SignatureCheck(base_component.BaseComponent):
    """Checks that the exported model's signatures agree; Pusher takes the blessing as `infra_blessing`.

    Args:
      model: the exported model.
      examples: the sampled images.
      embeddings: their embeddings.
      settings: the images to compare, and how the model embeds them.
    """

    SPEC_CLASS = specification.make(
        'SignatureCheckSpec',
        inputs={'model': Model, 'examples': Examples, 'embeddings': Examples},
        outputs={'blessing': InfraBlessing},
        properties=('settings',),
    )
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self, model: BaseChannel, examples: BaseChannel, embeddings: BaseChannel, settings: Settings | None = None
    ):
        inputs = {'model': model, 'examples': examples, 'embeddings': embeddings}
        super().__init__(specification.fill(self.SPEC_CLASS, **inputs, settings=(settings or Settings()).to_json()))
