# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Progress on terminals of all widths, on dumb ones, and in logs."""

import io
import sys
import time

import pytest

from components import progress
from pipeline.commands import predict


def _work(total: int | None) -> None:
    with progress.Progress('Measuring the framing', total, 'images') as work:
        for number in range(3):
            time.sleep(0.11)  # tqdm draws ten times a second at most
            work.update()
            if number == 1:
                progress.note('Warning: by hand')


@pytest.mark.parametrize('total', [3, 30, None])
@pytest.mark.parametrize('columns', [100, 40])
def test_a_bar_fits_its_terminal_and_leaves_one_line(terminal, columns, total):
    shown = terminal(columns)
    _work(total)
    note, bar, *rest = shown.screen()
    assert (note, rest) == ('Warning: by hand', [''])
    assert bar.startswith('Measuring the framing: ')
    assert ('images/s]' in bar) == (columns == 100)


def test_a_bar_grows_with_its_terminal(terminal):
    shown = terminal(40)
    with progress.Progress('Measuring the framing', 30, 'images') as work:
        assert len(shown.screen()[0]) == 39
        shown.resize(100)
        time.sleep(0.11)
        work.update()
        assert len(shown.screen()[0]) == 99


def test_columns_may_say_that_less_of_a_terminal_is_seen(terminal, monkeypatch):
    shown = terminal(100)
    monkeypatch.setenv('COLUMNS', '40')
    with progress.Progress('Measuring the framing', 30, 'images'):
        assert len(shown.screen()[0]) < 40
    for text in ('200', '0', 'wide'):
        monkeypatch.setenv('COLUMNS', text)
        assert progress.columns() == 100


def test_logs_and_dumb_terminals_get_whole_lines(terminal, monkeypatch):
    monkeypatch.setattr(progress, '_SECONDS_BETWEEN_LINES', 0.0)
    monkeypatch.setattr(sys, 'stderr', io.StringIO())
    _work(3)
    log = sys.stderr.getvalue()
    shown = terminal(100)
    monkeypatch.setenv('TERM', 'dumb')
    _work(3)
    with predict._loading():
        pass
    for text in (log, shown.read().replace('\r\n', '\n')):
        assert '\r' not in text and '\x1b' not in text
        lines = text.splitlines()
        assert (len(lines), lines[2]) == (4, 'Warning: by hand')
        assert all(line.startswith('Measuring the framing: ') for line in lines if line != lines[2])


def test_the_line_for_a_loading_model_disappears(terminal):
    shown = terminal(40)
    with predict._loading():
        assert shown.screen() == ['Loading the model …']
    assert shown.screen() == ['']
