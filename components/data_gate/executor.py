# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Executor of DataGate."""

from __future__ import annotations

import json
import os
from typing import Any

from absl import logging
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components import names
from components.artifacts import Artifacts
from components.data_gate import comparison, gate
from components.data_gate.settings import STOP, Settings
from components.errors import RunError
from components.io.shards import check_count, split_folder


class Executor(base_executor.BaseExecutor):
    """Lets a run pass, or stops it with all findings in one line."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Runs the component.

        Args:
          input_dict:
            - examples: Examples of StratifiedExampleGen, for `ingestion_summary.json`.
            - statistics: ExampleStatistics of every split.
            - anomalies: ExampleAnomalies of every split.
          output_dict:
            - decision: GateDecision, the folder for `decision.json`.
          exec_properties:
            - settings: str, JSON of `Settings`.
            - baseline: str, folder of the ExampleStatistics to measure drift from, or ''.

        Raises:
          RunError: there is a finding in mode 'stop', the baseline is gone, or the statistics are of other images than
            were ingested.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = Settings.from_json(exec_properties['settings'])
        anomalies = artifact_utils.get_single_instance(input_dict['anomalies'])
        statistics = artifact_utils.get_single_instance(input_dict['statistics'])
        splits = artifact_utils.decode_split_names(statistics.split_names)
        examples = artifact_utils.get_single_uri(input_dict['examples'])
        summary = json.loads(_read(examples, '', names.INGESTION_SUMMARY_FILE))
        measured = {split: _statistics(statistics.uri, split) for split in splits}
        for split, found in measured.items():
            check_count([os.path.join(examples, split_folder(split))], comparison.overall(found).num_examples)
        findings = gate.decide(
            measured,
            {
                split: anomalies_pb2.Anomalies.FromString(_read(anomalies.uri, split, 'SchemaDiff.pb'))
                for split in artifact_utils.decode_split_names(anomalies.split_names)
            },
            summary['strata'],
            summary.get('faces', {}),
            _baseline(exec_properties['baseline'], splits),
            settings,
        )
        found = '; '.join(' '.join(str(finding).split()) for finding in findings)
        if findings and settings.mode == STOP:
            raise RunError(f'the data did not pass the gate (gate.mode=warn continues anyway): {found}')
        if findings:
            logging.warning('DataGate ignores findings: %s', found)
        target = os.path.join(artifact_utils.get_single_uri(output_dict['decision']), 'decision.json')
        io_utils.write_string_file(target, json.dumps(gate.decision(findings, settings.mode), indent=1))


def _read(uri: str, split: str, name: str) -> bytes:
    with fileio.open(os.path.join(uri, f'Split-{split}' if split else '', name), 'rb') as stream:
        return bytes(stream.read())


def _statistics(uri: str, split: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    return statistics_pb2.DatasetFeatureStatisticsList.FromString(_read(uri, split, 'FeatureStats.pb'))


def _baseline(uri: str, splits: list[str]) -> dict[str, statistics_pb2.DatasetFeatureStatisticsList]:
    if not uri:
        return {}
    if not fileio.exists(uri):
        raise RunError(
            f'{uri}: the statistics of the last run on other data are gone; restore them, or start a new run directory'
        )
    return {split: _statistics(uri, split) for split in splits}
