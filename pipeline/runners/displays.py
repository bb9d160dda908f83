# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""How a run shows its components: lines, one line that changes in place, events for machines, or nothing.

Nothing is coloured, so that NO_COLOR needs no attention.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from components.progress import Progress, columns, in_place, shown_by

_SECONDS_BETWEEN_DRAWINGS = 0.2
_SECONDS_BETWEEN_EVENTS = 1.0


class Lines:
    """A line on stderr for each component when it has ended; the default where stderr is no terminal."""

    def __init__(self) -> None:
        self._stages: Sequence[str] = ()
        self._number, self._cached = 0, 0

    @contextlib.contextmanager
    def running(self, run_id: str, stages: Sequence[str]) -> Iterator[None]:
        """Shows the work of a block; `stages` are the names of the components in their order."""
        started = time.monotonic()
        self._stages = stages
        yield
        self.end(time.monotonic() - started)

    def start(self, number: int) -> None:
        """A component starts; `number` counts from 1."""
        self._number = number

    def done(self, seconds: float | None) -> None:
        """It has ended after `seconds`; None: its results come from the cache."""
        self._cached += seconds is None
        self.note(self._line('from cache' if seconds is None else f'{seconds:.1f} s'))

    def note(self, text: str) -> None:
        """Shows one line."""
        print(text, file=sys.stderr, flush=True)

    def end(self, seconds: float) -> None:
        """All components have ended."""
        self.note(f'{len(self._stages)} components in {seconds:.1f} s, {self._cached} from the cache')

    def result(self, values: dict[str, Any]) -> None:
        """The result, as plain values; commands print it in words elsewhere."""

    def _line(self, text: str) -> str:
        return f'[{self._number:>2}/{len(self._stages)}] {self._stages[self._number - 1]:<22} {text}'


class Terminal(Lines):
    """One line for each component, which shows its work in place."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._work: Progress | None = None
        self._started: float | None = None  # of the running component

    @contextlib.contextmanager
    def running(self, run_id: str, stages: Sequence[str]) -> Iterator[None]:
        """As in `Lines`; redraws the line a few times a second."""
        drawing = threading.Thread(target=self._redraw, name='terminal', daemon=True)
        with super().running(run_id, stages), shown_by(self):
            drawing.start()
            try:
                yield
            finally:
                self._ended.set()
                drawing.join()
                self._write('')

    def start(self, number: int) -> None:
        """As in `Lines`."""
        with self._lock:
            self._number, self._work, self._started = number, None, time.monotonic()
        self._draw()

    def done(self, seconds: float | None) -> None:
        """As in `Lines`."""
        with self._lock:
            self._started = None
        super().done(seconds)

    def work(self, progress: Progress) -> None:
        """The latest work is shown."""
        self._work = progress

    def note(self, text: str) -> None:
        """Shows one line above the one that changes."""
        self._write(f'{text}\n')
        self._draw()

    def _redraw(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_DRAWINGS):
            self._draw()

    def _draw(self) -> None:
        with self._lock:
            if self._started is None or self._ended.is_set():
                return
            text = self._line(f'{time.monotonic() - self._started:.0f} s')
            if self._work:
                text += f'  {self._work.text()}'
        width = columns()
        self._write(text if len(text) < width else f'{text[: width - 2]}…')

    def _write(self, text: str) -> None:
        """Replaces the line that changes."""
        sys.stderr.write(f'\r\x1b[K{text}')
        sys.stderr.flush()


class Quiet(Lines):
    """Warnings and errors only."""

    @contextlib.contextmanager
    def running(self, run_id: str, stages: Sequence[str]) -> Iterator[None]:
        """As in `Lines`."""
        with super().running(run_id, stages), shown_by(self):
            yield

    def done(self, seconds: float | None) -> None:
        """Shows nothing."""

    def end(self, seconds: float) -> None:
        """Shows nothing."""

    def work(self, progress: Progress) -> None:
        """Shows nothing."""


class Events(Lines):
    """A JSON object a line on stdout; errors are lines on stderr as always.

    Each has `event` and `time` (ISO 8601, UTC). The events: `run` (id, stages), `stage` (name, number, state `running`,
    `complete` or `cached`, seconds), `progress` (stage, work, done, total or null, unit; at most one a second),
    `note` (text), `end` (seconds, stages, cached), `result` (blessed, reasons, pushed, report, overall metrics).
    """

    def __init__(self) -> None:
        super().__init__()
        self._last_progress = 0.0

    @contextlib.contextmanager
    def running(self, run_id: str, stages: Sequence[str]) -> Iterator[None]:
        """As in `Lines`."""
        self._emit('run', id=run_id, stages=list(stages))
        with super().running(run_id, stages), shown_by(self):
            yield

    def start(self, number: int) -> None:
        """As in `Lines`."""
        super().start(number)
        self._emit('stage', **self._stage(), state='running')

    def done(self, seconds: float | None) -> None:
        """As in `Lines`."""
        self._cached += seconds is None
        state = 'cached' if seconds is None else 'complete'
        self._emit('stage', **self._stage(), state=state, seconds=round(seconds or 0.0, 3))

    def work(self, progress: Progress) -> None:
        """At most one event a second, and one at the end of the work."""
        now = time.monotonic()
        if progress.done != progress.total and now - self._last_progress < _SECONDS_BETWEEN_EVENTS:
            return
        self._last_progress = now
        self._emit(
            'progress', stage=self._stages[self._number - 1], work=progress.description, done=progress.done,
            total=progress.total, unit=progress.unit,
        )  # fmt: skip

    def note(self, text: str) -> None:
        """As in `Lines`."""
        self._emit('note', text=text)

    def end(self, seconds: float) -> None:
        """As in `Lines`."""
        self._emit('end', seconds=round(seconds, 3), stages=len(self._stages), cached=self._cached)

    def result(self, values: dict[str, Any]) -> None:
        """As in `Lines`."""
        self._emit('result', **values)

    def _stage(self) -> dict[str, Any]:
        return {'name': self._stages[self._number - 1], 'number': self._number}

    def _emit(self, event: str, **values: Any) -> None:
        stamp = datetime.now(UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')
        print(json.dumps({'event': event, 'time': stamp, **values}, allow_nan=False), flush=True)


def choose(quiet: bool, events: bool) -> Lines:
    """The display for the flags --quiet and --json, and for what stderr is."""
    if events:
        return Events()
    if quiet:
        return Quiet()
    return Terminal() if in_place() else Lines()
