# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""EmbeddingGen, from files to written embeddings, beside the bare base on a batch that is in memory already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.bench import bench_inputs, measuring
from pipeline.bench.results import row
from pipeline.bench.sizes import Sizes


def load(work: Path, batch_size: int, **changed: Any) -> Any:
    """The Embedder of the bench's base and Transform graph."""
    import tensorflow_transform as tft

    from components.embedding_gen import base_model, embedder
    from components.embedding_gen.settings import Settings

    transform = tft.TFTransformOutput(str(work / bench_inputs.GRAPH)).transform_features_layer()
    return embedder.Embedder(base_model.load(work / bench_inputs.BASE), transform, Settings(batch_size, **changed))


def measure(work: Path, mode: str, sizes: Sizes) -> dict[str, Any]:
    """Throughput of both, memory of EmbeddingGen, and bfloat16 beside float32."""
    import numpy as np
    import tensorflow as tf

    from components.embedding_gen import precision
    from components.embedding_gen.shard_embedder import ShardEmbedder

    single = load(work, sizes.batch_size)
    embed = ShardEmbedder(single)
    embed(work / bench_inputs.SHARD, work / 'embedded.gz')
    peak = measuring.peak()  # before anything else is loaded

    height = sizes.input_size
    batch = tf.constant(np.random.default_rng(0).normal(0, 64, (sizes.batch_size, height, height, 3)), tf.float32)
    bare = tf.function(single.pooled_base)
    bare(batch)

    def base_alone() -> None:
        for _ in range(sizes.embedded // sizes.batch_size):
            bare(batch).numpy()

    functions = {'base': base_alone, 'float32': lambda: embed(work / bench_inputs.SHARD, work / 'embedded.gz')}
    if precision.supported():
        half = ShardEmbedder(load(work, sizes.batch_size, precision=precision.BFLOAT16))
        half(work / bench_inputs.SHARD, work / 'embedded_bfloat16.gz')
        functions['bfloat16'] = lambda: half(work / bench_inputs.SHARD, work / 'embedded_bfloat16.gz')

    seconds = measuring.rounds(functions, sizes.repetitions)
    rate = {name: sizes.embedded / value for name, value in measuring.medians(seconds).items()}
    how = f'{sizes.repetitions} times {sizes.embedded} images, batches of {sizes.batch_size}'
    rows = [
        row('EmbeddingGen / bare base, images per second', measuring.ratio(seconds, 'base', 'float32'), '×', '>= 0.95',
            f'{rate["float32"]:.2f} / {rate["base"]:.2f} images/s, {how}'),
        row('EmbeddingGen, peak memory', peak / 1e9, 'GB', '<= 3', 'the whole process'),
    ]  # fmt: skip
    if 'bfloat16' in rate:
        rows.append(
            row('bfloat16 / float32, images per second', measuring.ratio(seconds, 'float32', 'bfloat16'), '×', '>= 1.9',
                f'{rate["bfloat16"]:.2f} / {rate["float32"]:.2f} images/s, {how}')
        )  # fmt: skip
    return {'rows': rows, 'raw': {'images_per_second': rate, 'seconds': seconds, 'peak_bytes': peak}}
