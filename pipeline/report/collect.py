# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""From a run directory to the content of the report."""

from __future__ import annotations

import json
from importlib import metadata as packages
from pathlib import Path
from typing import Any

from components.errors import RunError
from pipeline import bounds, metadata
from pipeline.report import metrics
from pipeline.report.history import RUNS, facts_file

__all__ = ['DETAILS', 'RUNS', 'collect', 'facts_file', 'versions']

#: The key of what only the page shows; the rest is `metrics.json`.
DETAILS = 'details'

_VERSIONS = (
    'tfx', 'tensorflow', 'keras', 'tensorflow-transform', 'tensorflow-data-validation', 'tensorflow-model-analysis',
    'apache-beam', 'ml-metadata', 'numpy', 'face-gender-pipeline',
)  # fmt: skip

_NEEDED = (
    ('StratifiedExampleGen', 'examples'),
    ('StatisticsGen', 'statistics'),
    ('DataGate', 'decision'),
    ('Transform', 'transform_graph'),
    ('EmbeddingGen', 'embeddings'),
    ('Trainer', 'model'),
    ('Trainer', 'model_run'),
    ('Evaluator', 'evaluation'),
    ('AtomicPusher', 'pushed_model'),
)


def versions() -> dict[str, str]:
    """The installed versions of what the numbers depend on."""
    return {name: packages.version(name) for name in _VERSIONS}


def collect(output: Path, run: metadata.Run, *, faces: bool | None = None) -> dict[str, Any]:
    """Everything that is known of a run that came to its end; keeps its answers for later comparisons.

    Args:
      output: the run directory.
      run: one of its runs.
      faces: whether pictures of faces may be on the page; None asks the run's configuration (`report.faces`).

    Returns:
      What `metrics.json` holds: 'run', 'config', 'data' (the account of the sampling), 'overall', 'slices', 'gap' (the
      accuracy of women minus that of men), 'training' (see `trainer.FACTS`; and 'trials', those of Tuner), 'blessed',
      'reasons', 'bounds' (see `pipeline.bounds.check`), 'pushed', 'stages'; and 'details', which only the page shows.

    Raises:
      RunError: the run did not come to its end, its artifacts are gone, or its model does not give the scores that
        its verdict was reached on.
    """
    artifacts = {wanted: run.output(*wanted) for wanted in _NEEDED}
    unfinished = [stage.name for stage in run.stages if stage.state not in ('COMPLETE', 'CACHED')]
    if unfinished or None in artifacts.values():
        stopped = f' (it stopped in {unfinished[0]})' if unfinished else ''
        raise RunError(f'{output}: run {run.id} did not come to its end{stopped}; run it again')
    folders = {f'{name}.{key}': artifact.uri for (name, key), artifact in artifacts.items() if artifact}
    gone = [
        folder for name, folder in folders.items() if name != 'AtomicPusher.pushed_model' and not Path(folder).is_dir()
    ]
    if gone:
        raise RunError(f'{gone[0]}: this output of run {run.id} is gone; restore it, or run the pipeline again')
    pushed = artifacts['AtomicPusher', 'pushed_model']
    overall, slices = metrics.read_evaluation(folders['Evaluator.evaluation'])
    judged = bounds.read(folders['Evaluator.evaluation'])
    reasons = bounds.reasons(judged)
    facts = json.loads(facts_file(output, run.id).read_text('utf-8'))
    if faces is None:
        faces = bool(facts['config'].get('report', {}).get('faces', True))
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
        'data': json.loads((Path(folders['StratifiedExampleGen.examples']) / 'account.json').read_text('utf-8')),
        'overall': overall,
        'slices': slices,
        'gap': metrics.gap(overall),
        'training': _training(run, folders['Trainer.model_run']),
        'blessed': not reasons,
        'reasons': reasons,
        'bounds': judged,
        'pushed': pushed.properties.get('pushed_destination') or None if pushed else None,
        'stages': [
            {'name': stage.name, 'seconds': round(stage.seconds, 2), 'cached': stage.cached} for stage in run.stages
        ],
        DETAILS: _details(output, run, folders, facts, (overall, slices), faces),
    }


def _training(run: metadata.Run, folder: str) -> dict[str, Any]:
    from pipeline.trainer import FACTS

    training: dict[str, Any] = json.loads(Path(folder, FACTS).read_text('utf-8')) | {'trials': []}
    results = run.output('Tuner', 'tuner_results')
    if results:
        from pipeline.tuner import RESULTS

        # Best first, each with 'trial_id', 'score' and its values.
        training['trials'] = json.loads(Path(results.uri, RESULTS).read_text('utf-8'))
    return training


def _details(
    output: Path,
    run: metadata.Run,
    folders: dict[str, str],
    facts: dict[str, Any],
    measured: tuple[dict, list[dict]],
    faces: bool,
) -> dict[str, Any]:
    from pipeline.report import curves, dataset, history, lineage, paired, scores
    from pipeline.report import faces as pictures
    from pipeline.trainer import HISTORY

    own_mean = facts['config'].get('transform', {}).get('mean', 'train') == 'train'
    scored = scores.read(folders['EmbeddingGen.embeddings'], folders['Trainer.model'])
    paired.keep(history.answers_file(output, run.id), scored)
    earlier = history.read(output, until=run.id)
    return {
        'slices_checked': scores.check(scored, *measured),
        **curves.all_of(scored),
        'with_faces': faces,
        'faces': pictures.chosen(scored, folders['StratifiedExampleGen.examples'], faces),
        'mean_image': pictures.mean_image(folders['Transform.transform_graph']) if faces and own_mean else None,
        'learning': json.loads(Path(folders['Trainer.model_run'], HISTORY).read_text('utf-8')),
        'history': earlier,
        'paired': paired.table(output, [entry for entry in earlier if entry['state'] == 'finished']),
        'folders': dataset.counts(folders['EmbeddingGen.embeddings']),
        'left_out': dataset.left_out(folders['StratifiedExampleGen.examples']),
        'decision': dataset.decision(folders['DataGate.decision']),
        'statistics': dataset.statistics(folders['StatisticsGen.statistics']),
        'edges': lineage.edges(output, run.id),
    }
