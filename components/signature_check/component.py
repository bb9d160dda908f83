# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of SignatureCheck."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts

from components import specification
from components.signature_check import executor
from components.signature_check.settings import Settings


class SignatureCheck(base_component.BaseComponent):
    """Proves that the exported model's signatures agree; Pusher takes its blessing as `infra_blessing`.

    Args:
      model: the exported model.
      examples: the sampled images.
      embeddings: the embeddings of the same images.
      settings: which images are compared, and how closely.
    """

    SPEC_CLASS = specification.make(
        'SignatureCheckSpec',
        inputs={
            'model': standard_artifacts.Model,
            'examples': standard_artifacts.Examples,
            'embeddings': standard_artifacts.Examples,
        },
        outputs={'blessing': standard_artifacts.InfraBlessing},
        properties=('settings',),
    )
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        examples: types.BaseChannel,
        embeddings: types.BaseChannel,
        settings: Settings | None = None,
    ):
        super().__init__(
            specification.fill(
                self.SPEC_CLASS,
                model=model,
                examples=examples,
                embeddings=embeddings,
                settings=(settings or Settings()).to_json(),
            )
        )
