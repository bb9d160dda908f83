# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The bench's picture: images a second, the notebook procedure beside the pipeline, time and memory by images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.report.svg import Plot, tag

_SIZE = (360, 250)
_STYLE = """
text { font: 11px system-ui, sans-serif; fill: #222 } .title { font-weight: 600; font-size: 13px }
.bar { fill: #2f6db5 } .line { fill: none; stroke: #2f6db5; stroke-width: 2 } .dot { fill: #2f6db5 }
.grid { stroke: #ddd } .axis { stroke: #555 }
"""
_NAMES = {'base': 'bare base', 'float32': 'EmbeddingGen', 'bfloat16': 'EmbeddingGen bf16'}


def draw(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """A standalone SVG of what was measured; a part that is not there is not drawn.

    Args:
      parts: by name, what each part's `measure` returned.
    """
    raw = {name: result.get('raw', {}) for name, result in parts.items()}
    panels = []
    if rates := raw.get('embedding', {}).get('images_per_second'):
        named = [(_NAMES.get(name, name), value) for name, value in rates.items()]
        panels.append(_bars('Images per second', named))
    if 'notebook_s' in raw.get('whole', {}):
        both = [('notebook, projected', raw['whole']['notebook_s']), ('pipeline', raw['whole']['run']['seconds'])]
        panels.append(_bars('Seconds', both))
    if 'runs' in raw.get('scaling', {}):
        panels.append(_scaling(raw['scaling']))
    width, height = _SIZE
    inside = ''.join(tag('g', panel, transform=f'translate({index * width} 0)') for index, panel in enumerate(panels))
    total = width * max(len(panels), 1)
    ground = tag('rect', width='100%', height='100%', fill='#fff')
    return tag(
        'svg', tag('style', _STYLE) + ground + inside, xmlns='http://www.w3.org/2000/svg', width=total, height=height,
        viewBox=f'0 0 {total} {height}', role='img', aria_label='What the bench measured',
    )  # fmt: skip


def _bars(title: str, values: Sequence[tuple[str, float]]) -> str:
    top = max(value for _, value in values) * 1.15
    plot = Plot((0, len(values)), (0, top), _SIZE, (46, 14, 34, 34))
    plot.axes([(index + 0.5, name) for index, (name, _) in enumerate(values)], _ticks(top))
    for index, (_, value) in enumerate(values):
        plot.bar(index + 0.2, index + 0.8, 0, value, 'value')
        plot.text(index + 0.5, value, f'{value:,.1f}' if value < 100 else f'{value:,.0f}', anchor='middle', dy=-5.0)
    return _titled(plot, title)


def _scaling(raw: Mapping[str, Any]) -> str:
    runs, line = raw['runs'], raw['line']
    most = max(run['images'] for run in runs) * 1.1
    top = max(run['seconds'] for run in runs) * 1.15
    plot = Plot((0, most), (0, top), _SIZE, (46, 14, 34, 34))
    plot.axes([(run['images'], f'{run["images"]:,}') for run in runs], _ticks(top))
    ends = (0, most)
    plot.line([(x, max(line['start_s'] + line['seconds_per_image'] * x, 0)) for x in ends], 'fit')
    for run in runs:
        plot.dot(run['images'], run['seconds'], 'run')
        plot.text(
            run['images'], run['seconds'], f'{run["peak_bytes"] / 1e9:.2f} GB', anchor='middle', dy=18.0,
        )  # fmt: skip
    return _titled(plot, 'Seconds and memory of a run, by images')


def _titled(plot: Plot, title: str) -> str:
    return tag('text', title, class_='title', x=12.0, y=18.0) + str(plot.svg(title))


def _ticks(top: float) -> list[tuple[float, str]]:
    """Four or five round values from 0."""
    step = 10.0 ** len(str(int(top))) / 100
    while top / step > 5:
        step *= 2 if str(step)[0] in '15' or step < 1 else 2.5
    return [(index * step, f'{index * step:,g}') for index in range(int(top / step) + 1)]
