# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The whole pipeline beside the notebook procedure."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from pipeline.bench import measuring, notebook, runs
from pipeline.bench.results import row
from pipeline.bench.sizes import Sizes


def measure(work: Path, mode: str, sizes: Sizes) -> dict[str, Any]:
    """An epoch of the notebook before and after one whole run, projected to ten and the test."""
    epochs = [measuring.part('notebook', work, mode)]
    found = runs.first(work, sizes.per_folder)
    epochs.append(measuring.part('notebook', work, mode))
    each = statistics.median(epoch['seconds_per_image'] for epoch in epochs)
    passes = round(notebook.PASSES_PER_IMAGE * found['images'])
    projected = each * passes
    rows = [
        row('notebook, projected / whole pipeline, seconds', projected / found['seconds'],
            detail=f'{projected:,.0f} s / {found["seconds"]:,.0f} s, {found["images"]:,} images; {passes:,} passes '
            f'(10 epochs of 80 %, a test of 20 %) from 2 epochs of {sizes.fitted} images'),
        row('whole pipeline, peak memory', found['peak_bytes'] / 1e9, 'GB', '<= 3', 'the whole process'),
    ]  # fmt: skip
    return {'rows': rows, 'raw': {'run': found, 'seconds_per_image': epochs, 'notebook_s': projected}}
