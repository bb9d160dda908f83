# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""From a run directory to the content of `metrics.json`."""

from __future__ import annotations

import json
from importlib import metadata as packages
from pathlib import Path
from typing import Any

from components.errors import RunError
from pipeline import metadata
from pipeline.report import metrics

#: A run's own facts, written by the runner before the first component: configuration, fingerprints of the inputs.
RUNS = 'runs'

_VERSIONS = (
    'tfx', 'tensorflow', 'keras', 'tensorflow-transform', 'tensorflow-data-validation', 'tensorflow-model-analysis',
    'apache-beam', 'ml-metadata', 'numpy', 'face-gender-pipeline',
)  # fmt: skip


def versions() -> dict[str, str]:
    """The installed versions of what the numbers depend on."""
    return {name: packages.version(name) for name in _VERSIONS}


def facts_file(output: Path, run_id: str) -> Path:
    """Where a run's own facts are."""
    return output / RUNS / f'{run_id}.json'


def collect(output: Path, run: metadata.Run) -> dict[str, Any]:
    """Everything that is known of a run that came to its end.

    Args:
      output: the run directory.
      run: one of its runs.

    Returns:
      What `metrics.json` holds: 'run', 'data' (the account of the sampling), 'overall', 'slices', 'blessed', 'reasons',
      'pushed', 'stages'.

    Raises:
      RunError: the run did not come to its end.
    """
    evaluation = run.output('Evaluator', 'evaluation')
    examples = run.output('StratifiedExampleGen', 'examples')
    pushed = run.output('AtomicPusher', 'pushed_model')
    unfinished = [stage.name for stage in run.stages if stage.state not in ('COMPLETE', 'CACHED')]
    if unfinished or evaluation is None or examples is None or pushed is None:
        stopped = f' (it stopped in {unfinished[0]})' if unfinished else ''
        raise RunError(f'{output}: run {run.id} did not come to its end{stopped}; run it again')
    overall, slices = metrics.read_evaluation(evaluation.uri)
    reasons = metrics.read_reasons(evaluation.uri)
    facts = json.loads(facts_file(output, run.id).read_text('utf-8'))
    return {
        'run': {
            'id': run.id,
            'started': run.started,
            'duration_s': round(facts['duration_s'], 2),
            'config_sha256': facts['config_sha256'],
            'data_fingerprint': facts['data_fingerprint'],
            'base_sha256': facts['caffemodel_sha256'],
            'prototxt_sha256': facts['prototxt_sha256'],
            'versions': facts['versions'],
        },
        'config': facts['config'],
        'data': json.loads((Path(examples.uri) / 'account.json').read_text('utf-8')),
        'overall': overall,
        'slices': slices,
        'blessed': not reasons,
        'reasons': reasons,
        'pushed': pushed.properties.get('pushed_destination') or None,
        'stages': [
            {'name': stage.name, 'seconds': round(stage.seconds, 2), 'cached': stage.cached} for stage in run.stages
        ],
    }
