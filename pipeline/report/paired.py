# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Two runs on the same test faces: McNemar's exact test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from components.io.files import write_text
from pipeline.report.scores import Scores


def keep(file: Path, scores: Scores) -> None:
    """Writes which test faces a run is right about.

    Args:
      file: where to; {"faces": SHA-256 of paths and labels, "right": a 0 or 1 for each face in the order of its path}.
      scores: of the test split.
    """
    order = np.argsort(scores.path, kind='stable')
    known = hashlib.sha256()
    for path, gender in zip(scores.path[order], scores.gender[order], strict=True):
        known.update(b'%d %d %s' % (gender, len(path), path))
    right = ''.join('1' if hit else '0' for hit in scores.correct[order])
    write_text(file, json.dumps({'faces': known.hexdigest(), 'right': right}) + '\n')


def mcnemar(first_only: int, second_only: int) -> float:
    """The two-sided p-value of McNemar's exact test (binomial with 1/2 over the faces that the two disagree on).

    Args:
      first_only: faces that only the first run is right about.
      second_only: faces that only the second run is right about.
    """
    disagreed = first_only + second_only
    return min(1.0, 2 * float(stats.binom.cdf(min(first_only, second_only), disagreed, 0.5))) if disagreed else 1.0


def compare(
    one: Mapping[str, Any], other: Mapping[str, Any], first: Mapping[str, str], second: Mapping[str, str]
) -> dict[str, Any]:
    """The comparison of two finished runs.

    Args:
      one: the first run's entry of `history.read`.
      other: the second run's.
      first: what `keep` wrote of the first run; empty if it did not.
      second: of the second run.

    Returns:
      {"faces", "first_only", "second_only", "p"}, or {"why": why they cannot be compared face by face}.
    """
    if not first or not second:
        return {'why': 'the answers of one of these runs were not kept'}
    if one['data_fingerprint'] != other['data_fingerprint']:
        return {'why': 'the two runs have different data'}
    if first['faces'] != second['faces']:
        return {'why': 'the two runs have different test faces'}
    pairs = list(zip(first['right'], second['right'], strict=True))
    first_only, second_only = pairs.count(('1', '0')), pairs.count(('0', '1'))
    return {
        'faces': len(pairs),
        'first_only': first_only,
        'second_only': second_only,
        'p': mcnemar(first_only, second_only),
    }


def table(output: Path, ended: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """`compare` of every two finished runs: {"0 1": ...}, keyed by their places, the earlier first.

    Args:
      output: the run directory.
      ended: the finished runs of `history.read`.
    """
    from pipeline.runs.history import answers_file

    kept = []
    for run in ended:
        file = answers_file(output, run['id'])
        kept.append(json.loads(file.read_text('utf-8')) if file.is_file() else {})
    return {f'{i} {j}': compare(ended[i], ended[j], kept[i], kept[j]) for j in range(len(ended)) for i in range(j)}
