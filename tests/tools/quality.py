# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The numbers of docs/results.md from the finished runs of one run directory, one run for each pair of seeds.

python -m tests.tools.quality table RUN_DIR         mean and spread over the runs, by slice, for each configuration
python -m tests.tools.quality curve RUN_DIR         accuracy with a part of the training split, frozen base
python -m tests.tools.quality wrong RUN_DIR PNG     the faces that the models are most wrong about, as one picture
"""

import io
import json
import os
import statistics
import sys
from collections import defaultdict
from pathlib import Path

from pipeline.runs import metadata, run_facts

_SHARES = (0.5, 0.6, 0.75, 0.9, 1.0)
_PICTURES, _COLUMNS, _SIDE = 60, 10, 150


def finished(folder: Path) -> list[tuple[metadata.Run, dict]]:
    """The newest completed run of each configuration, seeds included, with that configuration."""
    found = {}
    for run in metadata.runs(folder):
        facts = run_facts.read(folder, run.id)
        if facts and not run.stopped_in:
            found[json.dumps(facts.config, sort_keys=True)] = (run, facts.config)
    return list(found.values())


def table(folder: Path) -> None:
    """Prints the mean, the standard deviation and each value of the accuracy and the AUC."""
    from components.evaluator import metrics

    groups = defaultdict(list)
    for run, config in finished(folder):
        seeds = [config['data'].pop('seed'), config['trainer'].pop('seed')]
        evaluation = metrics.read(run.output('Evaluator', 'evaluation').uri)
        values = {'overall': evaluation.overall.accuracy.value, 'AUC': evaluation.overall.auc.value}
        values |= {'women - men': evaluation.overall.gap.value}
        values |= {item.name: item.metrics.accuracy.value for item in evaluation.slices}
        kind = f'fine-tuned from {config["fine_tuning"]["unfreeze_from"]}' if run.stage('FineTuner') else 'frozen'
        groups[kind, json.dumps(config, sort_keys=True)].append((seeds, values))
    for (kind, _), runs in groups.items():
        print(f'\n{kind}, {len(runs)} runs, seeds {[seeds for seeds, _ in runs]}\n')
        print('| slice | mean | standard deviation | runs |\n| --- | --- | --- | --- |')
        for name in runs[0][1]:
            column = [values[name] for _, values in runs if name in values]
            spread = statistics.stdev(column) if len(column) > 1 else float('nan')
            print(f'| {name} | {statistics.mean(column):.3f} | {spread:.3f} | {" ".join(f"{v:.3f}" for v in column)} |')


def _split(run: metadata.Run, split: str) -> tuple:
    from pipeline.model.head_training import read_embeddings

    return read_embeddings([f'{run.output("EmbeddingGen", "embeddings").uri}/Split-{split}/*'])


def curve(folder: Path) -> None:
    """Trains the head of each frozen run on random parts of its training split, and prints the test accuracy."""
    import numpy as np

    from pipeline.model.head_training import train_head
    from pipeline.model.settings import TrainerSettings

    found = defaultdict(list)
    for run, config in finished(folder):
        if run.stage('FineTuner'):
            continue
        settings = TrainerSettings.from_dict(config['trainer'])
        (train, labels), validation, (test, truth) = (_split(run, name) for name in ('train', 'validation', 'test'))
        order = np.random.default_rng(settings.seed).permutation(len(train))
        for share in _SHARES:
            part = np.sort(order[: round(share * len(train))])
            head = train_head((train[part], labels[part]), validation, settings, quiet=True).head
            right = (head.predict(test, verbose=0)[:, 0] > 0) == (truth == 1)
            found[share, len(part)].append(float(right.mean()))
    print('| share of train | faces | mean | standard deviation | runs |\n| --- | --- | --- | --- | --- |')
    for (share, faces), values in sorted(found.items()):
        spread = statistics.stdev(values) if len(values) > 1 else float('nan')
        each = ' '.join(f'{value:.3f}' for value in values)
        print(f'| {share:.0%} | {faces:,} | {statistics.mean(values):.3f} | {spread:.3f} | {each} |')


def wrong(folder: Path, target: Path) -> None:
    """Draws the test faces with the highest mean logit for the wrong gender, over the runs that have them in test."""
    import keras
    import numpy as np
    import tensorflow as tf
    from PIL import Image, ImageDraw

    scores, images, labels = defaultdict(list), {}, {}
    for run, _ in finished(folder):
        if run.stage('FineTuner'):
            continue
        head = keras.models.load_model(Path(run.output('Trainer', 'model').uri, 'head.keras'), compile=False)
        logits = head.predict(_split(run, 'test')[0], verbose=0)[:, 0]
        files = sorted(Path(run.output('StratifiedExampleGen', 'examples').uri, 'Split-test').glob('*.gz'))
        records = tf.data.TFRecordDataset(list(map(str, files)), compression_type='GZIP').as_numpy_iterator()
        for record, logit in zip(records, logits, strict=True):
            feature = tf.train.Example.FromString(record).features.feature
            path = feature['path'].bytes_list.value[0].decode()
            label = feature['gender'].int64_list.value[0]
            scores[path].append(logit if label == 0 else -logit)
            images[path], labels[path] = (
                feature['image'].bytes_list.value[0],
                (label, feature['age'].int64_list.value[0]),
            )
    worst = sorted(scores, key=lambda path: -np.mean(scores[path]))
    print(f'{len(scores):,} faces, {sum(np.mean(values) > 0 for values in scores.values()):,} of them wrong on average')
    sheet = Image.new('RGB', (_COLUMNS * _SIDE, -(-_PICTURES // _COLUMNS) * (_SIDE + 14)), 'white')
    draw = ImageDraw.Draw(sheet)
    for number, path in enumerate(worst[:_PICTURES]):
        x, y = number % _COLUMNS * _SIDE, number // _COLUMNS * (_SIDE + 14)
        face = Image.open(io.BytesIO(images[path])).convert('RGB').resize((_SIDE, _SIDE))
        sheet.paste(face, (x, y))
        label, age = labels[path]
        text = f'{number + 1} {"MF"[label]}{age} {np.mean(scores[path]):.1f}'
        draw.text((x + 2, y + _SIDE), text, 'black')
        print(f'{text}  {path}')
    sheet.save(target)


if __name__ == '__main__':
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    command, *paths = sys.argv[1:]
    {'table': table, 'curve': curve, 'wrong': wrong}[command](*map(Path, paths))
