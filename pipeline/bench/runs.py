# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Whole runs of the command line, each a process of its own, kept in the bench's working folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pipeline.bench import bench_inputs, measuring

#: Random weights are to be pushed, too: a push is part of a run.
_BOUNDS = (
    'gate.mode=warn', 'evaluation.min_accuracy=0', 'evaluation.min_auc=0', 'evaluation.min_gender_accuracy=0',
    'evaluation.max_gender_gap=1', 'evaluation.min_examples=1', 'evaluation.min_gender_examples=1',
    'evaluation.max_regression=null', 'evaluation.exit_status_not_blessed=0', 'trainer.standardize=true',
)  # fmt: skip


def run(work: Path, output: Path, *changes: str, data: Path | None = None, small: bool = False) -> dict[str, Any]:
    """`python -m pipeline run --config vgg_face` in a process of its own.

    Args:
      work: the bench's working folder.
      output: the run directory.
      changes: KEY=VALUE of the configuration.
      data: the faces, if not the bench's.
      small: with the small network.

    Returns:
      'seconds' and 'peak_bytes' of the process, 'first_component_s' until the first component began, 'stages' (name to
      seconds, cached ones left out), 'images', 'training_images', 'accuracy'.
    """
    from pipeline.runs import metadata

    prototxt = work / (bench_inputs.SMALL_PROTOTXT if small else bench_inputs.PROTOTXT)
    caffemodel = work / (bench_inputs.SMALL_CAFFEMODEL if small else bench_inputs.CAFFEMODEL)
    paths = {'data': data or bench_inputs.faces(work), 'prototxt': prototxt, 'caffemodel': caffemodel, 'output': output}
    done = measuring.call(
        [
            sys.executable, '-m', 'pipeline', 'run', '--config', 'vgg_face',
            *(text for name, path in paths.items() for text in (f'--{name}', str(path))),
            *(f'--set={change}' for change in (*_BOUNDS, *changes)),
        ],
        work / 'logs' / f'run_{output.name}.log',
    )  # fmt: skip
    result = json.loads((output / 'report' / 'metrics.json').read_text('utf-8'))
    last = metadata.runs(output)[-1]
    return {
        'seconds': done.seconds,
        'peak_bytes': done.peak,
        'first_component_s': min(stage.started for stage in last.stages) - done.started,
        'stages': {stage.name: stage.seconds for stage in last.stages if not stage.cached},
        'images': result['data']['sampled'],
        'training_images': sum(result['data']['splits']['train'].values()),
        'accuracy': result['overall']['accuracy']['value'],
    }


def first(work: Path, per_folder: int) -> dict[str, Any]:
    """The whole run with nothing in the cache; made once for all parts that need it."""
    file = work / 'first.json'
    if not file.is_file():
        found = run(work, work / 'whole', f'data.per_folder={per_folder}')
        file.write_text(json.dumps(found), encoding='utf-8')
    return dict(json.loads(file.read_text('utf-8')))
