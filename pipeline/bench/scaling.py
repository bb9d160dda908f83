# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Once, twice and four times the images through a small network: time a straight line, memory flat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.bench import bench_inputs, runs
from pipeline.bench.results import row
from pipeline.bench.sizes import Sizes

_TIMES = (1, 2, 4)


def measure(work: Path, mode: str, sizes: Sizes) -> dict[str, Any]:
    """Whole runs over every copy."""
    found = []
    for times in _TIMES:
        data = work / f'faces_{times}'
        bench_inputs.multiply(bench_inputs.faces(work), data, times, sizes.scaled_per_folder)
        output = work / f'scaled_{times}'
        found.append(runs.run(work, output, 'data.per_folder=null', data=data, small=True))
    images, seconds = [one['images'] for one in found], [one['seconds'] for one in found]
    slope, start = _line(images, seconds)
    residual = max(abs(start + slope * x - y) / y for x, y in zip(images, seconds, strict=True))
    memory = [one['peak_bytes'] for one in found]
    rows = [
        row('memory at 4 times the images / at once', memory[-1] / memory[0], target='<= 1.1',
            detail=' / '.join(f'{one / 1e9:.2f} GB' for one in reversed(memory))),
        row('largest distance of a time from a straight line', 100 * residual, '%', '<= 10',
            ', '.join(f'{x:,} images {y:.1f} s' for x, y in zip(images, seconds, strict=True))),
        row('a thousand images more', 1000 * slope, 's', detail=f'after {start:.1f} s; network of width '
            f'{sizes.scaled_width}, {sizes.scaled_input_size} pixels'),
    ]  # fmt: skip
    return {'rows': rows, 'raw': {'runs': found, 'line': {'start_s': start, 'seconds_per_image': slope}}}


def _line(x: list[int], y: list[float]) -> tuple[float, float]:
    """Slope and start of the least-squares line."""
    centre, height = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - centre) * (b - height) for a, b in zip(x, y, strict=True)) / sum((a - centre) ** 2 for a in x)
    return slope, height - slope * centre
