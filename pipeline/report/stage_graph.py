# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The graph of a run's stages, top to bottom, as SVG."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from pipeline.report.svg import drawing, number, tag
from pipeline.runs.metadata import Stage

_BOX, _GAP, _HEIGHT, _STEP = 156.0, 12.0, 38.0, 62.0


def layers(stages: Sequence[str], edges: Sequence[Sequence[str]]) -> list[list[str]]:
    """The stages, given in a possible order of execution, by rank: each one below its inputs, as high as possible."""
    rank: dict[str, int] = {}
    for stage in stages:
        rank[stage] = 1 + max((rank.get(producer, 0) for producer, consumer in edges if consumer == stage), default=-1)
    # Stages without inputs (the base model, the schema) move down, right above their first use.
    for stage in reversed(stages):
        below = [rank[consumer] for producer, consumer in edges if producer == stage and consumer in rank]
        if below and not any(consumer == stage for _, consumer in edges):
            rank[stage] = min(below) - 1
    return [[stage for stage in stages if rank[stage] == level] for level in range(max(rank.values()) + 1)]


def dag(stages: Sequence[Stage], edges: Sequence[Sequence[str]]) -> Markup:
    """Draws the graph of the stages, given in the order in which they ran; edges are (producer, consumer)."""
    edges = reduced(edges)
    rows = layers([stage.name for stage in stages], edges)
    widest = max(len(row) for row in rows)
    width = widest * (_BOX + _GAP) + 2 * _GAP
    place = {}
    for level, row in enumerate(rows):
        left = (width - len(row) * _BOX - (len(row) - 1) * _GAP) / 2
        for position, name in enumerate(row):
            place[name] = (left + position * (_BOX + _GAP), 4 + level * _STEP)
    marks = [_arrow(place[one], place[other]) for one, other in edges if one in place and other in place]
    marks += [_box(stage, *place[stage.name]) for stage in stages]
    told = '; '.join(f'{s.name} {"from cache" if s.cached else "ran"}' for s in stages)
    return drawing(width, len(rows) * _STEP - _STEP + _HEIGHT + 8, ''.join(marks), f'The stages in order: {told}.')


def _box(stage: Stage, x: float, y: float) -> str:
    state = 'from cache' if stage.cached else f'{stage.seconds:.1f} s'
    kind = 'cached' if stage.cached else 'ran'
    middle = x + _BOX / 2
    return (
        tag('rect', class_=f'node {kind}', x=x, y=y, width=_BOX, height=_HEIGHT, rx=6.0)
        + tag('text', str(escape(stage.name)), class_='name', x=middle, y=y + 16, text_anchor='middle')
        + tag('text', state, x=middle, y=y + 30, text_anchor='middle')
    )


def reduced(edges: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """The edges of an acyclic graph without those that other paths imply (its transitive reduction)."""
    after: dict[str, set[str]] = {}
    for producer, consumer in edges:
        after.setdefault(producer, set()).add(consumer)

    def reached(start: str) -> set[str]:
        return set().union(*({step} | reached(step) for step in after.get(start, ())))

    return [
        (producer, consumer)
        for producer, consumer in edges
        if not any(consumer in reached(step) for step in after[producer] - {consumer})
    ]


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """An arrow from the bottom of one box to the top of another."""
    x1, y1, x2, y2 = start[0] + _BOX / 2, start[1] + _HEIGHT, end[0] + _BOX / 2, end[1]
    half = number((y1 + y2) / 2)
    path = f'M{number(x1)} {number(y1)}C{number(x1)} {half} {number(x2)} {half} {number(x2)} {number(y2)}'
    head = f'M{number(x2 - 3.5)} {number(y2 - 5)}L{number(x2)} {number(y2)}L{number(x2 + 3.5)} {number(y2 - 5)}'
    return tag('path', class_='edge', d=path) + tag('path', class_='edge head', d=head)
