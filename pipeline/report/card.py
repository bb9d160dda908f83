# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The model card of a run.

Sections as in Mitchell et al., "Model Cards for Model Reporting" (FAT* 2019, table 1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from components import names
from components.evaluator.metrics import SliceMetrics
from pipeline.report import words
from pipeline.report.content import Report
from pipeline.runs.history import COLUMNS, title


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, a list of points, and a table whose first row is its head; each may be empty."""

    title: str
    paragraphs: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()


def sections(report: Report) -> list[Section]:
    """The card's nine sections, for a report with training."""
    assert report.training  # noqa: S101 - for mypy
    facts, data, overall = report.run.facts, report.data, report.evaluation.overall
    config, versions, training = facts.config, facts.versions, report.training
    tuning = report.details.fine_tuning
    layer = config['fine_tuning']['unfreeze_from'] if tuning and tuning['kept_epoch'] else None
    extra = dict.fromkeys(
        name for item in report.evaluation.slices for name in item.slice if name not in (names.GENDER, names.AGE_BAND)
    )
    base = f'a convolutional base, fine-tuned from layer {layer},' if layer else 'a frozen convolutional base'
    grid = config.get('embedding', {}).get('pooling_grid', 1)
    pooling = 'global average pooling' if grid == 1 else f'average pooling over {grid}×{grid} windows'
    met = 'met every threshold of its evaluation' if report.blessed else 'did not meet the thresholds of its evaluation'
    own_mean = config.get('transform', {}).get('mean', 'train') == 'train'
    trained = ['the head', *['the upper layers of the base'] * bool(layer), *['the mean image'] * own_mean]
    return [
        Section(
            'Model details',
            (
                'A classifier that predicts whether a face is labelled “male” or “female”: '
                f'{base} converted from Caffe, {pooling}, and a small trained head. '
                f'It {met} and was {"" if report.run.pushed else "not "}pushed for serving.',
            ),
            (
                f'Trained in run {report.run.id} (started {report.run.started}).',
                words.head(training),
                *filter(None, [words.tuned(training)]),
                words.kept(training, len(report.details.learning['loss'])),
                f'Base weights, SHA-256: {facts.caffemodel_sha256}; computed in '
                f'{config.get("embedding", {}).get("precision", "float32")}.',
                f'Made with face-gender-pipeline {versions.get("face-gender-pipeline", "?")}, '
                f'TensorFlow {versions.get("tensorflow", "?")}, TFX {versions.get("tfx", "?")}.',
                'Input: one aligned face as JPEG or PNG. Output: the probability of the label “female”.',
            ),
        ),
        Section(
            'Intended use',
            (
                'To study how much a fixed face representation reveals about labelled gender, and as a worked example '
                'of a pipeline.',
            ),
            (
                'Not for decisions about people: not for identification, access, advertising, policing, hiring or any '
                'other use that treats a person by the prediction.',
                'Not a statement about anybody’s gender: the model predicts a binary label that others assigned by '
                'appearance.',
                'Not for faces unlike the training data: other crops, drawings, children under 1, people over 70.',
            ),
        ),
        Section(
            'Factors',
            (
                f'The evaluation is sliced by {", ".join(["gender, age band (decades), gender × age band", *extra])}.',
                'Skin tone, ethnicity, lighting, camera, expression, glasses and image quality matter too. Unless '
                'listed above, they are not labelled here, and their effect is unknown.',
            ),
        ),
        Section(
            'Metrics',
            (
                'Accuracy, precision, recall, specificity, areas under the ROC and the precision-recall curve. '
                'The positive class is female; the decision threshold is 0.5.',
                '95 % intervals: Clopper-Pearson for proportions, Hanley-McNeil for the ROC area, Boyd’s logit '
                'interval for the precision-recall area, Newcombe’s for the difference between genders.',
            ),
        ),
        Section('Evaluation data', (_split('test', data, 'not used for training or for choosing settings'),)),
        Section(
            'Training data',
            (
                _split('train', data, f'used to train {words.listed(trained)}'),
                _split('validation', data, 'monitored during training' + (', to choose the epoch' if tuning else '')),
                f'{data["found"]:,} files were found; {sum(data["rejected"].values()):,} were rejected, '
                f'{data["duplicates"]:,} were duplicates, {data["conflicting"]:,} had conflicting genders. '
                f'Fingerprint of the data: {facts.data_fingerprint}.',
            ),
        ),
        Section(
            'Quantitative analyses',
            (
                words.outcome(overall),
                words.genders(overall),
                words.findings(report.findings),
                words.weakest(report.evaluation),
            ),
            tuple('Threshold for {}: {}; measured {}: {}.'.format(*words.threshold(row)) for row in report.thresholds),
            table=_table(report),
        ),
        Section(
            'Ethical considerations',
            (),
            (
                'Gender is not binary and is not visible; the labels record how somebody saw a face.',
                'The faces belong to real people, most of whom were not asked. `report.faces: none` makes a report '
                'without them.',
                'Mistakes are not spread evenly; the table above shows where they fall.',
            ),
        ),
        Section(
            'Caveats and recommendations',
            (),
            (
                'The intervals cover chance in sampling faces like the test split, not other kinds of faces.',
                'Slices with few faces have wide intervals; compare intervals, not values.',
                *filter(None, [words.robustness(report.robustness)]),
                'Several images may show one person, which makes the intervals too narrow.',
                'Before any use, measure again on your own labelled faces.',
            ),
        ),
    ]


def _split(name: str, data: Mapping[str, Mapping[str, Mapping[str, int]]], role: str) -> str:
    counts = data['splits'][name]
    genders = ', '.join(f'{number:,} {gender}' for gender, number in counts.items())
    return f'The {name} split: {sum(counts.values()):,} faces ({genders}); {role}.'


def _table(report: Report) -> tuple[tuple[str, ...], ...]:
    rows = [*report.evaluation.by_gender().items()]
    rows += [(item.name, item.metrics) for item in report.evaluation.slices if not item.by_gender_alone]
    cells = ((name, f'{metrics.examples:,}', *(_cell(metrics, column) for column in COLUMNS)) for name, metrics in rows)
    return (('slice', 'faces', *map(title, COLUMNS)), *cells)


def _cell(metrics: SliceMetrics, column: str) -> str:
    """A metric as '0.832 (0.783–0.874)'; '–' where the slice does not define it."""
    metric = getattr(metrics, column)
    return f'{metric.value:.3f} ({metric.low:.3f}–{metric.high:.3f})' if metric else '–'


def markdown(card: Sequence[Section]) -> str:
    """The card as CommonMark with tables. All text is escaped."""
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


def _escaped(text: str) -> str:
    return re.sub(r'([\\`*_\[\]<>|#&~])', r'\\\1', ' '.join(text.split()))
