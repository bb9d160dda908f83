# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The page of a run in a browser."""

import dataclasses
import json
import platform
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from components.evaluator import intervals, thresholds
from components.evaluator.metrics import Evaluation, Slice
from components.evaluator.settings import Settings
from pipeline.report import card, collect, compared, comparison, curves, faces, page, scores, words
from pipeline.report.content import Report, RunRecord
from pipeline.runs import metadata, run_facts
from pipeline.settings import ReportSettings

playwright = pytest.importorskip('playwright.sync_api')

_BROWSER = shutil.which('chromium') or shutil.which('google-chrome')
_ARGUMENTS = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
]  # fmt: skip
needs_browser = pytest.mark.skipif(not _BROWSER, reason='no chromium and no google-chrome on this host')


@pytest.fixture(scope='module')
def run(finished) -> metadata.Run:
    """The newest completed run of the shared run directory."""
    return [run for run in metadata.runs(finished.output) if run_facts.read(finished.output, run.id)][-1]


@pytest.fixture(scope='module')
def report(finished, run) -> Report:
    """The content of the page."""
    return collect.collect(finished.output, run)


@pytest.fixture(scope='module')
def scored(run) -> scores.Scores:
    """The score of each test face."""
    folders = run.output('EmbeddingGen', 'embeddings').uri, run.output('Trainer', 'model').uri
    return scores.read(*folders, columns=(), split='test')


@pytest.fixture(scope='module')
def file(report, tmp_path_factory) -> Path:
    """The page, with a malicious file name."""
    first, *others = report.details.faces.all
    evil = dataclasses.replace(first, path='</script><script>window.evil=1</script><img src=x onerror=evil=1>')
    shown = dataclasses.replace(report.details.faces, all=[evil, *others], most_wrong=[evil])
    details = dataclasses.replace(report.details, faces=shown)
    path = tmp_path_factory.mktemp('page') / 'index.html'
    path.write_text(page.render(dataclasses.replace(report, details=details)), encoding='utf-8')
    return path


@pytest.fixture(scope='module')
def chromium() -> Iterator:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_BROWSER, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, file, request) -> Iterator:
    """The page, opened without a network; `request.param` may set width and colour scheme."""
    width, scheme = getattr(request, 'param', (1280, 'light'))
    context = chromium.new_context(viewport={'width': width, 'height': 900}, color_scheme=scheme, offline=True)
    tab = context.new_page()
    complaints, requests = [], []
    tab.on('console', lambda message: complaints.append(message.text))
    tab.on('pageerror', lambda error: complaints.append(str(error)))
    tab.on('request', lambda sent: requests.append(sent.url))
    tab.goto(file.as_uri())
    tab.complaints, tab.requests = complaints, requests
    yield tab
    context.close()


@needs_browser
@pytest.mark.parametrize('opened', [(1280, 'light'), (1280, 'dark'), (390, 'light')], indirect=True, ids=str)
def test_it_loads_alone_without_errors_and_fits(opened, file):
    opened.wait_for_timeout(200)
    assert opened.complaints == []
    assert {url for url in opened.requests if not url.startswith('data:')} == {file.as_uri()}
    assert opened.evaluate('document.documentElement.scrollWidth <= innerWidth')
    assert opened.evaluate('[...document.images].every(image => image.complete && image.naturalWidth > 0)')
    assert opened.evaluate('document.images.length') > 5
    assert opened.title().startswith('Gender classifier')


@needs_browser
@pytest.mark.parametrize(
    'opened', [(1280, 'light'), (1280, 'dark'), (390, 'light'), (390, 'dark')], indirect=True, ids=str
)
def test_axe_finds_no_serious_violation(opened):
    axe = pytest.importorskip('axe_playwright_python.sync_playwright')
    opened.evaluate("document.querySelectorAll('details').forEach(item => item.open = true)")
    # The page's policy forbids other scripts; the checker runs through the debugger.
    found = axe.Axe().run(opened).response['violations']
    serious = [
        (violation['id'], [node['target'] for node in violation['nodes']][:3])
        for violation in found
        if violation['impact'] in ('serious', 'critical')
    ]
    assert serious == []


@needs_browser
def test_it_works_in_a_frame_without_an_origin(chromium, file):
    # Kubeflow shows artifacts of the type system.HTML this way (frontend/src/components/viewers/HTMLViewer.tsx).
    tab = chromium.new_page()
    complaints = []
    tab.on('console', lambda message: complaints.append(message.text))
    tab.on('pageerror', lambda error: complaints.append(str(error)))
    tab.set_content('<iframe sandbox="allow-scripts"></iframe>')
    tab.eval_on_selector('iframe', '(frame, page) => { frame.srcdoc = page; }', file.read_text())
    frame = tab.frame_locator('iframe')
    frame.locator('html.js').wait_for()
    assert frame.locator('h1').is_visible()
    assert complaints == []
    tab.close()


@needs_browser
@pytest.mark.parametrize('cut', [0.2, 0.5, 0.85])
def test_the_slider_gives_the_counts_of_numpy(opened, scored, cut):
    opened.locator('#cut').fill(str(round(cut * 100)))
    female, women = np.asarray(scored.probability) > cut, np.asarray(scored.gender) == 1
    shown = {name: opened.locator(f'#{name}').inner_text() for name in ('tp', 'fn', 'fp', 'tn', 'accuracy')}
    shown['accuracy'] = shown['accuracy'].partition(' ')[0]
    assert shown == {
        'tp': str((female & women).sum()),
        'fn': str((~female & women).sum()),
        'fp': str((female & ~women).sum()),
        'tn': str((~female & ~women).sum()),
        'accuracy': f'{(female == women).mean():.3f}',
    }
    assert opened.locator('#cut-value').inner_text() == f'{cut:.2f}'


@needs_browser
def test_the_slider_moves_with_the_keyboard(opened):
    opened.locator('#cut').focus()
    opened.keyboard.press('ArrowRight')
    assert opened.locator('#cut-value').inner_text() == '0.51'


@needs_browser
def test_the_mark_of_the_threshold_lies_on_the_curve(opened, report):
    """At 0.5 the script puts it where the pipeline drew it, so both use one scale."""
    mark = opened.locator('#roc-point')
    drawn = page.render(report).partition('id="roc-point"')[0].rpartition('<circle')[2]
    before = {name: float(drawn.partition(f'{name}="')[2].partition('"')[0]) for name in ('cx', 'cy')}
    assert float(mark.get_attribute('cx')) == pytest.approx(before['cx'], abs=0.01)
    assert float(mark.get_attribute('cy')) == pytest.approx(before['cy'], abs=0.01)


@needs_browser
def test_every_chart_gives_its_values_to_pointer_and_keyboard(opened, report, scored):
    opened.evaluate("document.querySelectorAll('details').forEach(item => item.open = true)")
    charts = opened.locator('svg.chart:not(#histogram)').all()
    readable = [chart for chart in charts if chart.get_attribute('role') == 'slider']
    assert len(charts) - len(readable) == 1  # the graph of the stages shows all its text
    tip = opened.locator('.tip')
    for chart in readable:
        chart.focus()
        assert tip.inner_text() == chart.get_attribute('aria-valuetext') != ''
    losses = report.details.learning
    chart = opened.locator('svg[aria-label^="loss by epoch"]')
    chart.focus()
    opened.keyboard.press('End')
    opened.keyboard.press('ArrowLeft')
    epoch = len(losses['loss']) - 1
    expected = f'validation {losses["val_loss"][epoch - 1]:.4f}, training {losses["loss"][epoch - 1]:.4f}'
    assert tip.inner_text() == f'epoch {epoch}: {expected}'
    opened.keyboard.press('Escape')
    assert not tip.is_visible()
    opened.locator('#roc').scroll_into_view_if_needed()
    box = opened.locator('#roc').bounding_box()
    opened.mouse.move(box['x'] + box['width'] * 0.3, box['y'] + box['height'] * 0.3)
    women, men = (float(text) for text in re.findall(r'\d\.\d+', tip.inner_text()))
    cuts = [(scored.probability[scored.gender == label][:, None] >= scored.probability).mean(0) for label in (1, 0)]
    assert np.min(np.hypot(cuts[0] - women, cuts[1] - men)) < 1e-3
    bar = opened.locator('#histogram [data-gender=female]').last
    bar.focus()
    assert tip.inner_text() == bar.get_attribute('aria-label')


@needs_browser
def test_slices_are_worst_first_and_can_be_filtered_and_sorted(opened, report):
    rows = opened.locator('#slice-table tbody tr:visible')
    assert opened.locator('#slice-table th[aria-sort]').get_attribute('data-key') == 'value'
    values = [item.metrics.accuracy.value for item in report.evaluation.slices]
    assert [float(text) for text in rows.locator('td:nth-child(4)').all_inner_texts()] == pytest.approx(
        sorted(values), abs=6e-4
    )
    opened.locator('#slice-kind').select_option('gender')
    assert sorted(opened.locator('#slice-table tbody tr:visible th').all_inner_texts()) == ['female', 'male']
    opened.locator('#slice-kind').select_option('')
    opened.locator('#slice-text').fill('61-70')
    assert rows.count() == 3
    opened.locator('#slice-text').fill('')
    opened.locator('#slice-table th button', has_text='faces').click()
    faces = [int(text) for text in rows.locator('td:nth-child(2)').all_inner_texts()]
    assert faces in (sorted(faces), sorted(faces, reverse=True))
    assert len(set(faces)) > 1


@needs_browser
def test_a_name_is_text_and_never_runs(opened):
    opened.wait_for_timeout(200)
    assert opened.evaluate('window.evil') is None
    assert '<script>window.evil=1</script>' in opened.locator('#faces').inner_text()


def _at(scored, cut, where):
    """The faces of a slice, who of them is predicted female, and who is a woman."""
    inside = scored.inside(where)
    return inside, (np.asarray(scored.probability, np.float64) > cut)[inside], (scored.gender == 1)[inside]


@needs_browser
def test_the_slider_moves_every_table_cell_and_bar(opened, report, scored):
    assert not opened.locator('#table .moved-note').is_visible()
    opened.locator('#cut').fill('35')
    assert opened.locator('#table .moved-note').is_visible()
    for place, where in enumerate([{}, *(item.slice for item in report.evaluation.slices)]):
        _, female, women = _at(scored, 0.35, where)
        right = int((female == women).sum())
        low, high = stats.binomtest(right, len(women)).proportion_ci()
        expected = f'{right / len(women):.3f} {low:.3f}–{high:.3f}'
        cells = opened.locator(f'td[data-slice="{place}"][data-metric="accuracy"]').all_text_contents()
        assert cells
        assert set(cells) == {expected}
        heat = opened.locator(f'[data-slice="{place}"][data-form="heat"]').all_text_contents()
        assert set(heat) <= {f'{right / len(women):.3f}'}
    shares = [float(text) for text in opened.locator('#slice-table tbody td:nth-child(4)').all_text_contents()]
    assert shares == sorted(shares)
    widths = opened.locator('#slice-table .bar').evaluate_all(
        'bars => bars.map(bar => Number(bar.getAttribute("width")))'
    )
    assert widths == pytest.approx([max(100 * share, 0.3) for share in shares], abs=0.06)
    opened.locator('#table .moved-note button').click()
    assert opened.locator('#cut-value').inner_text() == '0.50'


@needs_browser
def test_groups_are_compared_with_a_baseline(opened, scored):
    opened.locator('#rate-name').select_option('selection')
    opened.locator('#baseline').select_option('ages 21-30')
    opened.locator('#cut').fill('40')
    rows = {row.locator('th').inner_text(): row for row in opened.locator('#rate-table tbody tr').all()}
    _, base, _ = _at(scored, 0.4, {'age_band': '21-30'})
    _, female, women = _at(scored, 0.4, {'age_band': '61-70'})
    cells = rows['ages 61-70'].locator('td').all_text_contents()
    values = [(female == women).mean(), female[women].mean(), female[~women].mean(), female.mean()]
    assert [cell.partition(' ')[0] for cell in cells[:4]] == [f'{value:.3f}' for value in values]
    k, n, j, m = female.sum(), len(female), base.sum(), len(base)
    low, high = intervals.difference(int(k), n, int(j), m)
    texts = [f'{value:+.3f}'.replace('-', '−') for value in (k / n - j / m, low, high)]
    assert cells[5] == f'{texts[0]} {texts[1]} to {texts[2]}'
    error = 1.959964 * np.sqrt(1 / k - 1 / n + 1 / j - 1 / m)
    ends = (k / n) / (j / m) * np.exp([0, -error, error])
    assert cells[6] == f'{ends[0]:.3f} {ends[1]:.3f}–{ends[2]:.3f}'
    assert rows['ages 21-30'].locator('.rate-ratio').inner_text() == '–'


@needs_browser
def test_a_slice_a_cell_and_a_bar_lead_to_their_faces(opened, scored):
    def listed():
        return [float(text) for text in opened.locator('#face-list .score').all_text_contents()]

    opened.locator('#slice-table a', has_text='ages 11-20, male').click()
    inside, female, women = _at(scored, 0.5, {'age_band': '11-20', 'gender': 'male'})
    wrong = np.sort(scored.probability[inside][female != women])[::-1]
    assert listed() == pytest.approx(wrong[:24], abs=6e-4)
    opened.locator('#face-show').select_option('all')
    assert f'{inside.sum()} faces' in opened.locator('#face-count').inner_text()
    opened.locator('.heat a').first.click()
    assert opened.locator('#face-slice').input_value() == 'ages 01-10, female'
    bar = opened.locator('#histogram [data-gender=female]').last
    bar.focus()
    opened.keyboard.press('Enter')
    low, high = (float(bar.get_attribute(name)) for name in ('data-from', 'data-to'))
    score = np.round(scored.probability.astype(np.float64), 4)[scored.gender == 1]
    expected = ((score >= low) & ((score < high) | (high == 1))).sum()
    assert f'female, scores {low:.2f} to {high:.2f}: {expected} faces' in opened.locator('#face-count').inner_text()


@needs_browser
def test_a_face_opens_large_and_the_keyboard_goes_on(opened):
    opened.locator('#face-show').select_option('all')
    opened.locator('#face-list button').first.focus()
    opened.keyboard.press('Enter')
    dialog = opened.locator('#face-dialog')
    assert dialog.is_visible()
    first = dialog.locator('#face-facts').inner_text()
    assert 'combined/aligned' in first or 'window.evil' in first
    assert dialog.locator('img').evaluate('image => image.naturalWidth') > 40
    opened.keyboard.press('ArrowRight')
    assert dialog.locator('#face-place').inner_text().startswith('2 of ')
    opened.keyboard.press('Escape')
    assert not dialog.is_visible()


@needs_browser
def test_the_address_keeps_the_view(opened, file):
    opened.locator('#cut').fill('42')
    opened.locator('#slice-kind').select_option('age band')
    opened.locator('#slice-metric').select_option('recall')
    opened.locator('#slice-table th button', has_text='faces').click()
    opened.locator('#slice-table a:visible', has_text='ages 31-40').click()
    opened.locator('#face-show').select_option('right')
    shown = [opened.locator(f'#{name}').inner_text() for name in ('accuracy', 'face-count', 'slice-count')]
    address = opened.url
    opened.goto('about:blank')
    opened.goto(address)
    again = [opened.locator(f'#{name}').inner_text() for name in ('accuracy', 'face-count', 'slice-count')]
    assert again == shown
    assert opened.locator('#slice-metric').input_value() == 'recall'
    assert opened.locator('th[aria-sort]').inner_text().startswith('faces')
    opened.goto(file.as_uri() + '#t=999&slice=nobody')
    assert opened.locator('#cut-value').inner_text() == '0.50'


@needs_browser
def test_print_has_neither_controls_nor_the_explorer(opened):
    opened.emulate_media(media='print')
    hidden = ['nav', '#cut', '#explore', '#slice-kind', '.moved-note']
    assert [name for name in hidden if opened.locator(name).first.is_visible()] == []
    assert opened.locator('#table').is_visible()
    opened.emulate_media(media='screen')


@pytest.mark.parametrize('wished', ['none', 'worst', 'all'])
def test_the_page_has_the_pictures_that_are_wished(finished, run, wished):
    found = collect.collect(finished.output, run, faces=wished)
    pictures = sum(face.image is not None for face in found.details.faces.all)
    first = {face.index for face in (*found.details.faces.most_wrong, *found.details.faces.least_certain)}
    assert pictures == {'none': 0, 'worst': len(first), 'all': 140}[wished]
    assert ('data:image' in page.render(found)) == (wished != 'none')


def test_a_small_budget_keeps_the_worst_faces_of_each_slice(scored, run, report):
    examples = run.output('StratifiedExampleGen', 'examples').uri
    slices = [item.slice for item in report.evaluation.slices]
    few = faces.chosen(scored, examples, slices, ReportSettings(max_bytes=440_000))
    shown = [face for face in few.all if face.image]
    assert 24 <= len(shown) < 100
    assert few.all[0].index == few.most_wrong[0].index
    for item in slices[:3]:
        inside = scored.inside(item)
        wrong = np.flatnonzero(inside & ~scored.correct)
        if len(wrong):
            worst = wrong[np.argmax(np.abs(scored.probability[wrong] - 0.5))]
            assert worst in {face.index for face in shown}


def test_the_note_of_the_configuration_and_names_of_values_are_shown(report):
    assert 'The faces are drawn by code' in page.render(report)
    section = {**report.run.facts.config['report'], 'names': {'age_band': {'01-10': '<kids>'}}}
    config = {**report.run.facts.config, 'report': section}
    facts = dataclasses.replace(report.run.facts, config=config)
    written = page.render(dataclasses.replace(report, run=dataclasses.replace(report.run, facts=facts)))
    assert 'ages 01-10: &lt;kids&gt;, male' in written


def test_the_scores_reproduce_the_evaluation(report, scored):
    overall = report.evaluation.overall
    female = np.asarray(scored.probability) > 0.5
    assert (female & (np.asarray(scored.gender) == 1)).sum() == overall.true_positives
    assert report.details.slices_checked == 1 + len(report.evaluation.slices)


def test_every_threshold_is_on_the_page_and_in_the_card(report):
    written, text = page.render(report), card.markdown(card.sections(report))
    assert len(report.thresholds) >= 8
    for row in report.thresholds:
        metric, limit, value, verdict = words.threshold(row)
        cells = f'<th scope="row">{metric}</th><td class="words">{limit}</td><td>{value}</td>'
        assert cells in written
        assert f'Threshold for {metric}: {limit}; measured {value}: {verdict}.' in text


def test_the_kept_epoch_and_the_head_are_on_the_page_and_in_the_card(report):
    training = dataclasses.replace(
        report.training,
        settings=report.training.settings | {'restore_best': True, 'hidden_units': [64, 32], 'epochs': 50},
        tuned=['hidden_units'],
        kept_epoch=7,
        trials=[
            {'trial_id': '1', 'score': 0.91, 'hidden_units': 64},
            {'trial_id': '0', 'score': 0.9, 'hidden_units': 32},
        ],
    )
    changed = dataclasses.replace(report, training=training)
    epochs = len(report.details.learning['loss'])
    kept = f'weights of epoch 7 of {epochs}, the best by val_loss. Training stopped early, before the maximum of 50.'
    written, text = page.render(changed), card.markdown(card.sections(changed))
    assert kept in written
    assert kept.replace('_', '\\_') in text
    assert 'hidden units 64+32' in text
    assert 'Chosen in 2 trials on the validation split: hidden units 64+32.' in text
    assert '<th scope="row">2</th><td>0.9100</td><td>64</td>' in written
    for name in ('loss', 'accuracy', 'auc', 'precision', 'recall'):
        value = report.details.learning[f'val_{name}'][6]
        assert f'{name} by epoch' in written
        assert f'{value:.3f} at epoch 7, which was kept' in written


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


@needs_browser
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


@needs_browser
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


def test_the_page_names_its_inputs_and_what_made_it(report, inputs):
    written = page.render(report)
    facts = report.run.facts
    assert facts.inputs == {name: str(getattr(inputs, name)) for name in ('data', 'prototxt', 'caffemodel')}
    for text in (*facts.inputs.values(), 'python -m pipeline run --config demo', platform.python_version(), facts.host):
        assert text in written
    run = json.loads(report.metrics_json())['run']
    assert (run['command'], run['inputs'], run['name']) == (facts.command, facts.inputs, None)


def test_a_report_of_one_gender_that_is_not_blessed_has_all_sections(report, scored):
    men = np.asarray(scored.gender) == 0
    fields = [field.name for field in dataclasses.fields(scored) if field.name != 'columns']
    only = scores.Scores(*(getattr(scored, name)[men] for name in fields))
    overall = report.evaluation.by_gender()['male']
    evaluation = Evaluation(overall, (Slice({'gender': 'male'}, overall),))
    checked = thresholds.check(thresholds.of(Settings(min_accuracy=0)), evaluation)
    shown = dataclasses.replace(report.details.faces, most_wrong=[])
    details = dataclasses.replace(report.details, curves=curves.of(only, [{'gender': 'male'}]), faces=shown)
    changed = dataclasses.replace(report, evaluation=evaluation, thresholds=checked, details=details)
    written = page.render(changed)
    assert 'overall: AUC is undefined (one class); at least 0.9 is required (evaluation.min_auc)' in written
    assert 'faces of one gender only' in written
    assert 'ROC and precision-recall curves are not defined: one gender only' in written
    assert 'did not meet the thresholds' in card.markdown(card.sections(changed))
    assert json.loads(changed.metrics_json())['blessed'] is False


def test_metrics_json_has_the_documented_keys(report):
    written = json.loads(report.metrics_json())
    assert ' '.join(written) == (
        'run config data overall slices gap robustness training evaluated blessed reasons bounds pushed stages'
    )
    assert ' '.join(written['run']) == (
        'id name note started duration_s config_sha256 data_fingerprint base_sha256 prototxt_sha256 inputs command '
        'host versions'
    )
    assert [*written['gap']] == ['value', 'low', 'high']
    assert [*written['training']] == ['settings', 'tuned', 'kept_epoch', 'trials']
    assert all([*stage] == ['name', 'seconds', 'cached'] for stage in written['stages'])


def test_the_model_card_has_the_sections_of_the_paper(finished):
    card = (finished.output / 'report' / 'model_card.md').read_text()
    for title in (
        'Model details', 'Intended use', 'Factors', 'Metrics', 'Evaluation data', 'Training data',
        'Quantitative analyses', 'Ethical considerations', 'Caveats and recommendations',
    ):  # fmt: skip
        assert f'## {title}' in card
    assert 'Not for decisions about people' in card
