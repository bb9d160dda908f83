# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""McNemar's exact test against sums by hand, and when two runs cannot be compared."""

import json
import math

import numpy as np
import pytest

from pipeline.report import paired, scores

_RUN = {'data_fingerprint': 'a'}


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


def test_the_faces_are_matched_by_path_whatever_their_order(tmp_path):
    rng = np.random.default_rng(0)
    one, other = rng.random(60), rng.random(60)
    paired.keep(tmp_path / 'a.json', _scored(one))
    paired.keep(tmp_path / 'b.json', _scored(other, rng.permutation(60)))
    first, second = (json.loads((tmp_path / f'{name}.json').read_text()) for name in 'ab')
    women = np.arange(60) % 2 == 1
    right, also = (one > 0.5) == women, (other > 0.5) == women
    got = paired.compare(_RUN, _RUN, first, second)
    assert (got['faces'], got['first_only'], got['second_only']) == (60, (right & ~also).sum(), (~right & also).sum())


def test_what_cannot_be_compared_says_why(tmp_path):
    paired.keep(tmp_path / 'a.json', _scored(np.full(10, 0.4)))
    paired.keep(tmp_path / 'b.json', _scored(np.full(11, 0.4)))
    first, second = (json.loads((tmp_path / f'{name}.json').read_text()) for name in 'ab')
    assert 'different test faces' in paired.compare(_RUN, _RUN, first, second)['why']
    assert 'different data' in paired.compare(_RUN, {'data_fingerprint': 'b'}, first, first)['why']
    assert 'not kept' in paired.compare(_RUN, _RUN, first, {})['why']
