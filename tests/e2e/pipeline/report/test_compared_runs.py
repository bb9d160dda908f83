# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The part of the page that compares runs, in a browser."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest

from pipeline.report import compared, comparison, page, scores
from pipeline.report.content import RunRecord


@pytest.fixture(scope='module')
def three_runs(report) -> RunRecord:
    """The report's run after one on the same faces with other scores and settings, and one on fewer faces."""
    own = report.run.finished[-1]
    scored = report.run.predictions[own.id]
    noise = np.random.default_rng(0).normal(0, 0.3, len(scored.path)).astype(np.float32)
    other = dataclasses.replace(scored, probability=np.clip(scored.probability + noise, 0, 1))
    fewer = scores.Scores(*(getattr(scored, field.name)[:100] for field in dataclasses.fields(scored)[:-1]))
    config = {**own.facts.config, 'trainer': {**own.facts.config['trainer'], 'epochs': 99}}
    config['report'] = {**config['report'], 'run_name': '<b>wide</b>'}
    one = dataclasses.replace(own, id='run-0', facts=dataclasses.replace(own.facts, config=config))
    two = dataclasses.replace(own, id='run-1')
    predictions = {'run-0': other, 'run-1': fewer, own.id: scored}
    return dataclasses.replace(report.run, history=[one, two, own], predictions=predictions)


@pytest.fixture
def runs_tab(chromium, report, three_runs, tmp_path) -> Iterator:
    """The page with three runs."""
    file = tmp_path / 'index.html'
    file.write_text(page.render(dataclasses.replace(report, run=three_runs)), encoding='utf-8')
    tab = chromium.new_page()
    tab.complaints = []
    tab.on('pageerror', lambda error: tab.complaints.append(str(error)))
    tab.goto(file.as_uri())
    yield tab
    assert tab.complaints == []
    tab.close()


def _signed(value: float) -> str:
    return f'{value:+.3f}'.replace('-', '−')


def test_any_two_runs_are_compared_slice_by_slice(runs_tab, three_runs):
    finished = three_runs.finished
    assert runs_tab.locator('#run-a option').first.inner_text() == 'run-0 (<b>wide</b>)'
    for first, second in ((0, 2), (2, 0), (1, 2), (0, 1)):
        runs_tab.locator('#run-a').select_option(str(first))
        runs_tab.locator('#run-b').select_option(str(second))
        found = comparison.compare(finished[first], finished[second], three_runs.predictions)
        assert runs_tab.locator('#run-paired').inner_text() == compared.sentence(found)
        lines = runs_tab.locator('#run-slices tbody tr').all()
        cells = [[' '.join(cell.inner_text().split()) for cell in line.locator('th, td').all()] for line in lines]
        assert [line[0] for line in cells] == [row.slice for row in found.paired or found.unpaired]
        for line, row in zip(cells, found.paired, strict=not found.why):
            ends = f'{_signed(row.change.low)} to {_signed(row.change.high)}'
            assert line[1:7] == [
                str(row.faces), f'{row.baseline_accuracy:.3f}', f'{row.accuracy:.3f}',
                f'{_signed(row.change.value)} {ends}', str(row.baseline_only), str(row.model_only),
            ]  # fmt: skip
            shown = [float(text.removeprefix('<')) for text in line[7:]]
            assert shown == pytest.approx([max(row.p, 0.001), max(row.corrected, 0.001)], abs=6e-4)
        if found.why:
            assert all(line[-4:] == ['–'] * 4 for line in cells)
        changes = runs_tab.locator('#run-changes tbody').inner_text()
        if 0 in (first, second):
            values = [finished[place].facts.config['trainer']['epochs'] for place in (first, second)]
            assert changes.split() == ['trainer.epochs', *map(str, values)]
        else:
            assert changes.startswith('None:')
    runs_tab.locator('#run-a').select_option('1')
    assert runs_tab.locator('#run-paired').inner_text() == 'Both are the same run.'


def test_the_faces_that_changed_between_two_runs_are_listed_and_kept_in_the_address(runs_tab, three_runs):
    one, _, own = three_runs.finished
    assert runs_tab.locator('#face-show option[value=lost]').is_disabled()
    runs_tab.locator('#run-a').select_option('0')
    row = runs_tab.locator('#run-slices tbody tr', has_text='male').filter(has_text='ages 21-30, male')
    before, after = three_runs.predictions[one.id], three_runs.predictions[own.id]
    inside = after.inside({'age_band': '21-30', 'gender': 'male'})
    won = after.probability[inside & ~before.correct & after.correct]
    assert len(won)
    row.locator('td').nth(5).locator('button').click()

    def listed():
        return sorted(float(text) for text in runs_tab.locator('#face-list .score').all_text_contents())

    assert listed() == pytest.approx(sorted(won), abs=6e-4)
    assert runs_tab.locator('#face-show').input_value() == 'won'
    address = runs_tab.url
    runs_tab.goto('about:blank')
    runs_tab.goto(address)
    assert listed() == pytest.approx(sorted(won), abs=6e-4)
    assert runs_tab.locator('#run-a').input_value() == '0'
