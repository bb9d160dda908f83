# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The content of a report. `collect` builds it; the page, the model card and metrics.json show it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.evaluator import thresholds
from components.evaluator.metrics import Evaluation
from components.evaluator.thresholds import Threshold
from pipeline.report.curves import Curves
from pipeline.report.dataset import FeatureStatistics, FileList, FolderCount
from pipeline.report.faces import Face
from pipeline.report.paired import Comparison
from pipeline.runs.history import Entry, Finished
from pipeline.runs.metadata import Stage
from pipeline.runs.run_facts import RunFacts


@dataclass(frozen=True)
class RunRecord:
    """A completed run and the runs before it.

    Attributes:
      id: the run's name.
      started: ISO 8601, UTC, to the second.
      facts: the run's inputs.
      folders: the folder of each artifact of `collect.producers`; that of 'pushed_model' is not read.
      pushed: the folder to which the model was pushed, or None.
      stages: in the order in which they ran; empty if unknown.
      edges: the graph of the stages as (producer, consumer).
      history: this run and earlier ones, oldest first; empty if unknown.
      paired: the comparison of every two finished runs, by the ids of the earlier and the later one.
    """

    id: str
    started: str
    facts: RunFacts
    folders: Mapping[tuple[str, str], str]
    pushed: str | None
    stages: Sequence[Stage] = ()
    edges: Sequence[tuple[str, str]] = ()
    history: Sequence[Entry] = ()
    paired: Mapping[tuple[str, str], Comparison] = field(default_factory=dict)

    @property
    def finished(self) -> list[Finished]:
        """The runs of `history` that have metrics."""
        return [entry for entry in self.history if isinstance(entry, Finished)]


@dataclass(frozen=True)
class Training:
    """How the head was trained.

    Attributes:
      settings: the settings in use, by key.
      tuned: the keys that the tuner set.
      kept_epoch: the epoch whose weights were kept, from 1.
      trials: the tuner's trials, best first: 'trial_id', 'score' and the value of each tuned key.
    """

    settings: dict[str, Any]
    tuned: list[str]
    kept_epoch: int
    trials: list[dict[str, Any]]


@dataclass(frozen=True)
class Details:
    """The part of the content that only the page shows.

    Attributes:
      slices_checked: how many slices the scores reproduce exactly, see `scores.check`.
      curves: the scores at every threshold.
      with_faces: whether pictures of faces may be shown.
      most_wrong: misclassified faces, the most confident mistake first.
      least_certain: the faces with scores nearest to 0.5.
      mean_image: the mean training face as a data: URI, or None.
      learning: each measure of the head's training by epoch.
      fine_tuning: the same of the fine-tuning, with 'start' and 'best_epoch'; None without fine-tuning.
      folders: the sampled images by age and gender.
      left_out: the file lists 'rejected' and 'remarks'.
      decision: DataGate's 'passed', 'mode' and 'findings'.
      statistics: TFDV's statistics by feature.
    """

    slices_checked: int
    curves: Curves
    with_faces: bool
    most_wrong: list[Face]
    least_certain: list[Face]
    mean_image: str | None
    learning: dict[str, list[float]]
    fine_tuning: dict[str, Any] | None
    folders: list[FolderCount]
    left_out: dict[str, FileList]
    decision: dict[str, Any]
    statistics: list[FeatureStatistics]


@dataclass(frozen=True)
class Report:
    """The content of a report; `data` is the ingestion summary of StratifiedExampleGen."""

    run: RunRecord
    data: dict[str, Any]
    evaluation: Evaluation
    training: Training
    thresholds: list[Threshold]
    details: Details

    @property
    def reasons(self) -> list[str]:
        """Why the model is not blessed, one line for each unmet threshold."""
        return thresholds.reasons(self.thresholds)

    @property
    def blessed(self) -> bool:
        """Whether the model met every threshold."""
        return not self.reasons

    def metrics_json(self) -> str:
        """The text of metrics.json: everything but the details."""
        facts, gap = self.run.facts, self.evaluation.overall.gap
        content = {
            'run': {
                'id': self.run.id,
                'started': self.run.started,
                'duration_s': round(facts.duration_s, 2),
                'config_sha256': facts.config_sha256,
                'data_fingerprint': facts.data_fingerprint,
                'base_sha256': facts.caffemodel_sha256,
                'prototxt_sha256': facts.prototxt_sha256,
                'versions': facts.versions,
            },
            'config': facts.config,
            'data': self.data,
            **self.evaluation.as_dict(),
            'gap': gap and dataclasses.asdict(gap),
            'training': dataclasses.asdict(self.training),
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
