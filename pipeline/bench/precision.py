# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What bfloat16 does to a whole run: the time, the embeddings, the accuracy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.embedding_gen import precision
from pipeline.bench import runs
from pipeline.bench.results import row
from pipeline.bench.sizes import Sizes


def measure(work: Path, mode: str, sizes: Sizes) -> dict[str, Any]:
    """The first whole run's sample through the base once more, in bfloat16."""
    if not precision.supported():
        return {'rows': [], 'raw': {}, 'skipped': 'this processor has no instructions for bfloat16'}
    single = runs.first(work, sizes.per_folder)
    half = runs.run(work, work / 'whole', f'data.per_folder={sizes.per_folder}', 'embedding.precision=bfloat16')
    error = _relative_error(work / 'whole')
    seconds = single['stages']['EmbeddingGen'], half['stages']['EmbeddingGen']
    rows = [
        row('float32 / bfloat16, seconds of EmbeddingGen', seconds[0] / seconds[1],
            detail=f'{seconds[0]:.1f} s / {seconds[1]:.1f} s, {single["images"]:,} images, with loading'),
        row('bfloat16, relative error of the embeddings', 100 * error['median'], '%',
            detail=f'median over {error["images"]:,} images, at most {100 * error["largest"]:.2g} %'),
        row('bfloat16, accuracy less that of float32', 100 * (half['accuracy'] - single['accuracy']), 'points',
            detail=f'{half["accuracy"]:.4f} less {single["accuracy"]:.4f} on the test split'),
    ]  # fmt: skip
    return {'rows': rows, 'raw': {'float32': single, 'bfloat16': half, 'relative_error': error}}


def _relative_error(output: Path) -> dict[str, float]:
    """|a - b| / |a| of each image's embedding (Euclidean), of the first and of the last run."""
    import numpy as np

    from pipeline.model.head_training import read_embeddings
    from pipeline.runs import metadata

    known = metadata.runs(output)
    folders = [run.output('EmbeddingGen', 'embeddings') for run in (known[0], known[-1])]
    one, other = (read_embeddings([f'{folder.uri}/Split-*/*.gz'])[0] for folder in folders if folder)
    errors = np.linalg.norm(one - other, axis=1) / np.linalg.norm(one, axis=1)
    return {'median': float(np.median(errors)), 'largest': float(errors.max()), 'images': len(errors)}
