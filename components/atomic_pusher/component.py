# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of AtomicPusher."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.proto import pusher_pb2
from tfx.types import BaseChannel, Channel, component_spec, standard_component_specs
from tfx.types.standard_artifacts import PushedModel
from tfx.utils import json_utils

from components import artifacts
from components.atomic_pusher import executor


class AtomicPusherSpec(standard_component_specs.PusherSpec):
    """TFX's specification with one input more."""

    INPUTS = {
        **standard_component_specs.PusherSpec.INPUTS,
        executor.FRAMING: component_spec.ChannelParameter(type=artifacts.Framing, optional=True),
    }


class AtomicPusher(base_component.BaseComponent):
    """TFX's Pusher with an executor that renames versions into place, and one more input.

    Args:
      model: the exported model.
      push_destination: the serving directory.
      model_blessing: Evaluator's, or None.
      infra_blessing: SignatureCheck's, or None.
      framing: output of FramingGen, or None; its framing.json is pushed with the model, in `assets.extra`.
    """

    SPEC_CLASS = AtomicPusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: BaseChannel,
        push_destination: pusher_pb2.PushDestination,
        model_blessing: BaseChannel | None = None,
        infra_blessing: BaseChannel | None = None,
        framing: BaseChannel | None = None,
    ):
        channels = {'model_blessing': model_blessing, 'infra_blessing': infra_blessing, executor.FRAMING: framing}
        super().__init__(
            AtomicPusherSpec(
                model=model,
                push_destination=push_destination,
                custom_config=json_utils.dumps(None),
                pushed_model=Channel(type=PushedModel),
                **{key: channel for key, channel in channels.items() if channel is not None},
            )
        )
