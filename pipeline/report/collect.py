# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Builds the content of a report from a run's artifacts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from components import names
from components.errors import RunError
from components.evaluator import metrics, thresholds
from components.io.files import any_path
from components.robustness_evaluator import measuring
from pipeline.report import curves, dataset, faces as pictures, framing as framings, predictions, scores
from pipeline.report.content import Details, Report, RunRecord, Training
from pipeline.runs import history, metadata, run_facts
from pipeline.settings import ReportSettings

# The artifacts that every report needs: (component, output).
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

# The artifacts of components that a run may lack.
_OPTIONAL = (
    ('Tuner', 'tuner_results'),
    ('FineTuner', 'model_run'),
    ('RobustnessEvaluator', 'robustness'),
    ('FramingGen', 'framing'),
)

# Components whose output replaces that of another in the runs that have them.
_REPLACED_BY = {('Trainer', 'model'): 'FineTuner', ('EmbeddingGen', 'embeddings'): 'FineTunedEmbeddingGen'}


def producers(stages: Collection[str]) -> dict[tuple[str, str], str]:
    """The artifacts that the report of a run needs.

    Args:
      stages: the names of the run's components.

    Returns:
      The component of this run that makes each artifact, by the report's key (component, output).
    """
    wanted = (*_NEEDED, *(key for key in _OPTIONAL if key[0] in stages))
    found = {key: key[0] for key in wanted}
    return found | {key: later for key, later in _REPLACED_BY.items() if later in stages}


def collect(output: Path, run: metadata.Run, *, against: str | None = None, faces: str | None = None) -> Report:
    """Collects the report of a completed run in a run directory; saves its predictions for later comparisons.

    Args:
      output: the run directory.
      run: one of its runs.
      against: the id of a finished run to compare with first; None for the one before.
      faces: which pictures of faces are on the page; None for the run's own setting (`report.faces`).

    Raises:
      RunError: the run did not complete, its artifacts are gone, or its evaluation is not of its model.
    """
    made_by = producers([stage.name for stage in run.stages])
    artifacts = {(name, key): run.output(producer, key) for (name, key), producer in made_by.items()}
    facts = run_facts.read(output, run.id)
    if run.stopped_in or not facts or None in artifacts.values():
        stopped = f' (it stopped in {run.stopped_in})' if run.stopped_in else ''
        raise RunError(f'{output}: run {run.id} did not complete{stopped}; run it again')
    folders = {wanted: artifact.uri for wanted, artifact in artifacts.items() if artifact}
    gone = [folder for (_, key), folder in folders.items() if key != 'pushed_model' and not any_path(folder).is_dir()]
    if gone:
        raise RunError(f'{gone[0]}: this output of run {run.id} is gone; restore it, or run the pipeline again')
    pushed = artifacts['AtomicPusher', 'pushed_model']
    scored = _score(folders, facts, names.TEST)
    predictions.save(output, run.id, scored)
    entries = history.read(output, until=max(run.id, against or ''))  # ids are in the order of time
    saved = {entry.id: predictions.read(output, entry.id) for entry in entries if isinstance(entry, history.Finished)}
    record = RunRecord(
        id=run.id,
        started=run.started,
        facts=facts,
        folders=folders,
        pushed=pushed.properties.get('pushed_destination') or None if pushed else None,
        stages=run.stages,
        edges=run.edges,
        history=entries,
        against=against,
        predictions={run_id: found for run_id, found in saved.items() if found},
    )
    return describe(record, scored, faces=faces)


def describe(run: RunRecord, scored: scores.Scores | None = None, *, faces: str | None = None) -> Report:
    """Builds the report of a run whose artifacts may be anywhere.

    Args:
      run: the run.
      scored: the scores of its test split, or None to compute them.
      faces: see `collect`.

    Raises:
      RunError: the evaluation is not of this model.
    """
    folders = run.folders
    scored = scored or score(run, names.TEST)
    validation = score(run, names.VALIDATION)
    examples, model_run = folders['StratifiedExampleGen', 'examples'], folders['Trainer', 'model_run']
    evaluation = metrics.read(folders['Evaluator', 'evaluation'])
    framing = folders.get(('FramingGen', 'framing'))
    tuner, fine_tuner = folders.get(('Tuner', 'tuner_results')), folders.get(('FineTuner', 'model_run'))
    trials: list[dict[str, Any]] = []
    if tuner:
        from pipeline.model.tuner import RESULTS

        trials = _json(tuner, RESULTS)
    settings = _settings(run.facts)
    if faces is not None:
        settings = dataclasses.replace(settings, faces=faces)
    transform = run.facts.config.get('transform', {})
    with_pictures = settings.faces != 'none'
    own_mean = with_pictures and transform.get('mean', 'train') == 'train'
    slices = [item.slice for item in evaluation.slices]
    return Report(
        run=run,
        data=_json(examples, names.INGESTION_SUMMARY_FILE),
        evaluation=evaluation,
        training=Training(**_json(model_run, names.TRAINING_FILE), trials=trials),
        thresholds=thresholds.read(folders['Evaluator', 'evaluation']),
        robustness=robustness(folders),
        details=Details(
            slices_checked=scores.check(scored, evaluation),
            curves=curves.of(scored, slices),
            suggested=curves.suggested(validation) if validation else None,
            pictures=with_pictures,
            faces=pictures.chosen(scored, examples, slices, settings),
            mean_image=pictures.mean_image(folders['Transform', 'transform_graph'], transform) if own_mean else None,
            framing=framings.read(framing, with_pictures) if framing else None,
            learning=_json(model_run, names.HISTORY_FILE),
            fine_tuning=_json(fine_tuner, names.HISTORY_FILE) if fine_tuner else None,
            folders=dataset.counts(folders['EmbeddingGen', 'embeddings'], names.SPLITS),
            left_out=dataset.left_out(examples),
            decision=_json(folders['DataGate', 'decision'], 'decision.json'),
            statistics=dataset.statistics(folders['StatisticsGen', 'statistics']),
        ),
    )


def robustness(folders: Mapping[tuple[str, str], str]) -> list[measuring.Frame]:
    """The accuracy in other frames; [] for a run without it."""
    folder = folders.get(('RobustnessEvaluator', 'robustness'))
    return measuring.read(folder) if folder else []


def _settings(facts: run_facts.RunFacts) -> ReportSettings:
    section = dict(facts.config.get('report', {}))
    if isinstance(section.get('faces'), bool):  # of a run before the key had three values
        section['faces'] = 'all' if section['faces'] else 'none'
    return ReportSettings.from_dict(section)


def score(run: RunRecord, split: str) -> scores.Scores:
    """Scores one split of a run with its model."""
    return _score(run.folders, run.facts, split)


def _score(folders: Mapping[tuple[str, str], str], facts: run_facts.RunFacts, split: str) -> scores.Scores:
    columns = facts.config.get('data', {}).get('manifest_columns', [])
    return scores.read(folders['EmbeddingGen', 'embeddings'], folders['Trainer', 'model'], columns, split)


def _json(folder: str, name: str) -> Any:
    return json.loads(any_path(folder, name).read_text('utf-8'))
