# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of AtomicPusher."""

from __future__ import annotations

from tfx.components.pusher import component
from tfx.dsl.components.base import executor_spec

from components.atomic_pusher import executor


class AtomicPusher(component.Pusher):
    """TFX's Pusher with an executor that renames versions into place; same inputs, outputs and properties."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)
