# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of DataGate."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components import artifacts
from components.data_gate import executor


class DataGateSpec(component_spec.ComponentSpec):
    """Inputs, outputs and execution properties; `executor.Executor.Do` says what they hold."""

    PARAMETERS = {
        'mode': component_spec.ExecutionParameter(type=str),
        'min_gender_share': component_spec.ExecutionParameter(type=float),
        'min_per_stratum': component_spec.ExecutionParameter(type=int),
        'max_skew': component_spec.ExecutionParameter(type=float),
        'max_drift': component_spec.ExecutionParameter(type=float),
        'baseline': component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        'examples': component_spec.ChannelParameter(type=standard_artifacts.Examples),
        'statistics': component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        'anomalies': component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        'schema': component_spec.ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS = {'decision': component_spec.ChannelParameter(type=artifacts.GateDecision)}


class DataGate(base_component.BaseComponent):
    """Stops the run over anomalies, imbalance, gaps, skew and drift, which ExampleValidator only reports.

    Args:
      examples: what StratifiedExampleGen made.
      statistics: what StatisticsGen made.
      anomalies: what ExampleValidator made.
      schema: the curated schema.
      mode: 'stop', or 'warn' to report and go on.
      min_gender_share: lowest share of either gender in each split, 0 to 0.5.
      min_per_stratum: fewest images of each gender and age band in each split.
      max_skew: largest distance between a feature's distributions in the training split and in another one, 0 to 1.
      max_drift: largest distance between a feature's distributions now and in the baseline, 0 to 1.
      baseline: the folder of other statistics, or '' for no comparison.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        statistics: types.BaseChannel,
        anomalies: types.BaseChannel,
        schema: types.BaseChannel,
        *,
        mode: str,
        min_gender_share: float,
        min_per_stratum: int,
        max_skew: float,
        max_drift: float,
        baseline: str = '',
    ):
        super().__init__(
            spec=DataGateSpec(
                examples=examples,
                statistics=statistics,
                anomalies=anomalies,
                schema=schema,
                mode=mode,
                min_gender_share=min_gender_share,
                min_per_stratum=min_per_stratum,
                max_skew=max_skew,
                max_drift=max_drift,
                baseline=baseline,
                decision=types.Channel(type=artifacts.GateDecision),
            )
        )
