# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What does not depend on the base: start, everything around EmbeddingGen, reruns, the search for a better head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.bench import runs
from pipeline.bench.results import row
from pipeline.bench.sizes import Sizes

_TRIALS = 30


def measure(work: Path, mode: str, sizes: Sizes) -> dict[str, Any]:
    """Reruns in the run directory of the first whole run: nothing changed, another head, a search."""
    first = runs.first(work, sizes.per_folder)
    per_folder = f'data.per_folder={sizes.per_folder}'
    cached = runs.run(work, work / 'whole', per_folder)
    head = runs.run(work, work / 'whole', per_folder, 'trainer.hidden_units=48')
    search = runs.run(work, work / 'whole', per_folder, 'tuner.enabled=true', f'tuner.trials={_TRIALS}')
    around = first['seconds'] - first['stages']['EmbeddingGen']
    executed = ', '.join(f'{name} {seconds:.1f}' for name, seconds in head['stages'].items() if seconds >= 0.05)
    rows = [
        row('from the command to the first component', first['first_component_s'], 's', '<= 10'),
        row('the command less EmbeddingGen', around, 's', '<= 90',
            f'{first["seconds"]:.1f} s less {first["stages"]["EmbeddingGen"]:.1f} s, {first["images"]:,} images'),
        row('rerun with nothing changed', cached['seconds'], 's', '<= 30', f'{len(cached["stages"])} executed'),
        row('rerun with another head', head['seconds'], 's', '<= 60', executed),
        row(f'Tuner, {_TRIALS} trials', search['stages']['Tuner'], 's', '<= 180',
            f'{search["training_images"]:,} training images of {search["images"]:,}'),
    ]  # fmt: skip
    return {'rows': rows, 'raw': {'first': first, 'cached': cached, 'head': head, 'search': search}}
