# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Converted networks beside OpenCV's dnn: the same files, batch and number of threads, in one process.

The converted ones run as in EmbeddingGen and in the exported model, with normalisation folded into the convolutions.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.bench import inputs, measuring
from pipeline.bench.measuring import Part, Row
from pipeline.bench.sizes import Sizes

_BATCH = 8


@dataclass(frozen=True)
class _Network:
    name: str
    prototxt: Path
    caffemodel: Path
    output_layer: str


def opencv(work: Path, sizes: Sizes) -> Part:
    """One batch through each network, both ways; the files of two networks are optional."""
    try:
        import cv2
    except ImportError:
        return Part(skipped='OpenCV is not installed: install the extra "dev"')
    threads = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    cv2.setNumThreads(threads)  # TensorFlow's default
    part, missing = Part(), []
    for network in _networks(work):
        if not network.caffemodel.is_file():
            missing.append(str(network.caffemodel))
            continue
        functions, difference = _functions(network)
        measuring.rounds(functions, 1)
        part.raw[network.name] = seconds = measuring.rounds(functions, sizes.repetitions)
        ours, theirs = (statistics.median(seconds[name]) for name in ('converted', 'opencv'))
        part.rows.append(
            Row(f'{network.name}, converted / OpenCV, seconds', measuring.ratio(seconds, 'converted', 'opencv'),
                '×', '<= 1.1', f'{1e3 * ours:.0f} / {1e3 * theirs:.0f} ms, {_BATCH} images, {threads} threads, '
                f'largest relative difference {difference:.0e}')
        )  # fmt: skip
    if missing:
        part.skipped = f'no {", ".join(missing)}'
    return part


def _networks(work: Path) -> Iterator[_Network]:
    vgg = work / inputs.NETWORK
    yield _Network('VGG-16', vgg, vgg.with_suffix('.caffemodel'), 'pool5')
    folder = inputs.MODELS / 'mobilefacenet'
    yield _Network('MobileFaceNet', folder / 'deploy.prototxt', folder / 'mobilefacenet.caffemodel', 'fc1_scale')
    folder = inputs.MODELS / 'res10_face_detector'
    weights = folder / 'res10_300x300_ssd_iter_140000.caffemodel'
    yield _Network('ResNet-10', folder / 'deploy.prototxt', weights, 'last_relu')


def _functions(network: _Network) -> tuple[dict[str, Callable[[], object]], float]:
    """One batch through either, and their largest difference relative to OpenCV's largest value."""
    import cv2
    import numpy as np
    import tensorflow as tf

    from components import caffe_converter
    from components.embedding_gen.folding import folded

    files, end = (network.prototxt, network.caffemodel), network.output_layer
    model = folded(caffe_converter.convert(*files, output_layer=end))
    net = cv2.dnn.readNetFromCaffe(*map(str, files))
    x = np.random.default_rng(0).normal(size=(_BATCH, *model.input_shape[1:])).astype(np.float32)
    images = tf.constant(x)
    blob = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    converted = tf.function(lambda batch: model(batch, training=False))

    def theirs() -> np.ndarray:
        net.setInput(blob)
        return net.forward(end)

    got, want = converted(images).numpy(), theirs()
    if got.ndim == 4:
        got = got.transpose(0, 3, 1, 2)
    difference = float(np.abs(got.reshape(want.shape) - want).max() / np.abs(want).max())
    return {'converted': lambda: converted(images).numpy(), 'opencv': theirs}, difference
