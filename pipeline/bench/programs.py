# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The parts that run whole programs: the converter and the pipeline."""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.names import SPLITS
from pipeline.bench import conversion, inputs, measuring
from pipeline.bench.measuring import Part, Row
from pipeline.bench.sizes import Sizes

#: How often the notebook procedure passes an image through the base: 80 % of them in ten epochs, 20 % in the test.
_NOTEBOOK_PASSES = 10 * 0.8 + 0.2
_TRIALS = 30
_OPENCV, _CONVERT = 'OpenCV readNetFromCaffe', 'convert to .h5, fsync'
#: A push is part of a run, with random weights too.
_PUSH_ANYTHING = (
    'gate.mode=warn', 'evaluation.min_accuracy=0', 'evaluation.min_auc=0', 'evaluation.min_gender_accuracy=0',
    'evaluation.max_gender_gap=1', 'evaluation.min_examples=1', 'evaluation.min_gender_examples=1',
    'evaluation.max_regression=null', 'evaluation.exit_status_not_blessed=0', 'trainer.standardize=true',
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One run of the pipeline."""

    seconds: float  # of the whole command
    peak_bytes: int  # of resident memory
    first_component_s: float  # from the command to the first component
    stages: dict[str, float]  # seconds of each executed component, cached ones left out
    disk_bytes: dict[str, int]  # of the results, by component
    flops: int  # of the network, for one image
    parameters: int  # of the network
    images: int  # in all splits
    training_images: int
    accuracy: float  # on the test split


def converter(work: Path, sizes: Sizes) -> Part:
    """The converter beside OpenCV's loading of the same file."""
    found: dict[str, Any] = conversion.measure(sizes.converted_width, sizes.repetitions)
    if _OPENCV not in found['steps']:
        return Part(raw=found, skipped='OpenCV is not installed: install the extra "dev"')
    mine, theirs = found['steps'][_CONVERT], found['steps'][_OPENCV]
    rows = [
        Row('converting to .h5 / OpenCV loading, seconds', mine['seconds'] / theirs['seconds'],
            detail=f'{mine["seconds"]:.2f} s / {theirs["seconds"]:.2f} s, {found["bytes"] / 1e6:,.0f} MB of weights'),
        Row('converting to .h5 / OpenCV loading, peak memory', mine['peak_bytes'] / theirs['peak_bytes'],
            detail=f'{mine["peak_bytes"] / 1e6:,.0f} MB / {theirs["peak_bytes"] / 1e6:,.0f} MB'),
    ]  # fmt: skip
    return Part(rows, found)


def scaling(work: Path, sizes: Sizes) -> Part:
    """Runs over one, two and four times the images with a small network: is time linear, memory constant?"""
    found = []
    for times in (1, 2, 4):
        data = work / f'faces_{times}'
        inputs.multiply(work / inputs.FACES, data, times, sizes.scaled_per_folder)
        found.append(_run(work, f'scaled_{times}', 'data.per_folder=null', data=data, network=inputs.SMALL_NETWORK))
    counts, seconds, memory = zip(*((run.images, run.seconds, run.peak_bytes) for run in found), strict=True)
    slope, start = statistics.linear_regression(counts, seconds)
    residual = max(abs(start + slope * x - y) / y for x, y in zip(counts, seconds, strict=True))
    rows = [
        Row('memory at 4 times the images / at once', memory[-1] / memory[0], '×', '<= 1.1',
            ' / '.join(f'{one / 1e9:.2f} GB' for one in reversed(memory))),
        Row('largest distance of a time from a straight line', 100 * residual, '%', '<= 10',
            ', '.join(f'{x:,} images {y:.1f} s' for x, y in zip(counts, seconds, strict=True))),
        Row('a thousand images more', 1000 * slope, 's', detail=f'after {start:.1f} s; network of width '
            f'{sizes.scaled_width}, {sizes.scaled_input_size} pixels'),
    ]  # fmt: skip
    line = {'start_s': start, 'seconds_per_image': slope}
    return Part(rows, {'runs': [asdict(run) for run in found], 'line': line})


def fixed(work: Path, sizes: Sizes) -> Part:
    """A run of two faces a folder, most of which is TFX, beside TFX's own components over the same faces."""
    from pipeline.runs import metadata

    data = work / 'few_faces'
    inputs.multiply(work / inputs.FACES, data, 1, per_folder=2)
    found: list[Run] = []
    plain: list[float] = []
    for number in range(sizes.fixed_rounds):
        name = f'few_{number}'
        found.append(_run(work, name, 'data.per_folder=null', 'robustness.faces=0', data=data,
                          network=inputs.SMALL_NETWORK))  # fmt: skip
        examples = metadata.runs(work / name)[-1].output('StratifiedExampleGen', 'examples')
        program = [sys.executable, '-m', 'pipeline.bench.plain_tfx', examples.uri if examples else '']
        plain.append(measuring.call([*program, str(work / f'plain_{number}')]).seconds)
    seconds = {'pipeline': [run.seconds for run in found], 'plain': plain}
    middle = {name: statistics.median(times) for name, times in seconds.items()}
    row = Row('a run of few faces / plain TFX, seconds', measuring.ratio(seconds, 'pipeline', 'plain'), '×', '<= 1.2',
              f'{middle["pipeline"]:.1f} / {middle["plain"]:.1f} s, {found[0].images} images, medians of '
              f'{sizes.fixed_rounds}')  # fmt: skip
    return Part([row], {'runs': [asdict(run) for run in found], 'seconds': seconds})


def runs(work: Path, sizes: Sizes) -> Part:
    """A whole run beside the notebook procedure; reruns with nothing changed, another head, a search, bfloat16."""
    from components.embedding_gen import precision

    each = _notebook(work, sizes)
    per_folder = f'data.per_folder={sizes.per_folder}'
    first = _run(work, 'whole', per_folder)
    each += _notebook(work, sizes)
    passes = round(_NOTEBOOK_PASSES * first.images)
    projected = statistics.mean(each) * passes
    cached = _run(work, 'whole', per_folder)
    head = _run(work, 'whole', per_folder, 'trainer.hidden_units=48')
    search = _run(work, 'whole', per_folder, 'tuner.enabled=true', f'tuner.trials={_TRIALS}')
    embedding = first.stages['EmbeddingGen']
    executed = ', '.join(f'{name} {seconds:.1f}' for name, seconds in head.stages.items() if seconds >= 0.05)
    rows = [
        Row('notebook, projected / whole pipeline, seconds', projected / first.seconds,
            detail=f'{projected:,.0f} s / {first.seconds:,.0f} s, {first.images:,} images; {passes:,} passes '
            f'(10 epochs of 80 %, a test of 20 %) from 2 epochs of {sizes.fitted} images'),
        Row('whole pipeline, peak memory', first.peak_bytes / 1e9, 'GB', '<= 3', 'the whole process'),
        Row('from the command to the first component', first.first_component_s, 's', '<= 10'),
        Row('the command less EmbeddingGen', first.seconds - embedding, 's', '<= 90',
            f'{first.seconds:.1f} s less {embedding:.1f} s, {first.images:,} images'),
        Row('rerun with nothing changed', cached.seconds, 's', '<= 30', f'{len(cached.stages)} executed'),
        Row('rerun with another head', head.seconds, 's', '<= 60', executed),
        Row(f'Tuner, {_TRIALS} trials', search.stages['Tuner'], 's', '<= 180',
            f'{search.training_images:,} training images of {search.images:,}'),
    ]  # fmt: skip
    raw = {'first': first, 'cached': cached, 'head': head, 'search': search}
    if precision.supported():
        raw['bfloat16'] = half = _run(work, 'whole', per_folder, 'embedding.precision=bfloat16')
        median, largest, seconds = *_relative_error(work / 'whole'), half.stages['EmbeddingGen']
        rows += [
            Row('float32 / bfloat16, seconds of EmbeddingGen', embedding / seconds,
                detail=f'{embedding:.1f} s / {seconds:.1f} s, {first.images:,} images, with loading'),
            Row('bfloat16, relative error of the embeddings', 100 * median, '%',
                detail=f'median over {first.images:,} images, at most {100 * largest:.2g} %'),
            Row('bfloat16, accuracy less that of float32', 100 * (half.accuracy - first.accuracy), 'points',
                detail=f'{half.accuracy:.4f} less {first.accuracy:.4f} on the test split'),
        ]  # fmt: skip
    return Part(rows, {name: asdict(run) for name, run in raw.items()} | {'notebook_seconds_per_image': each})


def _notebook(work: Path, sizes: Sizes) -> list[float]:
    return [measuring.part('network.notebook', work, sizes).raw['seconds_per_image']]


def _relative_error(output: Path) -> tuple[float, float]:
    """|a - b| / |a| of each image's embedding in the first and the last run, Euclidean: the median and the largest."""
    import numpy as np

    from pipeline.model.head_training import read_embeddings
    from pipeline.runs import metadata

    known = metadata.runs(output)
    folders = [run.output('EmbeddingGen', 'embeddings') for run in (known[0], known[-1])]
    patterns = ([f'{folder.uri}/Split-{split}/*' for split in SPLITS] for folder in folders if folder)
    one, other = (read_embeddings(found)[0] for found in patterns)
    errors = np.linalg.norm(one - other, axis=1) / np.linalg.norm(one, axis=1)
    return float(np.median(errors)), float(errors.max())


def _run(work: Path, name: str, *changes: str, data: Path | None = None, network: str = inputs.NETWORK) -> Run:
    """Runs `python -m pipeline run` into the run directory `name`; `changes` are KEY=VALUE of the configuration."""
    from pipeline.runs import metadata

    output, prototxt = work / name, work / network
    done = measuring.call([
        sys.executable, '-m', 'pipeline', 'run', '--config', 'vgg_face', '--data', str(data or work / inputs.FACES),
        '--prototxt', str(prototxt), '--caffemodel', str(prototxt.with_suffix('.caffemodel')), '--output', str(output),
        *(f'--set={change}' for change in (*_PUSH_ANYTHING, *changes)),
    ])  # fmt: skip
    result = json.loads((output / 'report' / 'metrics.json').read_text('utf-8'))
    newest = metadata.runs(output)[-1]
    stages, converted = newest.stages, newest.output('CaffeConverter', 'model')
    summary = json.loads((Path(converted.uri) / 'report.json').read_text('utf-8')) if converted else {}
    return Run(
        seconds=done.seconds,
        peak_bytes=done.peak_bytes,
        first_component_s=min(stage.started for stage in stages) - done.started,
        stages={stage.name: stage.seconds for stage in stages if not stage.cached},
        disk_bytes={stage.name: sum(map(_size, {made.uri for made in stage.outputs.values()})) for stage in stages},
        flops=summary.get('flops', 0),
        parameters=summary.get('parameters', 0),
        images=result['data']['sampled'],
        training_images=sum(result['data']['splits']['train'].values()),
        accuracy=result['overall']['accuracy']['value'],
    )


def _size(folder: str) -> int:
    return sum(file.stat().st_size for file in Path(folder).rglob('*') if file.is_file())
