# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The converter beside OpenCV's loading of the same file, each in processes of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.bench.conversion import measure as measure_converter
from pipeline.bench.results import row
from pipeline.bench.sizes import Sizes

_OPENCV, _CONVERT = 'OpenCV readNetFromCaffe', 'convert to .h5, fsync'


def measure(work: Path, mode: str, sizes: Sizes) -> dict[str, Any]:
    """Time and memory of both."""
    found: dict[str, Any] = measure_converter(sizes.converted_width, sizes.repetitions)
    steps = found['steps']
    if _OPENCV not in steps:
        return {'rows': [], 'skipped': 'OpenCV is not here: install the extra "dev"', 'raw': found}
    mine, theirs = steps[_CONVERT], steps[_OPENCV]
    size = f'{found["bytes"] / 1e6:,.0f} MB of weights'
    return {
        'rows': [
            row('converting to .h5 / OpenCV loading, seconds', mine['seconds'] / theirs['seconds'],
                detail=f'{mine["seconds"]:.2f} s / {theirs["seconds"]:.2f} s, {size}'),
            row('converting to .h5 / OpenCV loading, peak memory', mine['peak_bytes'] / theirs['peak_bytes'],
                detail=f'{mine["peak_bytes"] / 1e6:,.0f} MB / {theirs["peak_bytes"] / 1e6:,.0f} MB'),
        ],
        'raw': found,
    }  # fmt: skip
