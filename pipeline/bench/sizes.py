# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""How much each mode of the bench measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """What one mode measures.

    Attributes:
      width: channels of VGG-16's first block; 64 is the published network.
      input_size: height and width of the network's input in pixels.
      per_folder: images a folder of whole runs; there are 140 folders.
      batch_size: images that go through the base at once.
      embedded: images of the comparison of EmbeddingGen with the bare base; a multiple of `batch_size`.
      repetitions: how often things that are compared take turns.
      calls: how often single images take turns.
      fitted: images of the measured epoch of the notebook procedure.
      scaled_width: channels of the first block where the number of images grows.
      scaled_input_size: pixels of that network's input.
      scaled_per_folder: images a folder at 1x; the copies are 2x and 4x.
      converted_width: channels of the first block of the file that is converted.
      judged: whether the targets are for these sizes.
    """

    width: int = 64
    input_size: int = 224
    per_folder: int = 20
    batch_size: int = 32
    embedded: int = 96
    repetitions: int = 9
    calls: int = 31
    fitted: int = 160
    scaled_width: int = 8
    scaled_input_size: int = 96
    scaled_per_folder: int = 20
    converted_width: int = 64
    judged: bool = True


#: By name: the whole truth, minutes, and seconds for the test of the bench itself.
MODES = {
    'full': Sizes(),
    'quick': Sizes(
        width=8,
        per_folder=3,
        embedded=256,
        fitted=240,
        scaled_input_size=64,
        scaled_per_folder=2,
        converted_width=16,
        judged=False,
    ),
    'smoke': Sizes(
        width=2,
        input_size=32,
        per_folder=2,
        batch_size=4,
        embedded=8,
        repetitions=2,
        calls=3,
        fitted=40,
        scaled_width=2,
        scaled_input_size=32,
        scaled_per_folder=1,
        converted_width=2,
        judged=False,
    ),
}
