# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""From a run's artifacts to the content of the report: in a run directory, or wherever else they are."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata as packages
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components import names
from components.errors import RunError
from components.evaluator import metrics, thresholds
from components.io.files import any_path
from pipeline.runs import metadata
from pipeline.runs.history import RUNS, facts_file

if TYPE_CHECKING:
    from pipeline.report.scores import Scores

__all__ = ['DETAILS', 'RUNS', 'Sources', 'collect', 'describe', 'facts_file', 'producers', 'versions']

#: The key of what only the page shows; the rest is `metrics.json`.
DETAILS = 'details'

_VERSIONS = (
    'tfx', 'tensorflow', 'keras', 'tensorflow-transform', 'tensorflow-data-validation', 'tensorflow-model-analysis',
    'apache-beam', 'ml-metadata', 'numpy', 'face-gender-pipeline',
)  # fmt: skip

# The artifacts that the report is made of: (component, output).
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

# Those of components that not every run has.
_OPTIONAL = (('Tuner', 'tuner_results'), ('FineTuner', 'model_run'))

# Outputs whose place another component's take in the runs that have it.
_REPLACED_BY = {('Trainer', 'model'): 'FineTuner', ('EmbeddingGen', 'embeddings'): 'FineTunedEmbeddingGen'}


@dataclass(frozen=True)
class Sources:
    """A run that came to its end, as far as the report wants to know it.

    Attributes:
      id: the run's.
      started: ISO 8601, UTC, to the second.
      facts: 'config', 'config_sha256', 'data_fingerprint', 'prototxt_sha256', 'caffemodel_sha256', 'versions' and
        'duration_s'.
      folders: where the artifacts of `producers` are, by component and output; that of 'pushed_model' is not read.
      pushed: where the model was pushed to, or None.
      stages: 'name', 'seconds' and 'cached' of each, in the order in which they ran; empty where that is not known.
      edges: (producer, consumer) of the graph of the stages.
      earlier: see `pipeline.runs.history.read`, this run included; empty where no others are known.
      paired: see `pipeline.report.paired.table`.
    """

    id: str
    started: str
    facts: Mapping[str, Any]
    folders: Mapping[tuple[str, str], str]
    pushed: str | None
    stages: Sequence[Mapping[str, Any]] = ()
    edges: Sequence[tuple[str, str]] = ()
    earlier: Sequence[Mapping[str, Any]] = ()
    paired: Mapping[str, Any] = field(default_factory=dict)


def versions() -> dict[str, str]:
    """The installed versions of what the numbers depend on."""
    return {name: packages.version(name) for name in _VERSIONS}


def producers(stages: Collection[str]) -> dict[tuple[str, str], str]:
    """The artifacts that the report of a run is made of.

    Args:
      stages: the names of the run's components.

    Returns:
      (component, output), as the report knows an artifact, to the component of this run that makes it.
    """
    known = (*_NEEDED, *(wanted for wanted in _OPTIONAL if wanted[0] in stages))
    found = {wanted: wanted[0] for wanted in known}
    return found | {wanted: later for wanted, later in _REPLACED_BY.items() if later in stages}


def collect(output: Path, run: metadata.Run, *, faces: bool | None = None) -> dict[str, Any]:
    """Everything that is known of a run that came to its end; keeps its answers for later comparisons.

    Args:
      output: the run directory.
      run: one of its runs.
      faces: whether pictures of faces may be on the page; None asks the run's configuration (`report.faces`).

    Returns:
      See `describe`.

    Raises:
      RunError: the run did not come to its end, its artifacts are gone, or its model does not give the scores that
        its verdict was reached on.
    """
    from pipeline.report import paired, scores
    from pipeline.runs import history, lineage

    made_by = producers([stage.name for stage in run.stages])
    artifacts = {(name, key): run.output(producer, key) for (name, key), producer in made_by.items()}
    unfinished = [stage.name for stage in run.stages if stage.state not in ('COMPLETE', 'CACHED')]
    if unfinished or None in artifacts.values():
        stopped = f' (it stopped in {unfinished[0]})' if unfinished else ''
        raise RunError(f'{output}: run {run.id} did not come to its end{stopped}; run it again')
    folders = {wanted: artifact.uri for wanted, artifact in artifacts.items() if artifact}
    gone = [folder for (_, key), folder in folders.items() if key != 'pushed_model' and not any_path(folder).is_dir()]
    if gone:
        raise RunError(f'{gone[0]}: this output of run {run.id} is gone; restore it, or run the pipeline again')
    pushed = artifacts['AtomicPusher', 'pushed_model']
    scored = scores.read(folders['EmbeddingGen', 'embeddings'], folders['Trainer', 'model'])
    paired.keep(history.answers_file(output, run.id), scored)
    earlier = history.read(output, until=run.id)
    sources = Sources(
        id=run.id,
        started=run.started,
        facts=json.loads(facts_file(output, run.id).read_text('utf-8')),
        folders=folders,
        pushed=pushed.properties.get('pushed_destination') or None if pushed else None,
        stages=[
            {'name': stage.name, 'seconds': round(stage.seconds, 2), 'cached': stage.cached} for stage in run.stages
        ],
        edges=lineage.edges(output, run.id),
        earlier=earlier,
        paired=paired.table(output, [entry for entry in earlier if entry['state'] == 'finished']),
    )
    return describe(sources, scored, faces=faces)


def describe(sources: Sources, scored: Scores, *, faces: bool | None = None) -> dict[str, Any]:
    """The content of the report.

    Args:
      sources: a run.
      scored: its test split, see `pipeline.report.scores.read`.
      faces: see `collect`.

    Returns:
      What `metrics.json` holds: 'run', 'config', 'data' (the ingestion summary), 'overall', 'slices', 'gap' (the
      accuracy of women minus that of men), 'training' (see `names.TRAINING_FILE`; and
      'trials', those of Tuner), 'blessed', 'reasons', 'bounds' (see `thresholds.check`), 'pushed', 'stages'; and
      'details', which only the page shows.

    Raises:
      RunError: the model does not give the scores that its verdict was reached on.
    """
    facts, folders = sources.facts, sources.folders
    overall, slices = metrics.read_evaluation(folders['Evaluator', 'evaluation'])
    judged = thresholds.read(folders['Evaluator', 'evaluation'])
    reasons = thresholds.reasons(judged)
    if faces is None:
        faces = bool(facts['config'].get('report', {}).get('faces', True))
    return {
        'run': {
            'id': sources.id,
            'started': sources.started,
            'duration_s': round(facts['duration_s'], 2),
            'config_sha256': facts['config_sha256'],
            'data_fingerprint': facts['data_fingerprint'],
            'base_sha256': facts['caffemodel_sha256'],
            'prototxt_sha256': facts['prototxt_sha256'],
            'versions': facts['versions'],
        },
        'config': facts['config'],
        'data': json.loads(
            any_path(folders['StratifiedExampleGen', 'examples'], names.INGESTION_SUMMARY_FILE).read_text('utf-8')
        ),
        'overall': overall,
        'slices': slices,
        'gap': metrics.gap(overall),
        'training': _training(folders),
        'blessed': not reasons,
        'reasons': reasons,
        'bounds': judged,
        'pushed': sources.pushed,
        'stages': list(sources.stages),
        DETAILS: _details(sources, scored, (overall, slices), faces),
    }


def _training(folders: Mapping[tuple[str, str], str]) -> dict[str, Any]:

    facts: dict[str, Any] = json.loads(
        any_path(folders['Trainer', 'model_run'], names.TRAINING_FILE).read_text('utf-8')
    )
    results = folders.get(('Tuner', 'tuner_results'))
    if not results:
        return facts | {'trials': []}
    from pipeline.model.tuner import RESULTS

    # Best first, each with 'trial_id', 'score' and its values.
    return facts | {'trials': json.loads(any_path(results, RESULTS).read_text('utf-8'))}


def _details(sources: Sources, scored: Scores, measured: tuple[dict, list[dict]], faces: bool) -> dict[str, Any]:
    from pipeline.report import curves, dataset, scores
    from pipeline.report import faces as pictures

    folders = sources.folders
    own_mean = sources.facts['config'].get('transform', {}).get('mean', 'train') == 'train'
    return {
        'slices_checked': scores.check(scored, *measured),
        **curves.all_of(scored),
        'with_faces': faces,
        'faces': pictures.chosen(scored, folders['StratifiedExampleGen', 'examples'], faces),
        'mean_image': pictures.mean_image(folders['Transform', 'transform_graph']) if faces and own_mean else None,
        'learning': json.loads(any_path(folders['Trainer', 'model_run'], names.HISTORY_FILE).read_text('utf-8')),
        'fine_tuning': _fine_tuning(folders),
        'history': list(sources.earlier),
        'paired': dict(sources.paired),
        'folders': dataset.counts(folders['EmbeddingGen', 'embeddings']),
        'left_out': dataset.left_out(folders['StratifiedExampleGen', 'examples']),
        'decision': dataset.decision(folders['DataGate', 'decision']),
        'statistics': dataset.statistics(folders['StatisticsGen', 'statistics']),
        'edges': list(sources.edges),
    }


def _fine_tuning(folders: Mapping[tuple[str, str], str]) -> dict[str, Any] | None:
    """What FineTuner kept of its epochs, or None where the run has none."""

    kept = folders.get(('FineTuner', 'model_run'))
    return json.loads(any_path(kept, names.HISTORY_FILE).read_text('utf-8')) if kept else None
