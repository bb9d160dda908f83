# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The model card, filled from a run.

Sections as in Mitchell et al., "Model Cards for Model Reporting" (FAT* 2019, table 1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report import table, words


@dataclass(frozen=True)
class Section:
    """A heading, paragraphs, points of a list, and a table whose first row is its head; each may be empty."""

    title: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()


def sections(result: dict[str, Any]) -> list[Section]:
    """The card's nine sections.

    Args:
      result: what `collect` returned.
    """
    run, config, data = result['run'], result['config'], result['data']
    training, version = result['training'], run['versions']
    verdict = (
        'It met every bound of its evaluation' if result['blessed'] else 'It did not meet the bounds of its evaluation'
    )
    extra = [name for item in result['slices'] for name in item['slice'] if name not in ('gender', 'age_band')]
    factors = ['gender', 'age band (decades)', 'gender × age band', *dict.fromkeys(extra)]
    grid = config.get('embedding', {}).get('pooling_grid', 1)
    precision = config.get('embedding', {}).get('precision', 'float32')
    own_mean = config.get('transform', {}).get('mean', 'train') == 'train'
    pooling = 'global average pooling' if grid == 1 else f'average pooling over {grid}×{grid} windows'
    tuning = result.get('details', {}).get('fine_tuning')
    layer = config['fine_tuning']['unfreeze_from'] if tuning and tuning['best_epoch'] else None
    base = f'a convolutional base, fine-tuned from layer {layer} on,' if layer else 'a frozen convolutional base'
    learners = ['the head', *['the upper layers of the base'] * bool(layer), *['the mean image'] * own_mean]
    watched = 'watched during training' + (', and chooses the epoch that is kept' if tuning else '')
    return [
        Section(
            'Model details',
            (
                'A classifier that says whether the label of a face would be “male” or “female”: '
                f'{base} converted from Caffe, {pooling}, and a small trained head. '
                f'{verdict}{" and was pushed for serving" if result["pushed"] else " and was not pushed"}.',
            ),
            (
                f'Trained in run {run["id"]} (started {run["started"]}).',
                words.head(training),
                *filter(None, [words.tuned(training)]),
                words.kept(training, len(result['details']['learning']['loss'])),
                f'Base weights, SHA-256: {run["base_sha256"]}; it computes in {precision}.',
                f'Made with face-gender-pipeline {version.get("face-gender-pipeline", "?")}, '
                f'TensorFlow {version.get("tensorflow", "?")}, TFX {version.get("tfx", "?")}.',
                'Input: one aligned face as JPEG or PNG. Output: the probability of the label “female”.',
            ),
        ),
        Section(
            'Intended use',
            (
                'To study how a fixed face representation carries labelled gender, and as a worked example of a '
                'pipeline.',
            ),
            (
                'Not for decisions about people: not for identification, access, advertising, policing, hiring or '
                'anything else that treats a person by what this model says.',
                'Not a statement about anybody’s gender: it predicts a binary label that others assigned by '
                'appearance.',
                'Not for faces unlike the training data: other crops, drawings, children under 1, people above 70.',
            ),
        ),
        Section('Factors', (f'The evaluation is split by {", ".join(factors)}.',
                'Skin tone, ethnicity, lighting, camera, expression, glasses and image quality matter as well; unless '
                'listed above they are not labelled here, and nothing is known about them.')),
        Section(
            'Metrics',
            (
                'Accuracy, precision, recall, specificity, areas under the ROC and the precision-recall curve; '
                'positive means female, the decision threshold is 0.5.',
                'Intervals are at 95 %: Clopper-Pearson for proportions, Hanley-McNeil for the ROC area, Boyd’s logit '
                'interval for the precision-recall area, Newcombe’s for the difference between genders.',
            ),
        ),
        Section('Evaluation data', (_split('test', data, 'never used for training or for choosing settings'),)),
        Section(
            'Training data',
            (
                _split('train', data, f'learned from by {words.listed(learners)}'),
                _split('validation', data, watched),
                f'{data["found"]:,} files were found; {sum(data["rejected"].values()):,} were rejected, '
                f'{data["duplicates"]:,} were duplicates, {data["conflicting"]:,} had conflicting labels. '
                f'Fingerprint of the data: {run["data_fingerprint"]}.',
            ),
        ),
        Section('Quantitative analyses', (words.outcome(result), words.genders(result), words.weakest(result)),
                tuple('Bound on {}: {}; measured {}: {}.'.format(*words.bound(row)) for row in result['bounds']),
                table=_table(result)),
        Section(
            'Ethical considerations',
            (),
            (
                'Gender is not binary and is not visible; the labels record how somebody saw a face.',
                'The faces are those of real people, who as a rule were not asked. The report can be made without them '
                '(report.faces: false).',
                'Mistakes are not spread evenly: the table above shows where they fall.',
            ),
        ),
        Section(
            'Caveats and recommendations',
            (),
            (
                'The intervals say what chance does to a sample of faces like the test split, not what other faces do.',
                'Slices with few faces have wide intervals; compare intervals, not values.',
                'One person may appear in several images, which makes the intervals narrower than they should be.',
                'Measure again on your own labelled faces before any use.',
            ),
        ),
    ]  # fmt: skip


def _split(name: str, data: dict[str, Any], role: str) -> str:
    counts = data['splits'][name]
    genders = ', '.join(f'{number:,} {gender}' for gender, number in counts.items())
    return f'The {name} split: {sum(counts.values()):,} faces ({genders}); {role}.'


def _table(result: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    rows = [*table.headline_rows(result)]
    rows += [
        (words.named(item['slice']), item['metrics']) for item in result['slices'] if list(item['slice']) != ['gender']
    ]
    head = ('slice', 'faces', *table.COLUMNS)
    return (head, *((name, f'{m["examples"]:,}', *(cell(m, column) for column in table.COLUMNS)) for name, m in rows))


def cell(metrics: dict[str, Any], column: str) -> str:
    """A metric as '0.832 (0.783–0.874)', or why there is none."""
    metric = metrics[column]
    if metric is None:
        return table.undefined(metrics)
    return f'{metric["value"]:.3f} ({metric["low"]:.3f}–{metric["high"]:.3f})'


def markdown(card: Sequence[Section]) -> str:
    """The card as CommonMark with tables; what comes from files cannot become markup."""
    blocks = ['# Model card: gender classifier on aligned faces']
    for section in card:
        blocks.append(f'## {section.title}')
        blocks += [_escaped(paragraph) for paragraph in section.paragraphs if paragraph]
        if section.points:
            blocks.append('\n'.join(f'- {_escaped(point)}' for point in section.points))
        if section.table:
            head, *rows = (tuple(_escaped(text) for text in row) for row in section.table)
            rule = ('---', *('---:' for _ in head[1:]))
            blocks.append('\n'.join(f'| {" | ".join(row)} |' for row in (head, rule, *rows)))
    return '\n\n'.join(blocks) + '\n'


def _escaped(words_: str) -> str:
    return re.sub(r'([\\`*_\[\]<>|#&~])', r'\\\1', ' '.join(words_.split()))
