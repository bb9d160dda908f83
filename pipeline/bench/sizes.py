# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""How much the bench measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers of images, channels of VGG-16's first block (`width`), pixels of the network's input."""

    mode: str
    width: int = 64  # the published network's
    input_size: int = 224
    per_folder: int = 20  # images in each of 140 folders, for the runs
    batch_size: int = 32
    embedded: int = 96  # images in one call of EmbeddingGen; a multiple of `batch_size`
    repetitions: int = 9  # rounds of comparing EmbeddingGen, of comparing the converter
    calls: int = 31  # rounds of comparing single images
    fitted: int = 160  # images in an epoch of the notebook procedure
    fixed_rounds: int = 3  # runs of few faces, each beside plain TFX
    scaled_width: int = 8
    scaled_input_size: int = 96
    scaled_per_folder: int = 20  # in the first run of `scaling`; the next ones have two and four times as many
    converted_width: int = 64
    judged: bool = True  # whether the targets apply


FULL = Sizes('full')
QUICK = Sizes(
    'quick', width=8, per_folder=3, embedded=256, fitted=240, fixed_rounds=1, scaled_input_size=64, scaled_per_folder=2,
    converted_width=16, judged=False,
)  # fmt: skip
