# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The comparison of two runs in words, as a table for a terminal, and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from pipeline.report.comparison import ChangedFace, Comparison, PairedSlice
from pipeline.runs.history import Finished

_LEVEL = 0.05
_MOST_FACES = 10


def sentence(found: Comparison) -> str:
    """The faces that changed, and whether chance explains it."""
    if found.why:
        return f'No comparison face by face: {found.why}.'
    return same_faces(found.paired, found.before.id, found.after.id)


def same_faces(paired: Sequence[PairedSlice], before: str, after: str) -> str:
    """What two models, named `before` and `after`, do differently; the first slice is all faces."""
    overall, *slices = paired
    return f'{_overall(overall, before, after)} {_beyond(slices)}'.strip()


def _overall(row: PairedSlice, before: str, after: str) -> str:
    p = 'p < 0.001' if row.p < 0.001 else f'p = {row.p:.3f}'
    verdict = 'more than chance explains' if row.p < _LEVEL else 'chance alone can explain this'
    return (
        f'Of the same {row.faces:,} test faces, only {before} is right about {row.baseline_only:,} and only '
        f'{after} about {row.model_only:,}: {verdict} (McNemar’s exact test, {p}).'
    )


def _beyond(slices: list[PairedSlice]) -> str:
    """The slices that changed by more than chance explains."""
    if not slices:
        return ''
    beyond = sorted((row for row in slices if row.corrected < _LEVEL), key=lambda row: -abs(row.change.value))
    if not beyond:
        return 'No slice changed by more than chance explains, after correction for the slices looked at.'
    named = (f'{row.slice} by {f"{row.change.value * 100:+.1f}".replace("-", "−")} points' for row in beyond)
    return f'Beyond chance, after correction for the slices looked at: {"; ".join(named)}.'


def text(found: Comparison) -> str:
    """The comparison for a terminal."""
    blocks = [f'from  {_described(found.before)}\nto    {_described(found.after)}', _table(found), sentence(found)]
    if found.changes:
        lines = [f'  {name}: {before} → {after}' for name, before, after in found.changes]
        blocks.append('\n'.join(['Changed settings:', *lines]))
    else:
        blocks.append('No setting changed: same data, base weights and configuration.')
    for title, faces in (('right → wrong', found.lost), ('wrong → right', found.won)):
        if faces:
            rest = len(faces) - _MOST_FACES
            more = [f'  … and {rest:,} more (--json lists all)'] if rest > 0 else []
            blocks.append('\n'.join([f'{title} ({len(faces):,}):', *map(_face, faces[:_MOST_FACES]), *more]))
    return '\n\n'.join(blocks)


def _described(run: Finished) -> str:
    return f'{run.title}{": " + run.facts.note if run.facts.note else ""}'


def _face(face: ChangedFace) -> str:
    age = f'age {face.age}' if face.age else 'age unknown'
    return f'  {face.before:.3f} → {face.after:.3f}  {face.gender}, {age}  {face.path}'


def _table(found: Comparison) -> str:
    rows = found.paired or found.unpaired
    width = max(len('slice'), *(len(row.slice) for row in rows))
    if found.paired:
        lines = [
            f'{"slice":<{width}}{"faces":>7}{"from":>8}{"to":>8}{"difference":>12}  {"95 % interval":<18}'
            f'{"lost":>6}{"won":>6}{"p":>9}{"corrected":>11}'
        ]
        for row in found.paired:
            lines.append(
                f'{row.slice:<{width}}{row.faces:>7}{row.baseline_accuracy:>8.3f}{row.accuracy:>8.3f}'
                f'{row.change.value:>+12.3f}  {f"{row.change.low:+.3f} to {row.change.high:+.3f}":<18}'
                f'{row.baseline_only:>6}{row.model_only:>6}{row.p:>9.3g}{row.corrected:>11.3g}'
            )
        return '\n'.join(lines)
    lines = [f'{"slice":<{width}}{"faces":>7}{"from":>8}{"faces":>7}{"to":>8}{"difference":>12}  95 % interval']
    for one in found.unpaired:
        here, there, change = one.here, one.there, one.change
        lines.append(
            f'{one.slice:<{width}}{there.examples:>7}{there.accuracy.value:>8.3f}{here.examples:>7}'
            f'{here.accuracy.value:>8.3f}{change.value:>+12.3f}  {change.low:+.3f} to {change.high:+.3f}'
        )
    return '\n'.join(lines)


def as_json(found: Comparison) -> dict[str, Any]:
    """The comparison for programs."""
    rows = [
        {
            'slice': row.slice,
            'faces': {'from': row.there.examples, 'to': row.here.examples},
            'accuracy': {'from': row.there.accuracy.value, 'to': row.here.accuracy.value},
            'difference': dataclasses.asdict(row.change),
        }
        for row in found.unpaired
    ] + [
        {
            'slice': row.slice,
            'faces': {'from': row.faces, 'to': row.faces},
            'accuracy': {'from': row.baseline_accuracy, 'to': row.accuracy},
            'difference': dataclasses.asdict(row.change),
            'lost': row.baseline_only,
            'won': row.model_only,
            'p': row.p,
            'p_corrected': row.corrected,
        }
        for row in found.paired
    ]
    return {
        'from': found.before.id,
        'to': found.after.id,
        'changes': [{'key': key, 'from': before, 'to': after} for key, before, after in found.changes],
        'paired': not found.why,
        'why_not_paired': found.why,
        'slices': rows,
        'lost': [dataclasses.asdict(face) for face in found.lost],
        'won': [dataclasses.asdict(face) for face in found.won],
    }
