# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A run's outcome in sentences, for the page and the model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components import names
from components.evaluator.metrics import Evaluation, Metric, SliceMetrics
from components.evaluator.thresholds import Threshold
from components.robustness_evaluator.measuring import Frame
from pipeline.report.comparison import mcnemar
from pipeline.report.content import Training
from pipeline.report.findings import DEFICIT, Findings
from pipeline.runs.history import title

_MOST_FINDINGS = 3


def percent(value: float) -> str:
    """0.8321 as '83.2 %', with a no-break space."""
    return f'{value * 100:.1f}\u00a0%'


def interval(metric: Metric) -> str:
    """A 95 % interval as '78.3 % to 87.4 %'."""
    return f'{percent(metric.low)} to {percent(metric.high)}'


def outcome(overall: SliceMetrics) -> str:
    """The accuracy over all test faces."""
    right = overall.true_positives + overall.true_negatives
    return (
        f'The model agrees with the label of {right:,} of {overall.examples:,} test faces: accuracy '
        f'{percent(overall.accuracy.value)} (95\u00a0% interval: {interval(overall.accuracy)}).'
    )


def genders(overall: SliceMetrics) -> str:
    """The accuracy of women and men."""
    if not (overall.gap and overall.recall and overall.specificity):
        return 'The test split has faces of one gender only, so the genders cannot be compared.'
    points = f'{abs(overall.gap.value) * 100:.1f} points'
    both = f'Accuracy is {percent(overall.recall.value)} for women and {percent(overall.specificity.value)} for men.'
    if overall.gap.low <= 0 <= overall.gap.high:
        return f'{both} Over all ages, chance alone can explain the difference of {points} in a sample of this size.'
    better = 'women' if overall.gap.value > 0 else 'men'
    return f'{both} It is {points} higher for {better}, more than chance explains.'


def findings(found: Findings) -> str:
    """The slices that are beyond chance, the largest three first; '' if none was looked at."""
    if not found.looked_at:
        return ''
    method = f'after correction for {found.looked_at:,} comparisons (Benjamini–Hochberg, 5\u00a0%)'
    if not found.beyond_chance:
        return f'No slice differs by more than chance explains, {method}.'
    named = []
    for row in found.beyond_chance[:_MOST_FINDINGS]:
        points = f'{abs(row.difference.value) * 100:.1f} points'
        ends = sorted(abs(end) * 100 for end in (row.difference.low, row.difference.high))
        if row.kind == DEFICIT:
            what = f'{row.slice}, {points} less accurate than the other faces'
        else:
            better, worse = ('women', 'men') if row.difference.value > 0 else ('men', 'women')
            what = f'{row.slice}, {points} more accurate for {better} than for {worse}'
        named.append(f'{what} ({ends[0]:.1f} to {ends[1]:.1f})')
    more = len(found.beyond_chance) - len(named)
    others = f'; {more} more below' if more else ''
    return f'Beyond chance, {method}: {"; ".join(named)}{others}.'


def weakest(evaluation: Evaluation) -> str:
    """The slice with the lowest accuracy; '' without slices."""
    worst = evaluation.weakest
    if not worst:
        return ''
    accuracy, faces = worst.metrics.accuracy, worst.metrics.examples
    return f'The weakest slice is {worst.name}: {percent(accuracy.value)} of {faces:,} faces ({interval(accuracy)}).'


def age(years: int) -> str:
    """An age: 'age 25', 'age unknown'."""
    return f'age {names.UNKNOWN if years == names.UNKNOWN_AGE else years}'


def first_upper(text: str) -> str:
    """Capitalizes the first letter only."""
    return text[:1].upper() + text[1:]


def listed(things: Sequence[str]) -> str:
    """'one', 'one and two', 'one, two and three'."""
    *first, last = things
    return f'{", ".join(first)} and {last}' if first else last


def fine_tuning(history: Mapping[str, Any]) -> str:
    """The effect of fine-tuning on the validation split, see `pipeline.model.fine_tuning.training`."""
    start, kept, epochs = history['start'], history['kept_epoch'], len(history['loss'])
    before = f'loss {start["val_loss"]:.3f}, accuracy {percent(start["val_accuracy"])}'
    if not kept:
        return (
            f'None of the {epochs} epochs lowered the validation loss, so the head on the frozen base was kept '
            f'({before}).'
        )
    loss, accuracy = history['val_loss'][kept - 1], history['val_accuracy'][kept - 1]
    return (
        f'The upper layers of the base were trained together with the head. On the validation split, the head on the '
        f'frozen base had {before}. Epoch {kept} of {epochs} was kept: loss {loss:.3f}, accuracy {percent(accuracy)}.'
    )


def frame_p(frame: Frame) -> float:
    """The p-value of McNemar's test between a frame and the same faces as they are."""
    return mcnemar(frame.both.gained, frame.both.lost)


def robustness(frames: Sequence[Frame]) -> str:
    """The frame with the lowest accuracy, and whether chance can explain it; '' if none was measured."""
    changed = [frame for frame in frames[1:] if frame.both.faces]
    if not changed:
        return ''
    worst = min(changed, key=lambda frame: frame.both.right)
    faces, here, before = worst.both.faces, worst.both.right, frames[0].both.right
    start = f'Of {faces:,} test faces, the model classifies {percent(before / faces)} correctly as they are'
    if here >= before:
        return f'{start}, and at least as many in every other frame.'
    chance = 'a larger loss than chance explains' if frame_p(worst) < 0.05 else 'chance alone can explain this'
    return f'{start} and {percent(here / faces)} in the hardest frame ({worst.name}): {chance}.'


def threshold(row: Threshold) -> tuple[str, str, str, str]:
    """A checked threshold: the metric and slice, the limit, the measured value, 'met' or 'not met'."""
    baseline = '' if row.baseline is None else f' (last blessed model {row.baseline:.3f})'
    shown = 'undefined' if row.value is None else f'{row.value:,}' if row.metric == 'examples' else f'{row.value:.3f}'
    outcome = 'met' if row.met else 'not met'
    return f'{title(row.metric)}, {row.slice}', row.limit + baseline, shown, outcome


def setting(value: Any) -> str:
    """A value of the configuration: '0.001', '64+32' for a list, 'yes', 'none'."""
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, list):
        return '+'.join(setting(item) for item in value) or 'none'
    if isinstance(value, float):
        return f'{value:.3g}'
    return 'none' if value is None else str(value)


def _settings(values: Mapping[str, Any]) -> str:
    return ', '.join(f'{name.replace("_", " ")} {setting(value)}' for name, value in values.items())


def head(training: Training) -> str:
    """The head's settings."""
    return f'Head: {_settings(training.settings)}.'


def tuned(training: Training) -> str:
    """The values that the tuner chose; '' without a tuner."""
    if not training.tuned:
        return ''
    chosen = _settings({name: training.settings[name] for name in training.tuned})
    return f'Chosen in {len(training.trials)} trials on the validation split: {chosen}.'


def kept(training: Training, epochs: int) -> str:
    """The epoch whose weights the head has."""
    settings = training.settings
    best = f', the best by {settings["monitor"]}' if settings['restore_best'] else ''
    early = (
        f' Training stopped early, before the maximum of {settings["epochs"]}.' if epochs < settings['epochs'] else ''
    )
    return f'The head has the weights of epoch {training.kept_epoch} of {epochs}{best}.{early}'


def seconds(value: float) -> str:
    """A duration: '38 s', '12 min 5 s', '1 h 3 min'."""
    if value < 100:
        return f'{value:.0f}\u00a0s'
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f'{minutes}\u00a0min {rest}\u00a0s'
    return f'{minutes // 60}\u00a0h {minutes % 60}\u00a0min'
