# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A run's outcome in sentences; the page and the model card say the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def percent(value: float) -> str:
    """0.8321 as '83.2 %', with a no-break space."""
    return f'{value * 100:.1f}\u00a0%'


def between(metric: Mapping[str, float]) -> str:
    """The interval as words."""
    return f'between {percent(metric["low"])} and {percent(metric["high"])}'


def outcome(result: Mapping[str, Any]) -> str:
    """How often the model agrees with the labels."""
    overall = result['overall']
    agreed = overall['true_positives'] + overall['true_negatives']
    return (
        f'The model agrees with the label of {agreed:,} of {overall["examples"]:,} test faces: '
        f'{percent(overall["accuracy"]["value"])}; with 95\u00a0% confidence {between(overall["accuracy"])} on faces '
        'like these.'
    )


def genders(result: Mapping[str, Any]) -> str:
    """How much it differs between women and men."""
    overall, gap = result['overall'], result['gap']
    if not gap:
        return 'The test split has faces of one gender only, so that the genders cannot be compared.'
    women, men = percent(overall['recall']['value']), percent(overall['specificity']['value'])
    points = f'{abs(gap["value"]) * 100:.1f}'
    if gap['low'] <= 0 <= gap['high']:
        return (
            f'It is right about {women} of the women and {men} of the men. The difference of {points} points is '
            'within what chance alone can do with this many faces.'
        )
    better = 'women' if gap['value'] > 0 else 'men'
    return (
        f'It is right about {women} of the women and {men} of the men: {points} points better for {better}, which is '
        'more than chance explains.'
    )


def listed(things: Sequence[str]) -> str:
    """'one', 'one and two', 'one, two and three'."""
    *first, last = things
    return f'{", ".join(first)} and {last}' if first else last


def fine_tuning(history: Mapping[str, Any]) -> str:
    """What training the base too did to the validation split, see `pipeline.model.fine_tuning.training`."""
    start, best, epochs = history['start'], history['best_epoch'], len(history['loss'])
    before = f'loss {start["val_loss"]:.3f}, accuracy {percent(start["val_accuracy"])}'
    if not best:
        return (
            f'None of {epochs} epochs had a lower validation loss than the trained head on the frozen base ({before}), '
            'which was kept.'
        )
    loss, accuracy = history['val_loss'][best - 1], history['val_accuracy'][best - 1]
    return (
        'Upper layers of the base were trained together with the head. On the validation split the trained head on the '
        f'frozen base had {before}; epoch {best} of {epochs}, which was kept, has loss {loss:.3f}, accuracy '
        f'{percent(accuracy)}.'
    )


def weakest(result: Mapping[str, Any]) -> str:
    """The slice with the lowest accuracy."""
    if not result['slices']:
        return ''
    worst = min(result['slices'], key=lambda item: item['metrics']['accuracy']['value'])
    metric, faces = worst['metrics']['accuracy'], worst['metrics']['examples']
    return (
        f'It does worst on {named(worst["slice"])}: {percent(metric["value"])} of {faces:,} faces ({between(metric)}).'
    )


def named(where: Mapping[str, str]) -> str:
    """A slice's name: 'ages 01-10, male', 'race 2'."""
    short = {'gender': '', 'age_band': 'ages '}
    return ', '.join(f'{short.get(name, name.replace("_", " ") + " ")}{value}' for name, value in sorted(where.items()))


def first_upper(text: str) -> str:
    """With its first letter in upper case, the rest as it is."""
    return text[:1].upper() + text[1:]


def bound(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """A bound of `thresholds.check`: of what, the limit, the measured value, 'met' or 'not met'."""
    metric = {'auc': 'AUC', 'examples': 'faces'}.get(row['metric'], row['metric'])
    limit = f'at least {row["low"]:.4g}' if 'low' in row else f'at most {row["high"]:.4g}'
    if 'baseline' in row:
        limit += f' (last blessed model {row["baseline"]:.3f})'
    value = row['value']
    shown = 'undefined' if value is None else f'{value:,}' if row['metric'] == 'examples' else f'{value:.3f}'
    return f'{metric}, {row["slice"]}', limit, shown, 'met' if row['met'] else 'not met'


def setting(value: Any) -> str:
    """A value of the configuration: '0.001', '64+32' for a list, 'yes', 'none'."""
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    if isinstance(value, list):
        return '+'.join(setting(item) for item in value) or 'none'
    if isinstance(value, float):
        return f'{value:.3g}'
    return 'none' if value is None else str(value)


def head(training: Mapping[str, Any]) -> str:
    """The head's settings."""
    return (
        'Head: ' + ', '.join(f'{key.replace("_", " ")} {setting(v)}' for key, v in training['settings'].items()) + '.'
    )


def tuned(training: Mapping[str, Any]) -> str:
    """What the search chose, or ''."""
    if not training['tuned']:
        return ''
    chosen = ', '.join(f'{name.replace("_", " ")} {setting(training["settings"][name])}' for name in training['tuned'])
    return f'Chosen by a search of {len(training["trials"])} trials on the validation split: {chosen}.'


def kept(training: Mapping[str, Any], epochs: int) -> str:
    """Which epoch's weights the head has."""
    settings, epoch = training['settings'], training['kept_epoch']
    best = f', the best by {settings["monitor"]}' if settings['restore_best'] else ''
    early = f'; training stopped early, {settings["epochs"]} were allowed' if epochs < settings['epochs'] else ''
    return f'The head has the weights of epoch {epoch} of {epochs}{best}{early}.'


def paired(pair: Mapping[str, Any]) -> str:
    """What `paired.compare` found, in a sentence; `script.js` says the same one for other runs."""
    if 'why' in pair:
        return f'No test face by face: {pair["why"]}.'
    p = 'p < 0.001' if pair['p'] < 0.001 else f'p = {pair["p"]:.3f}'
    verdict = 'more than chance explains' if pair['p'] < 0.05 else 'no more than chance can do'
    return (
        f'Of the same {pair["faces"]:,} test faces, {pair["first_only"]:,} are right only in the first run and '
        f'{pair["second_only"]:,} only in the second: {verdict} (McNemar’s exact test, {p}).'
    )


def seconds(value: float) -> str:
    """A duration: '38 s', '12 min 5 s', '1 h 3 min'."""
    if value < 100:
        return f'{value:.0f}\u00a0s'
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f'{minutes}\u00a0min {rest}\u00a0s'
    return f'{minutes // 60}\u00a0h {minutes % 60}\u00a0min'
