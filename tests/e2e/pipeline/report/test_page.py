# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The page of a run in a browser."""

import re

import numpy as np
import pytest
from scipy import stats

from components.evaluator import intervals
from pipeline.report import page


@pytest.mark.parametrize('opened', [(1280, 'light'), (1280, 'dark'), (390, 'light')], indirect=True, ids=str)
def test_it_loads_alone_without_errors_and_fits(opened, file):
    opened.wait_for_timeout(200)
    assert opened.complaints == []
    assert {url for url in opened.requests if not url.startswith('data:')} == {file.as_uri()}
    assert opened.evaluate('document.documentElement.scrollWidth <= innerWidth')
    assert opened.evaluate('[...document.images].every(image => image.complete && image.naturalWidth > 0)')
    assert opened.evaluate('document.images.length') > 5
    assert opened.title().startswith('Gender classifier')


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


def test_the_slider_moves_with_the_keyboard(opened):
    opened.locator('#cut').focus()
    opened.keyboard.press('ArrowRight')
    assert opened.locator('#cut-value').inner_text() == '0.51'


def test_the_mark_of_the_threshold_lies_on_the_curve(opened, report):
    """At 0.5 the script puts it where the pipeline drew it, so both use one scale."""
    mark = opened.locator('#roc-point')
    drawn = page.render(report).partition('id="roc-point"')[0].rpartition('<circle')[2]
    before = {name: float(drawn.partition(f'{name}="')[2].partition('"')[0]) for name in ('cx', 'cy')}
    assert float(mark.get_attribute('cx')) == pytest.approx(before['cx'], abs=0.01)
    assert float(mark.get_attribute('cy')) == pytest.approx(before['cy'], abs=0.01)


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


def test_a_name_is_text_and_never_runs(opened):
    opened.wait_for_timeout(200)
    assert opened.evaluate('window.evil') is None
    assert '<script>window.evil=1</script>' in opened.locator('#faces').inner_text()


def _at(scored, cut, where):
    """The faces of a slice, who of them is predicted female, and who is a woman."""
    inside = scored.inside(where)
    return inside, (np.asarray(scored.probability, np.float64) > cut)[inside], (scored.gender == 1)[inside]


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


def test_print_has_neither_controls_nor_the_explorer(opened):
    opened.emulate_media(media='print')
    hidden = ['nav', '#cut', '#explore', '#slice-kind', '.moved-note']
    assert [name for name in hidden if opened.locator(name).first.is_visible()] == []
    assert opened.locator('#table').is_visible()
    opened.emulate_media(media='screen')
