# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a person or a machine sees of a run: lines, one line in place, events, nothing."""

import io
import json
import re
import sys
import time

import pytest

from components import progress
from pipeline.runners import displays


def _run(display: displays.Lines) -> None:
    """Two components: one works on three images, one comes from the cache."""
    with display.running('the-run', ['EmbeddingGen', 'Pusher']):
        display.start(1)
        with progress.Progress('Embedding', 3, 'images') as work:
            for _ in range(3):
                work.update()
        progress.note('Warning: by hand')
        display.done(12.34)
        display.start(2)
        display.done(None)
    display.result({'blessed': True})


def test_lines_are_plain(capsys):
    _run(displays.Lines())
    out, err = capsys.readouterr()
    assert out == ''
    assert re.fullmatch(
        r'Warning: by hand\n\[ 1/2\] EmbeddingGen           12\.3 s\n\[ 2/2\] Pusher                 from cache\n'
        r'2 components in 0\.\d s, 1 from the cache\n',
        err,
    )


@pytest.mark.parametrize('wait', [0.0, 60.0])
def test_the_last_line_of_work_has_the_total_and_comes_once(monkeypatch, capsys, wait):
    monkeypatch.setattr(progress, '_SECONDS_BETWEEN_LINES', 0.0)
    with progress.Progress('Embedding', 2, 'images') as work:
        work.update()
        monkeypatch.setattr(progress, '_SECONDS_BETWEEN_LINES', wait)
        work.update()
    counts = [line.split(' images')[0] for line in capsys.readouterr().err.splitlines()]
    assert counts == ['Embedding: 1 of 2', 'Embedding: 2 of 2']


def test_quiet_keeps_warnings(capsys):
    _run(displays.Quiet())
    assert capsys.readouterr() == ('', 'Warning: by hand\n')


def test_events_are_json_on_stdout_and_counts_reach_their_total(capsys):
    _run(displays.Events())
    out, err = capsys.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    assert err == ''
    assert all(re.fullmatch(r'20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z', event.pop('time')) for event in events)
    assert events[:2] == [
        {'event': 'run', 'id': 'the-run', 'stages': ['EmbeddingGen', 'Pusher']},
        {'event': 'stage', 'name': 'EmbeddingGen', 'number': 1, 'state': 'running'},
    ]
    work = [event for event in events if event['event'] == 'progress']
    assert work[-1] == {
        'event': 'progress', 'stage': 'EmbeddingGen', 'work': 'Embedding', 'done': 3, 'total': 3, 'unit': 'images',
    }  # fmt: skip
    assert {'event': 'note', 'text': 'Warning: by hand'} in events
    assert {'event': 'stage', 'name': 'Pusher', 'number': 2, 'state': 'cached', 'seconds': 0.0} in events
    end, result = events[-2:]
    assert (end['event'], end['stages'], end['cached']) == ('end', 2, 1)
    assert result == {'event': 'result', 'blessed': True}


@pytest.mark.parametrize(('columns', 'cut'), [(80, False), (40, True)])
def test_a_terminal_has_one_line_for_each_component(terminal, monkeypatch, columns, cut):
    shown = terminal(columns)
    monkeypatch.setattr(sys, '__stdout__', io.StringIO())  # as in: run | tee
    display = displays.choose(quiet=False, events=False)
    assert isinstance(display, displays.Terminal)
    with display.running('the-run', ['EmbeddingGen']):
        display.start(1)
        with progress.Progress('Embedding', 3, 'images') as work:
            work.update(2)
            time.sleep(0.3)
            progress.note('Warning: by hand')
            in_place = shown.screen()[-1]
        display.done(1.0)
    assert in_place.startswith('[ 1/1] EmbeddingGen')
    assert in_place.endswith('…') == cut
    assert ('Embedding: 2 of 3 images' in in_place) != cut
    *ended, end, empty = shown.screen()
    assert (ended, empty) == (['Warning: by hand', '[ 1/1] EmbeddingGen           1.0 s'], '')
    assert re.fullmatch(r'1 components in \d\.\d s, 0 from the cache', end)


def test_a_dumb_terminal_and_a_pipe_get_lines(monkeypatch):
    monkeypatch.setattr(sys, 'stderr', io.StringIO())
    assert type(displays.choose(quiet=False, events=False)) is displays.Lines
    monkeypatch.setattr(sys.stderr, 'isatty', lambda: True, raising=False)
    monkeypatch.setenv('TERM', 'dumb')
    assert type(displays.choose(quiet=False, events=False)) is displays.Lines
