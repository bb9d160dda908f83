# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The notebook of a run, executed by Jupyter and read in a browser without the web."""

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from importlib import resources

import pytest

playwright = pytest.importorskip('playwright.sync_api')

_BROWSER = shutil.which('chromium') or shutil.which('google-chrome')
_MISSING = [name for name in ('nbclassic', 'ipykernel', 'witwidget') if not importlib.util.find_spec(name)]
# The text of an element and of all shadow trees in it.
_TEXT = """root => {
  const inside = (node) => node.tagName === 'SLOT' ? node.assignedNodes() : (node.shadowRoot ?? node).childNodes;
  const walk = (node) => node.nodeType === 3 ? node.data : ['STYLE', 'SCRIPT', 'TEMPLATE'].includes(node.tagName) ? ''
    : [...inside(node)].map(walk).join(' ');
  return walk(root).replace(/\\s+/g, ' ');
}"""
_FIRST = "Jupyter.notebook.get_cells().find(cell => cell.cell_type === 'code')"
_DONE = """Jupyter.notebook.get_cells().every(
  cell => cell.cell_type !== 'code' || Number.isInteger(cell.input_prompt_number))"""


def test_the_notebook_contains_no_outputs_and_no_paths():
    text = (resources.files('pipeline.report') / 'notebook.ipynb').read_text('utf-8')
    code = [cell for cell in json.loads(text)['cells'] if cell['cell_type'] == 'code']
    assert len(code) >= 5
    assert all(cell['outputs'] == [] and cell['execution_count'] is None for cell in code)
    assert '/home/' not in text


@pytest.mark.skipif(not _BROWSER, reason='no chromium and no google-chrome on this host')
@pytest.mark.skipif(bool(_MISSING), reason=f'the extra "notebook" is not installed: no {", ".join(_MISSING)}')
def test_the_widgets_show_the_numbers_of_the_run(own_run):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    line = [sys.executable, '-m', 'pipeline', 'notebook', '--output', str(own_run.output), '--port', str(port)]
    environment = {**os.environ, 'JUPYTER_TOKEN': 'secret'}
    with subprocess.Popen([*line, '--no-browser'], env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            file = server.stdout.readline().removeprefix('Notebook: ').strip()
            with playwright.sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=_BROWSER, args=['--no-sandbox', '--disable-gpu'])
                tab = browser.new_page(viewport={'width': 1300, 'height': 1600})
                tab.route(
                    '**/*', lambda route: route.continue_() if '127.0.0.1' in route.request.url else route.abort()
                )
                _check(tab, f'http://127.0.0.1:{port}/notebooks/{os.path.basename(file)}?token=secret', own_run)
                browser.close()
        finally:
            server.send_signal(signal.SIGTERM)


def _check(tab, address: str, run) -> None:
    for _ in range(100):  # until the server listens
        try:
            tab.goto(address)
            break
        except playwright.Error:
            tab.wait_for_timeout(200)
    tab.wait_for_function('window.Jupyter?.notebook?.kernel?.is_connected()', timeout=60_000)
    # The widgets load when the kernel is first idle, which the imports of the first cell would delay.
    tab.evaluate(f'{_FIRST}.execute()')
    tab.wait_for_function(f'Number.isInteger({_FIRST}.input_prompt_number)', timeout=180_000)
    tab.locator('#kernel_indicator_icon.kernel_idle_icon').wait_for()
    tab.wait_for_timeout(1000)
    tab.evaluate('Jupyter.notebook.execute_all_cells()')
    tab.wait_for_function(_DONE, timeout=180_000)
    assert tab.locator('.output_error').all_inner_texts() == []
    metrics = run.metrics
    expected = {'overall': metrics['overall']} | {
        item['slice']['gender']: item['metrics'] for item in metrics['slices'] if [*item['slice']] == ['gender']
    }
    rows = tab.locator('table.dataframe tbody tr').all_inner_texts()
    assert len(rows) == 1 + len(metrics['slices'])
    accuracy = expected['overall']['accuracy']
    assert rows[0].split()[:2] == ['overall', str(expected['overall']['examples'])]
    assert float(rows[0].split()[2]) == pytest.approx(accuracy['value'], abs=6e-4)

    fairness = tab.locator('fairness-nb-container')
    fairness.locator('fairness-metrics-table').first.wait_for()
    tab.wait_for_function(f'({_TEXT})(document.querySelector("fairness-nb-container")).includes("age_band:01-10")')
    shown = fairness.evaluate(_TEXT)
    bounds = re.search(r'Overall +([\d.]+) \(([\d.]+), ([\d.]+)\)', shown.partition('example count')[2])
    assert [float(text) for text in bounds.groups()] == pytest.approx(
        [accuracy[end] for end in ('value', 'low', 'high')], abs=6e-4
    )
    for name in ('false_positive_rate', 'true_positive_rate', 'precision'):
        assert name in shown

    # The numbers reach TFMA's own widget; it draws them with Google Charts, which comes from the web.
    slices = tab.locator('tfma-nb-slicing-metrics').first.evaluate('widget => widget.data')
    got = {item['slice']: item['metrics']['']['']['binary_accuracy']['doubleValue'] for item in slices}
    assert got == {
        f'gender:{label}': pytest.approx(expected[gender]['accuracy']['value'])
        for label, gender in enumerate(('male', 'female'))
    }
    assert 'calibrationPlot' in json.dumps(tab.locator('tfma-nb-plot').first.evaluate('plot => plot.config'))

    facets = tab.frame_locator('iframe[title=Statistics]').locator('facets-overview')
    facets.locator('facets-overview-table').first.wait_for()
    words = facets.evaluate(_TEXT)
    assert 'gender' in words
    assert f'{sum(metrics["data"]["splits"]["train"].values()):,}' in words
