# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""TFX component DataGate."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts

from components import artifacts, specification
from components.data_gate import executor
from components.data_gate.settings import Settings


class DataGate(base_component.BaseComponent):
    """Stops the run on anomalies, imbalance, missing strata, skew and drift; ExampleValidator only reports anomalies.

    Args:
      examples: output of StratifiedExampleGen.
      statistics: output of StatisticsGen.
      anomalies: output of ExampleValidator.
      settings: when to stop.
      baseline: the folder of statistics to measure drift from, or '' for no comparison.
    """

    SPEC_CLASS = specification.make(
        'DataGateSpec',
        inputs={
            'examples': standard_artifacts.Examples,
            'statistics': standard_artifacts.ExampleStatistics,
            'anomalies': standard_artifacts.ExampleAnomalies,
        },
        outputs={'decision': artifacts.GateDecision},
        properties=('settings', 'baseline'),
    )
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        statistics: types.BaseChannel,
        anomalies: types.BaseChannel,
        settings: Settings | None = None,
        *,
        baseline: str = '',
    ):
        super().__init__(
            specification.fill(
                self.SPEC_CLASS,
                examples=examples,
                statistics=statistics,
                anomalies=anomalies,
                settings=(settings or Settings()).to_json(),
                baseline=baseline,
            )
        )
