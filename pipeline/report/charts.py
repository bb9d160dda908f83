# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The page's plots of scores, training and data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from components import names
from pipeline.report.svg import Plot, drawing, tag

_UNIT = [(step / 5, f'{step / 5:.1f}') for step in range(6)]


def roc(result: Mapping[str, Any]) -> Markup:
    """The ROC curve with the point of the threshold in use."""
    plot = Plot()
    plot.axes(_UNIT, _UNIT, 'men called female', 'women called female')
    plot.line([(0, 0), (1, 1)], 'chance')
    plot.line(result['details']['roc'], 'main')
    overall = result['overall']
    plot.dot(1 - overall['specificity']['value'], overall['recall']['value'], 'now', id='roc-point')
    return plot.svg(
        f'ROC curve. Area {overall["auc"]["value"]:.3f}. At the threshold 0.5, {overall["recall"]["value"]:.0%} of the '
        f'women and {1 - overall["specificity"]["value"]:.0%} of the men are called female.',
        'roc',
    )


def precision_recall(result: Mapping[str, Any]) -> Markup:
    """The precision-recall curve with the point of the threshold in use."""
    overall = result['overall']
    plot = Plot()
    plot.axes(_UNIT, _UNIT, 'recall: women called female', 'precision: women among those called female')
    women = (overall['true_positives'] + overall['false_negatives']) / overall['examples']
    plot.line([(0, women), (1, women)], 'chance')
    plot.line(result['details']['precision_recall'], 'main')
    if overall['precision']:
        plot.dot(overall['recall']['value'], overall['precision']['value'], 'now', id='pr-point')
    return plot.svg(f'Precision-recall curve. Area {overall["auc_pr"]["value"]:.3f}.', 'pr')


def calibration(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """Share of women against mean score in each tenth, with intervals; the area of a dot grows with its faces."""
    plot = Plot()
    plot.axes(_UNIT, _UNIT, 'score', 'share of women')
    plot.line([(0, 0), (1, 1)], 'chance')
    most = max(row['faces'] for row in rows)
    for row in rows:
        plot.line([(row['score'], row['low']), (row['score'], row['high'])], 'interval')
        plot.dot(row['score'], row['women'], 'main', 2.5 + 4 * (row['faces'] / most) ** 0.5)
    told = '; '.join(f'score {row["score"]:.2f}: {row["women"]:.0%} of {row["faces"]}' for row in rows)
    return plot.svg(f'Calibration, the share of women by score. {told}.', 'calibration')


def histogram(counts: Mapping[str, Sequence[int]]) -> Markup:
    """Scores of women upwards and of men downwards, with a line at the threshold."""
    most = max(max(values) for values in counts.values()) or 1
    plot = Plot(y=(-most * 1.08, most * 1.08))
    ticks = sorted({0, most // 2, most})
    plot.axes(
        _UNIT, [(sign * tick, f'{tick:,}') for tick in ticks for sign in ((1, -1) if tick else (1,))], 'score', 'faces'
    )
    for gender, sign in (('female', 1), ('male', -1)):
        step = 1 / len(counts[gender])
        for number, value in enumerate(counts[gender]):
            if value:
                title = f'{value:,} labelled {gender} with a score of {number * step:.2f} to {(number + 1) * step:.2f}'
                low, high = sorted((0, sign * value))
                plot.bar(number * step + step * 0.08, (number + 1) * step - step * 0.08, low, high, gender, title)
    plot.text(0.02, most, 'labelled female', 'female', dy=4.0)
    plot.text(0.98, -most, 'labelled male', 'male', 'end', dy=4.0)
    plot.line([(0.5, -most * 1.08), (0.5, most * 1.08)], 'now', id='histogram-threshold')
    told = '; '.join(
        f'{gender}: {sum(values[: len(values) // 2])} below and {sum(values[len(values) // 2 :])} above 0.5'
        for gender, values in counts.items()
    )
    return plot.svg(f'Histogram of the scores by label. {told}.', 'histogram')


def learning(history: Mapping[str, Sequence[float]], measure: str, kept_epoch: int) -> Markup:
    """One measure after each epoch, training and validation split, with a mark at the kept epoch (0: none was)."""
    train, validation = history[measure], history[f'val_{measure}']
    values = [*train, *validation]
    low, high, ticks = _scale(min(values), max(values))
    epochs = len(train)
    plot = Plot(x=(1, max(epochs, 2)), y=(low, high))
    marks = sorted({1, *(round(1 + (epochs - 1) * part / 4) for part in range(1, 5))})
    plot.axes(
        [(mark, str(mark)) for mark in marks],
        ticks,
        'epoch',
        measure,
    )
    for series, kind in ((train, 'second'), (validation, 'main')):
        points = list(enumerate(series, 1))
        plot.line(points, kind)
        if epochs == 1:
            plot.dot(*points[0], kind)
    said = 'no epoch was kept.'
    if kept_epoch:
        plot.dot(kept_epoch, validation[kept_epoch - 1], 'now')
        said = f'{validation[kept_epoch - 1]:.3f} at epoch {kept_epoch}, which was kept.'
    return plot.svg(
        f'{measure} by epoch: training from {train[0]:.3f} to {train[-1]:.3f}, validation from {validation[0]:.3f} to '
        f'{validation[-1]:.3f}; {said}'
    )


def _scale(low: float, high: float) -> tuple[float, float, list[tuple[float, str]]]:
    """A range around the values that begins and ends on round numbers, and its three to seven ticks."""
    spread = max(high - low, 1e-3)
    power = 10.0 ** math.floor(math.log10(spread))
    step = next(power * part for part in (0.2, 0.25, 0.5, 1, 2) if spread / (power * part) <= 5)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    digits = max(2, 1 - math.floor(math.log10(step)))
    return first * step, last * step, [(n * step, f'{n * step:.{digits}f}') for n in range(first, last + 1)]


def over_time(runs: Sequence[Mapping[str, Any]]) -> Markup:
    """Accuracy of all, men and women over the finished runs, with the interval of all."""
    measured = [run['metrics'] for run in runs]
    values = [row[key]['accuracy'] for row in measured for key in row if row[key]['accuracy']]
    low, high, ticks = _scale(min(value['low'] for value in values), max(value['high'] for value in values))
    plot = Plot(x=(0.5, len(runs) + 0.5), y=(low, high), size=(400, 230))
    # Runs of one day are told apart by the hour.
    dates = {run['started'][:10] for run in runs}
    cut = slice(5, 10) if len(dates) > 1 else slice(11, 16)
    every = -(-len(runs) // 6)
    plot.axes(
        [(number, run['started'][cut]) for number, run in enumerate(runs, 1) if (len(runs) - number) % every == 0],
        ticks,
        'run, by date' if len(dates) > 1 else f'run, by time on {runs[-1]["started"][:10]}, UTC',
        'accuracy',
    )
    for number, row in enumerate(measured, 1):
        whole = row['overall']['accuracy']
        plot.line([(number, whole['low']), (number, whole['high'])], 'interval')
    for key, kind in (('male', 'male'), ('female', 'female'), ('overall', 'main')):
        points = [(n, row[key]['accuracy']['value']) for n, row in enumerate(measured, 1) if key in row]
        plot.line(points, kind)
        for point in points:
            plot.dot(*point, kind, 3.0)
    return plot.svg(
        'Accuracy of the runs in order: ' + ', '.join(f'{row["overall"]["accuracy"]["value"]:.3f}' for row in measured)
    )


def gaps(rows: Sequence[tuple[str, Mapping[str, float] | None]]) -> Markup:
    """Accuracy of women minus that of men with its interval, a line a slice; no mark where it is undefined."""
    widest = max([abs(value[end]) for _, value in rows if value for end in ('low', 'high')], default=1.0)
    reach = min(1.0, -int(-widest * 10 // 1) / 10) or 0.1
    plot = Plot((-reach, reach), (len(rows) - 0.5, -0.5), (400, 46 + 26 * len(rows)), (92, 12, 6, 40))
    ticks = [(-reach, f'−{reach:.1f}'), (0, '0'), (reach, f'+{reach:.1f}')]
    plot.axes(ticks, [(n, name) for n, (name, _) in enumerate(rows)], '← men better  ·  women better →')
    plot.line([(0, -0.5), (0, len(rows) - 0.5)], 'axis')
    for number, (_, value) in enumerate(rows):
        if value:
            plot.line([(value['low'], number), (value['high'], number)], 'interval')
            plot.dot(value['value'], number, 'main')
    told = '; '.join(
        f'{name} {value["value"]:+.3f} ({value["low"]:+.3f} to {value["high"]:+.3f})' if value else f'{name} undefined'
        for name, value in rows
    )
    return plot.svg(f'Accuracy of women minus accuracy of men. {told}.')


def folders(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """Sampled images by age, women upwards, men downwards, stacked by split."""
    totals = [sum(row[split] for split in names.SPLITS) for row in rows]
    most = max(totals)
    oldest = max(row['age'] for row in rows)
    plot = Plot((0.5, max(oldest, 10) + 0.5), (-most * 1.1, most * 1.1), (420, 250))
    ages = list(range(10, oldest + 1, 10))
    plot.axes(
        [(age, str(age)) for age in ages],
        [(0, '0'), (most, f'{most:,}'), (-most, f'{most:,}')],
        'age in years',
        'images',
    )
    for row in rows:
        sign = 1 if row['gender'] == 'female' else -1
        so_far = 0
        for number, split in enumerate(names.SPLITS):
            low, high = sorted((sign * so_far, sign * (so_far + row[split])))
            if low != high:
                title = f'{row["gender"]}, {row["age"]}: {row[split]:,} in {split}'
                plot.bar(row['age'] - 0.42, row['age'] + 0.42, low, high, f'{row["gender"]} tint-{number}', title)
            so_far += row[split]
    plot.text(0.5, most * 1.1, 'female', 'female', dx=4.0, dy=8.0)
    plot.text(0.5, -most * 1.1, 'male', 'male', dx=4.0, dy=-2.0)
    return plot.svg(f'Sampled images by age and gender: {len(rows)} folders with {min(totals)} to {most} images each.')


def metric_bar(metric: Mapping[str, float]) -> Markup:
    """A value between 0 and 1 as a bar with its interval as a line."""
    value, low, high = (metric[key] * 100 for key in ('value', 'low', 'high'))
    marks = (
        tag('rect', class_='track', x=0.0, y=3.0, width=100.0, height=8.0)
        + tag('rect', class_='bar main', x=0.0, y=3.0, width=max(value, 0.3), height=8.0)
        + tag('line', class_='whisker', x1=low, x2=high, y1=7.0, y2=7.0)
    )
    return Markup(  # noqa: S704 - every value in it was escaped by `tag`
        tag('svg', marks, viewBox='0 0 100 14', preserveAspectRatio='none', class_='meter', aria_hidden='true')
    )


def sparkline(buckets: Sequence[Sequence[float]], label: str) -> Markup:
    """TFDV's histogram of one feature in one split."""
    if not buckets:
        return Markup('')
    most = max(count for _, _, count in buckets) or 1.0
    width = 120 / len(buckets)
    marks = ''.join(
        tag('rect', class_='bar second', x=number * width + 0.5, y=28 - 26 * count / most, width=width - 1.0,
            height=26 * count / most)
        for number, (_, _, count) in enumerate(buckets)
        if count > 0
    )  # fmt: skip
    return drawing(120, 28, marks + tag('line', class_='axis', x1=0.0, x2=120.0, y1=27.5, y2=27.5), label)
