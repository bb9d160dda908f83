# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Run facts, changes between runs and the metrics table."""

from components.evaluator.metrics import Evaluation, Slice, SliceMetrics
from pipeline.runs import history, run_facts


def _finished(data: str, **config: dict) -> history.Finished:
    facts = run_facts.RunFacts(config, '', data * 64, '', 'base', {}, 1.0)
    return history.Finished('1', '', 'finished', True, facts, {})


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
        ['test', 'split', 'examples', 'accuracy', 'precision', 'recall', 'specificity', 'auc'],
        ['overall', '4', '0.750', '–', '–', '0.750', '–'],
        ['male', '4', '0.750', '–', '–', '0.750', '–'],
    ]
