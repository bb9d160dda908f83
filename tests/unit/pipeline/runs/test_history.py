# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Run facts, changes between runs and the metrics table."""

import dataclasses
import json

import pytest

from components.errors import InputError, RunError
from components.evaluator.metrics import Evaluation, Slice, SliceMetrics
from pipeline.runs import history, run_facts

_MEASURED = Evaluation(SliceMetrics.from_counts(tp=3, tn=4, fp=1), ())


def _finished(data: str, **config: dict) -> history.Finished:
    facts = run_facts.RunFacts(config, '', data * 64, '', 'base', {}, 1.0)
    return history.Finished('1', '', 'finished', True, facts, _MEASURED)


def test_changes_between_two_runs():
    one, two = (
        _finished('a', trainer={'epochs': 10}, old={'key': 1}),
        _finished('c', trainer={'epochs': 20}, new={'key': 2}),
    )
    assert history.changes(one, two) == [
        ('data', 'a' * 12, 'c' * 12), ('trainer.epochs', '10', '20'), ('old.key', '1', '–'), ('new.key', '–', '2'),
    ]  # fmt: skip
    assert history.changes(one, one) == []


def test_facts_are_read_back_and_missing_without_a_completed_run(tmp_path):
    facts = run_facts.RunFacts({'trainer': {'epochs': 3}}, 'a', 'b', 'c', 'd', {'tfx': '1'}, 2.5)
    facts.write(tmp_path, 'one')
    assert run_facts.read(tmp_path, 'one') == facts
    assert run_facts.read(tmp_path, 'two') is None


def test_the_table_shows_a_dash_for_undefined_metrics():
    men = SliceMetrics.from_counts(tn=3, fp=1)
    table = history.metrics_table(Evaluation(men, (Slice({'gender': 'male'}, men),)))
    assert [line.split() for line in table.splitlines()] == [
        ['test', 'split', 'faces', 'accuracy', 'precision', 'recall', 'specificity', 'AUC'],
        ['overall', '4', '0.750', '–', '–', '0.750', '–'],
        ['male', '4', '0.750', '–', '–', '0.750', '–'],
    ]


def test_a_run_is_found_by_id_name_or_the_start_of_its_id():
    one = _finished('a', report={'run_name': 'first'})
    runs = [
        dataclasses.replace(one, id='2026-01'),
        dataclasses.replace(_finished('a', report={'run_name': 'wide'}), id='2026-02'),
        dataclasses.replace(_finished('a', report={'run_name': 'wide'}), id='2027-01'),
        history.Entry('2028-01', '', 'stopped in Trainer'),
    ]
    for wanted, found in {'2026-01': '2026-01', '2027': '2027-01', 'first': '2026-01', 'wide': '2027-01'}.items():
        assert history.find(runs, wanted).id == found
    assert runs[1].title == '2026-02 (wide)'
    for wanted, message in {
        '2026': '2 runs begin with this', 'wife': 'no such run', '2028-01': 'stopped in Trainer',
    }.items():  # fmt: skip
        with pytest.raises(InputError, match=message):
            history.find(runs, wanted)


def test_runs_as_json_have_their_inputs_and_metrics():
    run = _finished('a', report={'run_name': 'first', 'note': None})
    written = json.loads(json.dumps(history.as_json(run), allow_nan=False))
    assert (written['name'], written['note'], written['state'], written['blessed']) == ('first', None, 'finished', True)
    assert written['metrics']['overall']['accuracy']['value'] == 7 / 8
    assert written['config'] == {'report': {'run_name': 'first', 'note': None}}
    assert history.as_json(history.Entry('2', 'then', 'stopped in X')) == {
        'id': '2', 'started': 'then', 'state': 'stopped in X',
    }  # fmt: skip


def test_without_a_name_the_last_finished_run_is_found(tmp_path):
    one = dataclasses.replace(_finished('a', report={'run_name': 'first'}), id='2026-01')
    two, stopped = dataclasses.replace(one, id='2026-02'), history.Entry('2028-01', '', 'stopped in Trainer')
    assert history.finished(tmp_path, [one, two, stopped]) == two
    assert history.finished(tmp_path, [one, two, stopped], '2026-01') == one
    with pytest.raises(RunError, match='no completed run here'):
        history.finished(tmp_path, [stopped])


def test_without_metrics_the_message_says_how_to_get_them(tmp_path):
    earlier = history.Entry('1', '', 'finished with an earlier version')
    stopped = history.Entry('2', '', 'stopped in Trainer')
    remedy = 'repeat its command "run": unchanged stages come from the cache'
    for wanted, error, message in (
        (
            '1',
            InputError,
            f'run 1: finished with an earlier version, so it has no metrics; give a finished run, or {remedy}',
        ),
        (None, RunError, f'{tmp_path}: the runs here finished with an earlier version; {remedy}'),
    ):
        with pytest.raises(error) as raised:
            history.finished(tmp_path, [earlier, stopped], wanted)
        assert str(raised.value) == message
