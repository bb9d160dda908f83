# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""McNemar's exact test against sums by hand, and runs that cannot be compared."""

import dataclasses
import math

import numpy as np
import pytest

from pipeline.report import paired, scores
from pipeline.runs.history import Finished
from pipeline.runs.run_facts import RunFacts

_FACTS = RunFacts({}, '', 'a', '', 'b', {}, 1.0)
_RUN = Finished('one', '', 'finished', True, _FACTS, {})


def _scored(probability, order=None) -> scores.Scores:
    order = np.arange(len(probability)) if order is None else order
    paths = np.array([b'face-%d.jpg' % number for number in range(len(probability))], object)
    gender = np.arange(len(probability)) % 2
    return scores.Scores(
        paths[order], gender[order], np.full(len(order), 30), np.full(len(order), '21-30'),
        np.asarray(probability, np.float32)[order],
    )  # fmt: skip


@pytest.mark.parametrize(('b', 'c'), [(0, 0), (1, 0), (5, 5), (3, 12), (0, 8), (40, 21)])
def test_the_p_value_is_the_binomial_sum(b, c):
    tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
    assert paired.mcnemar(b, c) == pytest.approx(min(1, 2 * tail), abs=1e-12)
    assert paired.mcnemar(b, c) == paired.mcnemar(c, b)


def test_faces_are_matched_by_path_in_any_order(tmp_path):
    rng = np.random.default_rng(0)
    one, other = rng.random(60), rng.random(60)
    later = dataclasses.replace(_RUN, id='two')
    (tmp_path / 'runs').mkdir()
    paired.save_answers(tmp_path, 'one', _scored(one))
    paired.save_answers(tmp_path, 'two', _scored(other, rng.permutation(60)))
    women = np.arange(60) % 2 == 1
    right, also = (one > 0.5) == women, (other > 0.5) == women
    ((key, got),) = paired.compare_all(tmp_path, [_RUN, later]).items()
    assert key == ('one', 'two')
    assert (got.faces, got.first_only, got.second_only) == (60, (right & ~also).sum(), (~right & also).sum())


def test_runs_that_cannot_be_compared_have_a_reason():
    first, second = (paired.answers(_scored(np.full(faces, 0.4))) for faces in (10, 11))
    other = dataclasses.replace(_RUN, facts=dataclasses.replace(_FACTS, data_fingerprint='b'))
    assert 'different test faces' in paired.compare(_RUN, _RUN, first, second).why
    assert 'different data' in paired.compare(_RUN, other, first, first).why
    assert 'not saved' in paired.compare(_RUN, _RUN, first, None).why
