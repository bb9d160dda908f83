# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The plots of the page: scores, training and data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from components import names
from components.evaluator.metrics import OVERALL, Metric, SliceMetrics
from pipeline.report.curves import CalibrationBin
from pipeline.report.dataset import FolderCount
from pipeline.report.svg import Plot, Point, drawing, tag
from pipeline.runs.history import Finished

_UNIT = [(step / 5, f'{step / 5:.1f}') for step in range(6)]


def _value(metric: Metric | None) -> float:
    return metric.value if metric else math.nan


def roc(points: Sequence[Point], overall: SliceMetrics) -> Markup:
    """The ROC curve with the point of the current threshold; both genders occur."""
    women, men = _value(overall.recall), 1 - _value(overall.specificity)
    plot = Plot()
    plot.axes(_UNIT, _UNIT, 'men predicted female', 'women predicted female')
    plot.line([(0, 0), (1, 1)], 'chance')
    plot.line(points, 'main')
    for x, y in points:
        plot.stop(x, y, f'{y:.3f} of the women and {x:.3f} of the men predicted female')
    plot.dot(men, women, 'now', id='roc-point')
    return plot.svg(
        f'ROC curve. Area {_value(overall.auc):.3f}. At the threshold 0.5, {women:.0%} of the women and {men:.0%} of '
        'the men are predicted female.',
        'roc',
    )


def precision_recall(points: Sequence[Point], overall: SliceMetrics) -> Markup:
    """The precision-recall curve with the point of the current threshold; both genders occur."""
    plot = Plot()
    plot.axes(_UNIT, _UNIT, 'recall: women predicted female', 'precision: women among those predicted female')
    share = overall.women / overall.examples
    plot.line([(0, share), (1, share)], 'chance')
    plot.line(points, 'main')
    for x, y in points:
        plot.stop(x, y, f'recall {x:.3f}, precision {y:.3f}')
    if overall.precision:
        plot.dot(_value(overall.recall), overall.precision.value, 'now', id='pr-point')
    return plot.svg(f'Precision-recall curve. Area {_value(overall.auc_pr):.3f}.', 'pr')


def calibration(rows: Sequence[CalibrationBin]) -> Markup:
    """The share of women against the mean score of each bin, with intervals; a dot's area is its share of the faces."""
    plot = Plot()
    plot.axes(_UNIT, _UNIT, 'score', 'share of women')
    plot.line([(0, 0), (1, 1)], 'chance')
    most = max(row.faces for row in rows)
    for row in rows:
        plot.line([(row.score, row.low), (row.score, row.high)], 'interval')
        plot.dot(row.score, row.women, 'main', 2.5 + 4 * (row.faces / most) ** 0.5)
        plot.stop(
            row.score,
            row.women,
            f'mean score {row.score:.3f}: {row.women:.3f} women ({row.low:.3f}–{row.high:.3f}) of {row.faces:,} faces',
        )
    label = '; '.join(f'score {row.score:.2f}: {row.women:.0%} of {row.faces}' for row in rows)
    return plot.svg(f'Calibration, the share of women by score. {label}.', 'calibration')


def histogram(counts: Mapping[str, Sequence[int]]) -> Markup:
    """The scores of women upwards and of men downwards, with a line at the threshold."""
    most = max(max(values) for values in counts.values()) or 1
    plot = Plot(y=(-most * 1.08, most * 1.08))
    plot.axes(_UNIT, _mirrored(most), 'score', 'faces')
    for gender, sign in (('female', 1), ('male', -1)):
        step = 1 / len(counts[gender])
        for number, value in enumerate(counts[gender]):
            if value:
                title = f'{value:,} labelled {gender} with a score of {number * step:.2f} to {(number + 1) * step:.2f}'
                low, high = sorted((0, sign * value))
                ends = {'data_from': f'{number * step:.2f}', 'data_to': f'{(number + 1) * step:.2f}'}
                plot.bar(
                    number * step + step * 0.08, (number + 1) * step - step * 0.08, low, high, gender,
                    data_gender=gender, tabindex=0, role='button', aria_label=title, **ends,
                )  # fmt: skip
    plot.text(0.02, most, 'labelled female', 'female', dy=4.0)
    plot.text(0.98, -most, 'labelled male', 'male', 'end', dy=4.0)
    plot.line([(0.5, -most * 1.08), (0.5, most * 1.08)], 'now', id='histogram-threshold')
    label = '; '.join(
        f'{gender}: {sum(values[: len(values) // 2])} below and {sum(values[len(values) // 2 :])} above 0.5'
        for gender, values in counts.items()
    )
    return plot.svg(f'Histogram of the scores by label. {label}.', 'histogram', role='group')


def _mirrored(most: int) -> list[tuple[float, str]]:
    """Round ticks up to `most` and their negatives, which show counts downwards."""
    _, _, ticks = _scale(0, most)
    numbers = [round(value) for value, _ in ticks if value == round(value) and 0 < value <= most]
    return [(0, '0'), *((sign * number, f'{number:,}') for number in numbers for sign in (1, -1))]


def learning(history: Mapping[str, Sequence[float]], measure: str, kept_epoch: int) -> Markup:
    """One measure by epoch, on the training and validation splits, with a mark at the kept epoch (0 for none)."""
    train, validation = history[measure], history[f'val_{measure}']
    values = [*train, *validation]
    low, high, ticks = _scale(min(values), max(values))
    epochs = len(train)
    plot = Plot(x=(1, max(epochs, 2)), y=(low, high))
    marks = sorted({1, *(round(1 + (epochs - 1) * part / 4) for part in range(1, 5))})
    plot.axes([(mark, str(mark)) for mark in marks], ticks, 'epoch', measure)
    for series, kind in ((train, 'second'), (validation, 'main')):
        points = list(enumerate(series, 1))
        plot.line(points, kind)
        if epochs == 1:
            plot.dot(*points[0], kind)
    for epoch, (one, other) in enumerate(zip(train, validation, strict=True), 1):
        plot.stop(epoch, other, f'epoch {epoch}: validation {other:.4f}, training {one:.4f}')
    kept = 'no epoch was kept.'
    if kept_epoch:
        plot.dot(kept_epoch, validation[kept_epoch - 1], 'now')
        kept = f'{validation[kept_epoch - 1]:.3f} at epoch {kept_epoch}, which was kept.'
    return plot.svg(
        f'{measure} by epoch: training from {train[0]:.3f} to {train[-1]:.3f}, validation from {validation[0]:.3f} to '
        f'{validation[-1]:.3f}; {kept}'
    )


def _scale(low: float, high: float) -> tuple[float, float, list[tuple[float, str]]]:
    """A range around the values with round ends, and its three to seven ticks."""
    spread = max(high - low, 1e-3)
    power = 10.0 ** math.floor(math.log10(spread))
    step = next(power * part for part in (0.2, 0.25, 0.5, 1, 2) if spread / (power * part) <= 5)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    digits = max(2, 1 - math.floor(math.log10(step)))
    return first * step, last * step, [(n * step, f'{n * step:.{digits}f}') for n in range(first, last + 1)]


def over_time(runs: Sequence[Finished]) -> Markup:
    """The accuracy for all faces (with its interval), men and women, by run."""
    values = [measured.accuracy for run in runs for measured in run.metrics.values()]
    low, high, ticks = _scale(min(value.low for value in values), max(value.high for value in values))
    plot = Plot(x=(0.5, len(runs) + 0.5), y=(low, high), size=(400, 230))
    # Runs of a single day are labelled by time.
    dates = {run.started[:10] for run in runs}
    cut = slice(5, 10) if len(dates) > 1 else slice(11, 16)
    every = -(-len(runs) // 6)
    marks = [(number, run.started[cut]) for number, run in enumerate(runs, 1) if (len(runs) - number) % every == 0]
    label = 'run, by date' if len(dates) > 1 else f'run, by time on {runs[-1].started[:10]}, UTC'
    plot.axes(marks, ticks, label, 'accuracy')
    overall = [run.metrics[OVERALL].accuracy for run in runs]
    for number, accuracy in enumerate(overall, 1):
        plot.line([(number, accuracy.low), (number, accuracy.high)], 'interval')
    for key, kind in (('male', 'male'), ('female', 'female'), (OVERALL, 'main')):
        points = [(n, run.metrics[key].accuracy.value) for n, run in enumerate(runs, 1) if key in run.metrics]
        plot.line(points, kind)
        for point in points:
            plot.dot(*point, kind, 3.0)
    for number, run in enumerate(runs, 1):
        shown = [f'{name} {run.metrics[name].accuracy.value:.3f}' for name in run.metrics]
        plot.stop(number, overall[number - 1].value, f'{run.title}: {", ".join(shown)}')
    return plot.svg('Accuracy of the runs in order: ' + ', '.join(f'{accuracy.value:.3f}' for accuracy in overall))


def gaps(rows: Sequence[tuple[str, Metric | None]]) -> Markup:
    """The accuracy of women minus that of men with its interval, one row a slice; no mark where undefined."""
    widest = max([abs(end) for _, value in rows if value for end in (value.low, value.high)], default=1.0)
    reach = min(1.0, -int(-widest * 10 // 1) / 10) or 0.1
    plot = Plot((-reach, reach), (len(rows) - 0.5, -0.5), (400, 46 + 26 * len(rows)), (92, 12, 6, 40))
    ticks = [(-reach, f'−{reach:.1f}'), (0, '0'), (reach, f'+{reach:.1f}')]
    plot.axes(ticks, [(n, name) for n, (name, _) in enumerate(rows)], '← men better  ·  women better →')
    plot.line([(0, -0.5), (0, len(rows) - 0.5)], 'axis')
    for number, (_, value) in enumerate(rows):
        if value:
            plot.line([(value.low, number), (value.high, number)], 'interval')
            plot.dot(value.value, number, 'main')
            plot.stop(
                value.value, number, f'{rows[number][0]}: {value.value:+.3f} ({value.low:+.3f} to {value.high:+.3f})'
            )
    label = '; '.join(
        f'{name} {value.value:+.3f} ({value.low:+.3f} to {value.high:+.3f})' if value else f'{name} undefined'
        for name, value in rows
    )
    return plot.svg(f'Accuracy of women minus accuracy of men. {label}.')


def folders(rows: Sequence[FolderCount]) -> Markup:
    """The sampled images of known age (at least one), women upwards, men downwards, stacked by split."""
    rows = [row for row in rows if row.age != names.UNKNOWN_AGE]
    totals = [sum(getattr(row, split) for split in names.SPLITS) for row in rows]
    most = max(totals)
    oldest = max(row.age for row in rows)
    plot = Plot((0.5, max(oldest, 10) + 0.5), (-most * 1.3, most * 1.3), (420, 250))
    plot.axes([(age, str(age)) for age in range(10, oldest + 1, 10)], _mirrored(most), 'age in years', 'images')
    for row in rows:
        sign = 1 if row.gender == 'female' else -1
        so_far = 0
        for number, split in enumerate(names.SPLITS):
            images = getattr(row, split)
            low, high = sorted((sign * so_far, sign * (so_far + images)))
            if images:
                plot.bar(row.age - 0.42, row.age + 0.42, low, high, f'{row.gender} tint-{number}')
            so_far += images
        counts = ', '.join(f'{getattr(row, split):,} {split}' for split in names.SPLITS)
        plot.stop(row.age, sign * so_far, f'{row.gender}, age {row.age}: {counts}')
    plot.text(0.5, most * 1.3, 'female', 'female', dx=4.0, dy=10.0)
    plot.text(0.5, -most * 1.3, 'male', 'male', dx=4.0, dy=-4.0)
    return plot.svg(f'Sampled images by age and gender: {len(rows)} folders with {min(totals)} to {most} images each.')


def metric_bar(metric: Metric, overall: Metric) -> Markup:
    """A value between 0 and 1 as a bar, with its interval as a line and a line at the value of all faces."""
    value, low, high = metric.value * 100, metric.low * 100, metric.high * 100
    marks = (
        tag('rect', class_='track', x=0.0, y=3.0, width=100.0, height=8.0)
        + tag('rect', class_='bar main', x=0.0, y=3.0, width=max(value, 0.3), height=8.0)
        + tag('line', class_='whisker', x1=low, x2=high, y1=7.0, y2=7.0)
        + tag('line', class_='overall', x1=overall.value * 100, x2=overall.value * 100, y1=0.0, y2=14.0)
    )
    return Markup(  # noqa: S704 - `tag` escaped every value
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
    stops = [
        (number * width + width / 2, 28 - 26 * count / most, f'{low:.4g} to {high:.4g}: {count:,.0f}')
        for number, (low, high, count) in enumerate(buckets)
    ]
    axis = tag('line', class_='axis', x1=0.0, x2=120.0, y1=27.5, y2=27.5)
    return drawing(120, 28, marks + axis, label, stops=stops)
