# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Rows of the bench's table: a number, most often a ratio, and what it should be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]


def row(name: str, value: float, unit: str = '×', target: str = '', detail: str = '') -> Row:
    """One line of the table.

    Args:
      name: what was measured.
      value: the number.
      unit: '×' for a ratio.
      target: '>= 0.95' or '<= 90', or '' where none is set.
      detail: what the number is made of.
    """
    return {'name': name, 'value': value, 'unit': unit, 'target': target, 'detail': detail}


def met(row: Row) -> bool | None:
    """Whether the target was met; None where none is set."""
    if not row['target']:
        return None
    sign, bound = row['target'].split()
    return bool(row['value'] >= float(bound) if sign == '>=' else row['value'] <= float(bound))


def lines(rows: Iterable[Row], judged: bool) -> list[str]:
    """The rows as text, ratios first.

    Args:
      rows: any rows.
      judged: whether to say which targets were met.
    """
    written = []
    for one in sorted(rows, key=lambda one: one['unit'] != '×'):
        verdict = {True: 'yes', False: 'NO', None: ''}[met(one) if judged else None]
        value = f'{one["value"]:.3g}' if abs(one['value']) < 100 else f'{one["value"]:,.0f}'
        number = f'{value} {one["unit"]}'
        written.append(f'{number:>11}  {one["target"]:<8} {verdict:<3}  {one["name"]:<52}  {one["detail"]}'.rstrip())
    return written
