# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Builds the content of the report of an evaluation without training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components import names
from components.evaluator import metrics, thresholds
from components.io.files import any_path
from pipeline.report import comparison, curves, dataset, faces as pictures, scores
from pipeline.report.collect import robustness
from pipeline.report.content import Details, Evaluated, Report, RunRecord
from pipeline.runs import metadata, run_facts
from pipeline.settings import ReportSettings


@dataclass(frozen=True)
class Subject:
    """What was evaluated; see `content.Evaluated`."""

    model: str
    sha256: str
    data: str
    own_run: str | None
    own_evaluation: str | None  # the folder of the evaluation of the model's own test split
    baseline: str | None


def collect(output: Path, run: metadata.Run, subject: Subject, scorers: Sequence[str]) -> Report:
    """Collects the report.

    Args:
      output: the folder of the evaluation.
      run: the completed run in it.
      subject: what was evaluated.
      scorers: the ids of the components that scored the model and, with a baseline, the baseline.
    """
    folders = {(stage.name, key): artifact.uri for stage in run.stages for key, artifact in stage.outputs.items()}
    facts = run_facts.read(output, run.id)
    assert facts  # noqa: S101 - written before the report
    examples = folders['StratifiedExampleGen', 'examples']
    evaluation = metrics.read(folders['Evaluator', 'evaluation'])
    columns = facts.config['data']['manifest_columns']
    scored = [scores.read_scored(folders[name, 'scores'], columns) for name in scorers if (name, 'scores') in folders]
    settings = ReportSettings.from_dict(facts.config['report'])
    slices = [item.slice for item in evaluation.slices]
    own = metrics.read(subject.own_evaluation) if subject.own_evaluation else None
    return Report(
        run=RunRecord(
            id=run.id,
            started=run.started,
            facts=facts,
            folders=folders,
            pushed=None,
            stages=run.stages,
            edges=run.edges,
        ),
        data=json.loads(any_path(examples, names.INGESTION_SUMMARY_FILE).read_text('utf-8')),
        evaluation=evaluation,
        training=None,
        thresholds=thresholds.read(folders['Evaluator', 'evaluation']),
        robustness=robustness(folders),
        details=Details(
            slices_checked=scores.check(scored[0], evaluation),
            curves=curves.of(scored[0], slices),
            suggested=None,
            pictures=settings.faces != 'none',
            faces=pictures.chosen(scored[0], examples, slices, settings),
            mean_image=None,
            framing=None,
            learning={},
            fine_tuning=None,
            folders=dataset.counts(folders[scorers[0], 'scores'], [names.TEST]),
            left_out=dataset.left_out(examples),
            decision=None,
            statistics=dataset.statistics(folders['StatisticsGen', 'statistics']),
        ),
        evaluated=Evaluated(
            model=subject.model,
            data=subject.data,
            sha256=subject.sha256,
            own_run=subject.own_run,
            own=comparison.differences(evaluation, own) if own else (),
            baseline=subject.baseline,
            paired=comparison.paired_slices(scored[0], scored[1], evaluation.slices) if subject.baseline else (),
        ),
    )
