# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Two models or runs slice by slice, against sums by hand, and runs that cannot be compared face by face."""

import dataclasses
import json
import math

import numpy as np
import pytest
from scipy import stats

from components.evaluator.metrics import Evaluation, Slice, SliceMetrics
from pipeline.report import compared, comparison, predictions
from pipeline.report.scores import Scores
from pipeline.runs.history import Finished
from pipeline.runs.run_facts import RunFacts

_WHERES = ({'gender': 'female'}, {'gender': 'male', 'age_band': '11-20'}, {'race': '2'})
_SLICES = tuple(Slice(where, SliceMetrics.from_counts(tp=1)) for where in _WHERES)
_FACTS = RunFacts({'trainer': {'epochs': 3}}, '', 'a', '', 'b', {}, 1.0)
_ONE = Finished('one', '', 'finished', True, _FACTS, Evaluation(SliceMetrics.from_counts(tp=3, fn=1), _SLICES))
_TWO = dataclasses.replace(_ONE, id='two')


def _scores(probability: np.ndarray, faces: int = 300) -> Scores:
    """The same faces each time, some with names that CSV has to quote."""
    rng = np.random.default_rng(1)
    paths = [b'combined/%d, "\xff".jpg' % number for number in range(faces)]
    gender, band = rng.integers(0, 2, faces), np.array(['01-10', '11-20'])[rng.integers(0, 2, faces)]
    race = rng.integers(0, 3, faces).astype(str)
    return Scores(np.array(paths), gender, np.full(faces, 5), band, probability.astype(np.float32), {'race': race})


def _probability(seed: int, spread: float) -> np.ndarray:
    gender = _scores(np.zeros(300)).gender
    return np.clip(gender + np.random.default_rng(seed).normal(0, spread, 300), 0, 1)


@pytest.mark.parametrize(('b', 'c'), [(0, 0), (1, 0), (5, 5), (3, 12), (0, 8), (40, 21)])
def test_the_p_value_is_the_binomial_sum(b, c):
    tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
    assert comparison.mcnemar(b, c) == pytest.approx(min(1, 2 * tail), abs=1e-12)
    assert comparison.mcnemar(b, c) == comparison.mcnemar(c, b)


def test_two_models_are_compared_face_by_face_in_each_slice():
    good, bad = _probability(2, 0.45), _probability(3, 0.9)
    one, other = _scores(good), _scores(bad)
    rows = {row.slice: row for row in comparison.paired_slices(one, other, _SLICES)}
    band, gender = one.band, one.gender
    for name, inside in {
        'overall': np.ones(300, bool),
        'female': gender == 1,
        'ages 11-20, male': (band == '11-20') & (gender == 0),
        'race 2': one.columns['race'] == '2',
    }.items():
        ours, theirs = ((p > 0.5) == (gender == 1) for p in (good, bad))
        row = rows[name]
        only = [int((a & ~b & inside).sum()) for a, b in ((ours, theirs), (theirs, ours))]
        assert [row.model_only, row.baseline_only] == only
        tail = sum(math.comb(sum(only), k) for k in range(min(only) + 1)) / 2 ** sum(only)
        assert row.p == pytest.approx(min(1, 2 * tail))
        assert (row.faces, row.accuracy) == (inside.sum(), pytest.approx(ours[inside].mean()))
        assert row.change.low <= row.change.value == pytest.approx((only[0] - only[1]) / inside.sum())
    assert rows['overall'].p < 0.01
    largest = max(rows.values(), key=lambda row: row.p)
    assert all(row.p <= row.corrected <= largest.p + 1e-12 for row in rows.values())


def test_runs_are_compared_from_their_saved_predictions(tmp_path):
    (tmp_path / 'runs').mkdir()
    rng = np.random.default_rng(0)
    before, after = _scores(_probability(2, 0.6)), _scores(_probability(3, 0.5))
    order = rng.permutation(300)
    shuffled = Scores(
        *(getattr(after, name)[order] for name in ('path', 'gender', 'age', 'band', 'probability')),
        {'race': after.columns['race'][order]},
    )
    predictions.save(tmp_path, 'one', before)
    predictions.save(tmp_path, 'two', shuffled)
    saved = {run: predictions.read(tmp_path, run) for run in ('one', 'two', 'three')}
    assert saved['three'] is None
    facts = dataclasses.replace(_FACTS, config={'trainer': {'epochs': 9}, 'report': {'run_name': 'wide'}})
    two = dataclasses.replace(_TWO, facts=facts)
    found = comparison.compare(_ONE, two, saved)
    assert found.changes == [('trainer.epochs', '3', '9')]
    lost, won = before.correct & ~after.correct, ~before.correct & after.correct
    assert (found.paired[0].baseline_only, found.paired[0].model_only) == (lost.sum(), won.sum())
    (first, *_) = found.lost
    number = int(first.path.removeprefix('combined/').removesuffix(', "\\xff".jpg'))
    assert lost[number]
    assert (first.before, first.after) == (before.probability[number], after.probability[number])
    assert abs(first.before - first.after) == np.abs(before.probability - after.probability)[lost].max()
    shown = compared.text(found)
    for expected in ('to    two (wide)', 'trainer.epochs: 3 → 9', f'right → wrong ({lost.sum()}):', first.path):
        assert expected in shown
    written = json.loads(json.dumps(compared.as_json(found), allow_nan=False))
    assert [row['slice'] for row in written['slices']] == ['overall', 'female', 'ages 11-20, male', 'race 2']
    assert (len(written['lost']), len(written['won'])) == (lost.sum(), won.sum())


def test_runs_that_cannot_be_paired_have_a_reason_and_unpaired_differences():
    first, fewer = _scores(np.full(300, 0.4)), _scores(np.full(299, 0.4), faces=299)
    other = dataclasses.replace(_TWO, facts=dataclasses.replace(_FACTS, data_fingerprint='b'))
    for runs, scored, why in (
        ((_ONE, _TWO), (first, fewer), 'different test faces'),
        ((_ONE, other), (first, first), 'different data'),
        ((_ONE, _TWO), (None, first), 'scores of run one were not saved; "report --run one" saves them'),
    ):
        found = comparison.compare(*runs, dict(zip(('one', 'two'), scored, strict=True)))
        assert why in found.why
        assert found.paired == found.lost == ()
        assert found.unpaired[0].change.value == 0
        assert why in compared.text(found)
        assert compared.as_json(found)['paired'] is False


def test_differences_are_those_of_the_slices_that_both_have():
    here = Evaluation(
        SliceMetrics.from_counts(tp=45, tn=40, fp=10, fn=5),
        (Slice({'gender': 'female'}, SliceMetrics.from_counts(tp=45, fn=5)),),
    )
    there = Evaluation(
        SliceMetrics.from_counts(tp=56, tn=10, fp=2, fn=2),
        (Slice({'race': '1'}, SliceMetrics.from_counts(tp=5)),),
    )
    (row,) = comparison.differences(here, there)
    assert (row.slice, row.here, row.there) == ('overall', here.overall, there.overall)
    assert row.change.value == pytest.approx(0.85 - 66 / 70)
    assert row.change.low < row.change.value < row.change.high < 0.05


def test_slices_that_changed_beyond_chance_are_named():
    before, after = np.full(300, 0.4), np.full(300, 0.4)
    after[_scores(before).columns['race'] == '2'] = 0.6
    scored = {'one': _scores(before), 'two': _scores(after)}
    women, men = (((scored['one'].columns['race'] == '2') & (scored['one'].gender == label)).sum() for label in (1, 0))
    said = compared.sentence(comparison.compare(_ONE, _TWO, scored))
    assert f'only one is right about {men} and only two about {women}' in said
    assert 'Beyond chance, after correction for the slices looked at: ages 11-20, male by −' in said
    p = stats.binomtest(int(women), int(women + men)).pvalue
    assert f'p = {p:.3f}' in said
