# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The metrics as a table for a terminal."""

from __future__ import annotations

from typing import Any

COLUMNS = ('accuracy', 'precision', 'recall', 'specificity', 'auc')


def headline_rows(result: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The rows of the notebook's table: overall, male, female."""
    rows = [('overall', result['overall'])]
    for item in result['slices']:
        if list(item['slice']) == ['gender']:
            rows.append((item['slice']['gender'], item['metrics']))
    return [rows[0], *sorted(rows[1:], key=lambda row: row[0], reverse=True)]


def undefined(metrics: dict[str, Any]) -> str:
    """Why a slice does not define a metric."""
    both = metrics['recall'] and metrics['specificity']
    return 'undefined: nobody called female' if both else 'undefined: one class'


def table(result: dict[str, Any]) -> str:
    """Accuracy, precision, recall, specificity and AUC over all, men and women; a dash where one is undefined."""
    lines = [f'{"test split":<12}{"examples":>9}' + ''.join(f'{name:>13}' for name in COLUMNS)]
    for name, values in headline_rows(result):
        cells = (f'{values[column]["value"]:>13.3f}' if values[column] else f'{"–":>13}' for column in COLUMNS)
        lines.append(f'{name:<12}{values["examples"]:>9}' + ''.join(cells))
    return '\n'.join(lines)
