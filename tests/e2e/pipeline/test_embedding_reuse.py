# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs in one directory share embeddings."""

import pytest

from components.embedding_gen import precision
from pipeline.runs import metadata


def _images(output) -> tuple[int, int]:
    """How many images the newest run embedded, and how many embeddings it found in the store."""
    made = metadata.runs(output)[-1].output('EmbeddingGen', 'embeddings').properties
    return made['images_computed'], made['images_known']


def test_with_a_fixed_mean_a_grown_sample_and_other_splits_compute_only_what_is_new(
    command, inputs, low_bounds, tmp_path
):
    output = tmp_path / 'out'
    line = [*inputs.arguments(output), *low_bounds, '--set', 'transform.mean=fixed']
    first = command(*line, '--set', 'data.per_folder=3')
    assert first.returncode == 0, first.stderr
    assert _images(output) == (420, 0)
    second = command(*line, '--set', 'data.per_folder=5', '--set', 'data.fractions=[0.4, 0.2, 0.4]')
    assert second.returncode == 0, second.stderr
    assert _images(output) == (280, 420)
    page = (output / 'report' / 'index.html').read_text()
    assert 'mean training face' not in page

    if not precision.supported():
        pytest.skip('no bfloat16 on this processor')
    half = command(
        *line, '--set', 'data.per_folder=5', '--set', 'data.fractions=[0.4, 0.2, 0.4]', '--set',
        'embedding.precision=bfloat16',
    )  # fmt: skip
    assert half.returncode == 0, half.stderr
    assert _images(output) == (700, 0)
    assert 'Blessed. Pushed to' in half.stdout
