# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""One image through the exported model beside one image through the bare base."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.bench import bench_inputs, embedding, measuring
from pipeline.bench.results import row
from pipeline.bench.sizes import Sizes


def measure(work: Path, mode: str, sizes: Sizes) -> dict[str, Any]:
    """Milliseconds of `serving_default`, of what `predict` does for a file, and of the base at batch 1."""
    import tensorflow as tf

    from components import names
    from pipeline.model import export
    from pipeline.model.head import build_head
    from pipeline.model.settings import TrainerSettings
    from pipeline.serving import image_files, predict

    settings = TrainerSettings(standardize=False)
    whole = embedding.load(work, sizes.batch_size)
    export.export(export.GenderModel(whole, build_head(whole.size, settings)), str(work / 'exported'))
    exported = tf.saved_model.load(str(work / 'exported'))
    signature = exported.signatures[names.SERVING]
    ask = predict.load(work / 'exported')
    file = bench_inputs.images(bench_inputs.faces(work), 1)[0]
    encoded = tf.constant([file.read_bytes()])
    image = whole.images(encoded)
    bare = tf.function(whole.pooled_base)
    functions = {
        'base': lambda: bare(image).numpy(),
        'serving_default': lambda: signature(image_bytes=encoded)[names.PROBABILITY].numpy(),
        'predict': lambda: list(predict.predict(ask, [image_files.Source(str(file))])),
    }
    measuring.rounds(functions, 3)
    called = measuring.rounds(functions, sizes.calls)
    seconds = measuring.medians(called)
    rows = [
        row(f'{name} / bare base, one image', measuring.ratio(called, name, 'base'), target='<= 1.1',
            detail=f'{1e3 * seconds[name]:.1f} / {1e3 * seconds["base"]:.1f} ms, medians of {sizes.calls}')
        for name in ('serving_default', 'predict')
    ]  # fmt: skip
    return {'rows': rows, 'raw': {'seconds': seconds}}
