# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The parts that call the base in process: EmbeddingGen, single images, the notebook procedure."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.bench import inputs, measuring
from pipeline.bench.measuring import Part, Row
from pipeline.bench.sizes import Sizes

if TYPE_CHECKING:
    from components.embedding_gen.embedder import Embedder

_NOTEBOOK_BATCH = 20


def embedding(work: Path, sizes: Sizes) -> Part:
    """EmbeddingGen, from a file to written embeddings, beside the bare base on a batch in memory; also in bfloat16."""
    import numpy as np
    import tensorflow as tf

    from components.embedding_gen import precision
    from components.embedding_gen.shard_embedder import ShardEmbedder

    single = _embedder(work, sizes)
    embed = functools.partial(ShardEmbedder(single), work / inputs.SHARD, work / 'float32.gz')
    embed()
    peak = measuring.peak_bytes()  # before anything else is loaded
    shape = (sizes.batch_size, sizes.input_size, sizes.input_size, 3)
    batch = tf.constant(np.random.default_rng(0).normal(0, 64, shape), tf.float32)
    bare = tf.function(single.pooled_base)
    bare(batch)
    batches = range(sizes.embedded // sizes.batch_size)
    functions: dict[str, Callable[[], object]] = {
        'base': lambda: [bare(batch).numpy() for _ in batches],
        'float32': embed,
    }
    if precision.supported():
        half = ShardEmbedder(_embedder(work, sizes, precision=precision.BFLOAT16))
        functions['bfloat16'] = functools.partial(half, work / inputs.SHARD, work / 'bfloat16.gz')
        functions['bfloat16']()

    seconds = measuring.rounds(functions, sizes.repetitions)
    rate = {name: sizes.embedded / statistics.median(found) for name, found in seconds.items()}
    how = f'{sizes.repetitions} times {sizes.embedded} images, batches of {sizes.batch_size}'
    rows = [
        Row('EmbeddingGen / bare base, images per second', measuring.ratio(seconds, 'base', 'float32'), '×', '>= 0.95',
            f'{rate["float32"]:.2f} / {rate["base"]:.2f} images/s, {how}'),
        Row('EmbeddingGen, peak memory', peak / 1e9, 'GB', '<= 3', 'the whole process'),
    ]  # fmt: skip
    if 'bfloat16' in rate:
        rows.append(
            Row('bfloat16 / float32, images per second', measuring.ratio(seconds, 'float32', 'bfloat16'), '×', '>= 1.9',
                f'{rate["bfloat16"]:.2f} / {rate["float32"]:.2f} images/s, {how}')
        )  # fmt: skip
    return Part(rows, {'images_per_second': rate, 'seconds': seconds, 'peak_bytes': peak})


def small_base(work: Path, sizes: Sizes) -> Part:
    """The same for a base of a hundredth of VGG-16's computation, where decoding and bookkeeping count."""
    import numpy as np
    import tensorflow as tf

    from components import caffe_converter
    from components.embedding_gen import embedder
    from components.embedding_gen.shard_embedder import ShardEmbedder
    from pipeline import config
    from pipeline.model.preprocessing import preprocessing_fn

    folder = inputs.MODELS / 'mobilefacenet'
    files = folder / 'deploy.prototxt', folder / 'mobilefacenet.caffemodel'
    if not files[1].is_file():
        return Part(skipped=f'no {files[1]}')
    settings = config.load('face_recognizer')
    base = caffe_converter.convert(*files, output_layer=settings.model.output_layer)
    _, height, width, channels = base.input_shape
    size = {'height': height, 'width': width, 'transform': settings.transform.as_dict()}
    single = embedder.Embedder(base, functools.partial(preprocessing_fn, custom_config=size), settings.embedding)
    batches, images = 4 * sizes.embedded // single.batch_size + 1, single.batch_size
    inputs.shard(work / 'small_base.gz', inputs.images(work, batches * images))
    batch = tf.constant(np.random.default_rng(0).normal(0, 0.5, (images, height, width, channels)), tf.float32)
    bare = tf.function(single.pooled_base)
    functions: dict[str, Callable[[], object]] = {
        'base': lambda: [bare(batch).numpy() for _ in range(batches)],
        'pipeline': functools.partial(ShardEmbedder(single), work / 'small_base.gz', work / 'small_base_embedded.gz'),
    }
    measuring.rounds(functions, 1)
    seconds = measuring.rounds(functions, sizes.repetitions)
    rate = {name: batches * images / statistics.median(found) for name, found in seconds.items()}
    row = Row('MobileFaceNet: EmbeddingGen / bare base, images/s', measuring.ratio(seconds, 'base', 'pipeline'), '×',
              '>= 0.85', f'{rate["pipeline"]:.0f} / {rate["base"]:.0f} images/s, {batches * images} images, batches of '
              f'{images}')  # fmt: skip
    return Part([row], {'images_per_second': rate, 'seconds': seconds})


def latency(work: Path, sizes: Sizes) -> Part:
    """One image through `serving_default` and through `predict`, beside one image through the bare base."""
    import tensorflow as tf

    from components import names
    from pipeline.model import export
    from pipeline.model.head import build_head
    from pipeline.model.settings import TrainerSettings
    from pipeline.serving import image_files, predict

    embedder = _embedder(work, sizes)
    head = build_head(embedder.size, TrainerSettings(standardize=False))
    export.export(export.GenderModel(embedder, head), str(work / 'exported'))
    signature = tf.saved_model.load(str(work / 'exported')).signatures[names.SERVING]
    model = predict.load(work / 'exported')
    (file,) = inputs.images(work, 1)
    encoded = tf.constant([file.read_bytes()])
    image = embedder.images(encoded)
    bare = tf.function(embedder.pooled_base)
    functions = {
        'base': lambda: bare(image).numpy(),
        'serving_default': lambda: signature(image_bytes=encoded)[names.PROBABILITY].numpy(),
        'predict': lambda: list(predict.predict(model, [image_files.Source(str(file))])),
    }
    measuring.rounds(functions, 3)
    seconds = measuring.rounds(functions, sizes.calls)
    ms = {name: 1e3 * statistics.median(found) for name, found in seconds.items()}
    rows = [
        Row(f'{name} / bare base, one image', measuring.ratio(seconds, name, 'base'), '×', '<= 1.1',
            f'{ms[name]:.1f} / {ms["base"]:.1f} ms, medians of {sizes.calls}')
        for name in ('serving_default', 'predict')
    ]  # fmt: skip
    return Part(rows, {'milliseconds': ms})


def notebook(work: Path, sizes: Sizes) -> Part:
    """An epoch of Keras' `fit` through the whole frozen base over decoded images in memory, after a short first one."""
    import keras
    import numpy as np
    import tensorflow as tf

    from components.embedding_gen import base_model
    from pipeline.model.preprocessing import decode

    files = inputs.images(work, sizes.fitted)
    size = sizes.input_size
    pixels = np.stack([decode(tf.constant(file.read_bytes()), size, size).numpy() for file in files])
    pixels -= pixels.mean(axis=0)
    labels = np.array([file.parent.name.endswith('F') for file in files], np.float32)[:, np.newaxis]

    base = base_model.load(work / inputs.BASE)
    x = keras.layers.GlobalAveragePooling2D()(base(base.inputs[0], training=False))
    x = keras.layers.Dropout(0.25)(keras.layers.Dense(32, activation='relu')(x))
    model = keras.Model(base.inputs[0], keras.layers.Dense(1)(x))
    model.compile(keras.optimizers.Adam(0.001), keras.losses.BinaryCrossentropy(from_logits=True))
    first = slice(2 * _NOTEBOOK_BATCH)
    model.fit(pixels[first], labels[first], batch_size=_NOTEBOOK_BATCH, epochs=1, verbose=0)
    started = time.perf_counter()
    model.fit(pixels, labels, batch_size=_NOTEBOOK_BATCH, epochs=1, verbose=0)
    return Part(raw={'seconds_per_image': (time.perf_counter() - started) / len(files)})


def _embedder(work: Path, sizes: Sizes, **settings: Any) -> Embedder:
    """The base behind the pipeline's own preprocessing; a fixed mean needs no analysis and costs the same."""
    from components.embedding_gen import base_model, embedder
    from components.embedding_gen.settings import Settings
    from pipeline.model.preprocessing import preprocessing_fn

    size = {'height': sizes.input_size, 'width': sizes.input_size}
    transform = functools.partial(preprocessing_fn, custom_config={**size, 'transform': {'mean': 'fixed'}})
    base = base_model.load(work / inputs.BASE)
    return embedder.Embedder(base, transform, Settings(batch_size=sizes.batch_size, **settings))
