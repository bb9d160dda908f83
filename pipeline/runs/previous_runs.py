# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Results of earlier runs that a new run is compared with: baseline statistics and the last blessed accuracy.

Both come from runs with other inputs. A rerun with the same inputs then gets the same baseline, and TFX's cache hits.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.evaluator import metrics, thresholds
from components.io.files import any_path
from pipeline.config import Config
from pipeline.runs import metadata, run_facts
from pipeline.runs.run_inputs import InputDigests

# The sections that the model does not depend on.
_NOT_OF_THE_MODEL = ('gate', 'framing', 'evaluation', 'report', 'beam', 'kubeflow')


def baseline_statistics(output: Path, data_fingerprint: str) -> str:
    """Returns the folder of the statistics of the last completed run on other data, or ''."""
    for run, facts in _completed(output):
        statistics = run.output('StatisticsGen', 'statistics')
        if statistics and facts.data_fingerprint != data_fingerprint:
            return statistics.uri
    return ''


def last_blessed_accuracy(output: Path, config: Config, digests: InputDigests) -> float | None:
    """Returns the test accuracy of the last blessed model that other inputs or settings produced, or None."""
    if config.evaluation.max_regression is None:
        return None
    inputs = dataclasses.asdict(digests)
    for run, facts in _completed(output):
        evaluation = run.output('Evaluator', 'evaluation')
        if not evaluation or not any_path(evaluation.uri, thresholds.FILE).exists():
            continue
        same_inputs = all(getattr(facts, name) == digest for name, digest in inputs.items())
        if same_inputs and _model_settings(facts.config) == _model_settings(config.as_dict()):
            continue
        if not thresholds.reasons(thresholds.read(evaluation.uri)):
            return metrics.read(evaluation.uri).overall.accuracy.value
    return None


def _completed(output: Path) -> Iterator[tuple[metadata.Run, run_facts.RunFacts]]:
    """Yields completed runs with their facts, newest first."""
    if not (output / metadata.FILE).is_file():
        return
    for run in reversed(metadata.runs(output)):
        if facts := run_facts.read(output, run.id):
            yield run, facts


def _model_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: keys for name, keys in config.items() if name not in _NOT_OF_THE_MODEL}
