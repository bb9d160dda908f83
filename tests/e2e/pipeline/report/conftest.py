# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The page of a run, and a browser."""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.report import collect, page, scores
from pipeline.report.content import Report
from pipeline.runs import metadata, run_facts

_BROWSER = shutil.which('chromium') or shutil.which('google-chrome')
_ARGUMENTS = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
]  # fmt: skip


@pytest.fixture(scope='session')
def run(finished) -> metadata.Run:
    """The newest completed run of the shared run directory."""
    return [run for run in metadata.runs(finished.output) if run_facts.read(finished.output, run.id)][-1]


@pytest.fixture(scope='session')
def report(finished, run) -> Report:
    """The content of the page."""
    return collect.collect(finished.output, run)


@pytest.fixture(scope='session')
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
    playwright = pytest.importorskip('playwright.sync_api')
    if not _BROWSER:
        pytest.skip('no chromium and no google-chrome on this host')
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
