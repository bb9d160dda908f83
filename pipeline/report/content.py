# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The content of a report. `collect` builds it; the page, the model card and metrics.json show it."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.evaluator import thresholds
from components.evaluator.metrics import Evaluation
from components.evaluator.thresholds import Threshold
from components.robustness_evaluator.measuring import Frame
from pipeline.report import findings
from pipeline.report.comparison import Difference, PairedSlice
from pipeline.report.curves import Curves, Suggested
from pipeline.report.dataset import FeatureStatistics, FileList, FolderCount
from pipeline.report.faces import Chosen
from pipeline.report.findings import Findings
from pipeline.report.framing import Framed
from pipeline.report.scores import Scores
from pipeline.runs.history import Entry, Finished
from pipeline.runs.metadata import Stage
from pipeline.runs.run_facts import RunFacts


@dataclass(frozen=True)
class RunRecord:
    """A completed run and, in a run directory, the runs before it."""

    id: str
    started: str  # ISO 8601, UTC, to the second
    facts: RunFacts
    folders: Mapping[tuple[str, str], str]  # of the artifacts of `collect.producers`
    pushed: str | None  # the folder to which the model was pushed
    stages: Sequence[Stage] = ()
    edges: Sequence[tuple[str, str]] = ()  # the graph of the stages: (producer, consumer)
    history: Sequence[Entry] = ()  # this run and earlier ones, oldest first
    against: str | None = None  # the id of the run of `history` to compare with first; None for the one before
    predictions: Mapping[str, Scores] = field(default_factory=dict)  # of the finished runs, by id

    @property
    def finished(self) -> list[Finished]:
        """The runs of `history` that have metrics."""
        return [entry for entry in self.history if isinstance(entry, Finished)]


@dataclass(frozen=True)
class Training:
    """How the head was trained; `tuned` lists the settings that the tuner chose, `trials` are its best first."""

    settings: dict[str, Any]
    tuned: list[str]
    kept_epoch: int
    trials: list[dict[str, Any]]


@dataclass(frozen=True)
class Evaluated:
    """The subject of an evaluation without training: a finished model on other data."""

    model: str  # a folder or HOST:PORT
    data: str  # the folder of the faces
    sha256: str  # of the model's files; '' for a served model
    own_run: str | None  # the run that made the model, where its run directory is known
    own: Sequence[Difference] = ()
    baseline: str | None = None  # the model to compare with
    paired: Sequence[PairedSlice] = ()


@dataclass(frozen=True)
class Details:
    """The part of the content that only the page shows."""

    slices_checked: int  # in which the scores reproduce the evaluation, see `scores.check`
    curves: Curves
    suggested: Suggested | None  # by the validation split
    pictures: bool  # whether pictures of faces may be shown
    faces: Chosen
    mean_image: str | None  # a data: URI
    framing: Framed | None  # of the training images, if it was measured
    learning: dict[str, list[float]]  # measures by epoch; empty without training
    fine_tuning: dict[str, Any] | None  # the same, with 'start' and 'kept_epoch'
    folders: list[FolderCount]
    left_out: dict[str, FileList]
    decision: dict[str, Any] | None  # DataGate's
    statistics: list[FeatureStatistics]


@dataclass(frozen=True)
class Report:
    """The content of a report; `data` is the ingestion summary of StratifiedExampleGen."""

    run: RunRecord
    data: dict[str, Any]
    evaluation: Evaluation
    training: Training | None  # None if `evaluated` says which finished model was evaluated
    thresholds: list[Threshold]
    details: Details
    evaluated: Evaluated | None = None
    robustness: Sequence[Frame] = ()  # faces in other frames, the unchanged ones first; empty if not measured

    @functools.cached_property
    def findings(self) -> Findings:
        """The slices that are beyond chance."""
        return findings.of(self.evaluation)

    @property
    def reasons(self) -> list[str]:
        """Why the model is not blessed, one line for each unmet threshold."""
        return thresholds.reasons(self.thresholds)

    @property
    def blessed(self) -> bool:
        """Whether the model met every threshold."""
        return not self.reasons

    def outcome(self) -> dict[str, Any]:
        """What metrics.json says of the whole: the decision, its reasons, the pushed folder and the overall metrics."""
        overall = dataclasses.asdict(self.evaluation.overall)
        return {'blessed': self.blessed, 'reasons': self.reasons, 'pushed': self.run.pushed, 'overall': overall}

    def metrics_json(self) -> str:
        """The text of metrics.json: everything but the details."""
        facts, gap = self.run.facts, self.evaluation.overall.gap
        content = {
            'run': {
                'id': self.run.id,
                'name': facts.name or None,
                'note': facts.note or None,
                'started': self.run.started,
                'duration_s': round(facts.duration_s, 2),
                'config_sha256': facts.config_sha256,
                'data_fingerprint': facts.data_fingerprint,
                'base_sha256': facts.caffemodel_sha256,
                'prototxt_sha256': facts.prototxt_sha256,
                'inputs': facts.inputs,
                'command': facts.command,
                'host': facts.host,
                'versions': facts.versions,
            },
            'config': facts.config,
            'data': self.data,
            **dataclasses.asdict(self.evaluation),
            'gap': gap and dataclasses.asdict(gap),
            'robustness': [dataclasses.asdict(frame) for frame in self.robustness],
            'training': self.training and dataclasses.asdict(self.training),
            'evaluated': self.evaluated and dataclasses.asdict(self.evaluated),
            'blessed': self.blessed,
            'reasons': self.reasons,
            'bounds': [threshold.as_dict() for threshold in self.thresholds],
            'pushed': self.run.pushed,
            'stages': [
                {'name': stage.name, 'seconds': round(stage.seconds, 2), 'cached': stage.cached}
                for stage in self.run.stages
            ],
        }
        # NaN is not JSON: fail here, not in the file's readers.
        return json.dumps(content, indent=1, allow_nan=False) + '\n'
