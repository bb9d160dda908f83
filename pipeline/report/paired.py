# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Compares two runs on the same test faces with McNemar's exact test."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import stats

from components.io.files import write_text
from pipeline.report.scores import Scores
from pipeline.runs import run_facts
from pipeline.runs.history import Finished


@dataclass(frozen=True)
class Answers:
    """The test faces that a run classifies correctly."""

    faces: str  # SHA-256 of the paths and labels
    right: str  # '1' or '0' for each face, in the order of paths


@dataclass(frozen=True)
class Comparison:
    """How many of the test faces only one of two runs classifies correctly, with the p-value; or why it is unknown."""

    faces: int = 0
    first_only: int = 0
    second_only: int = 0
    p: float = 1.0
    why: str | None = None


def answers(scores: Scores) -> Answers:
    """The answers of a run from its scores."""
    order = np.argsort(scores.path, kind='stable')
    digest = hashlib.sha256()
    for path, gender in zip(scores.path[order], scores.gender[order], strict=True):
        digest.update(b'%d %d %s' % (gender, len(path), path))
    return Answers(digest.hexdigest(), ''.join('1' if right else '0' for right in scores.correct[order]))


def save_answers(output: Path, run_id: str, scores: Scores) -> None:
    """Saves the answers of a run in its run directory."""
    write_text(_file(output, run_id), json.dumps(dataclasses.asdict(answers(scores))) + '\n')


def _file(output: Path, run_id: str) -> Path:
    return output / run_facts.FOLDER / f'{run_id}.answers.json'


def mcnemar(first_only: int, second_only: int) -> float:
    """The two-sided p-value of McNemar's exact test: a binomial test of 1/2 on the faces where two runs differ."""
    differing = first_only + second_only
    return float(stats.binomtest(first_only, differing).pvalue) if differing else 1.0


def compare(one: Finished, other: Finished, first: Answers | None, second: Answers | None) -> Comparison:
    """Compares two finished runs by their answers, which are None if they were not saved."""
    if not first or not second:
        return Comparison(why='the answers of one of these runs were not saved')
    if one.facts.data_fingerprint != other.facts.data_fingerprint:
        return Comparison(why='the two runs have different data')
    if first.faces != second.faces:
        return Comparison(why='the two runs have different test faces')
    pairs = list(zip(first.right, second.right, strict=True))
    first_only, second_only = pairs.count(('1', '0')), pairs.count(('0', '1'))
    return Comparison(len(pairs), first_only, second_only, mcnemar(first_only, second_only))


def compare_all(output: Path, finished: Sequence[Finished]) -> dict[tuple[str, str], Comparison]:
    """Compares every two finished runs of a run directory, by the ids of the earlier and the later one."""
    files = {run.id: _file(output, run.id) for run in finished}
    saved = {key: Answers(**json.loads(file.read_text('utf-8'))) for key, file in files.items() if file.is_file()}
    return {
        (one.id, other.id): compare(one, other, saved.get(one.id), saved.get(other.id))
        for one, other in combinations(finished, 2)
    }
