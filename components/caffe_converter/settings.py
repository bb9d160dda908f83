# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The settings of CaffeConverter: the output layer and the input size."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import Settings as Base, setting


@dataclass(frozen=True)
class Settings(Base):
    """The frozen base network."""

    SECTION = 'model'

    output_layer: str | None = setting(None, "the Caffe layer whose output is the embedding; null: the network's last")
    input_size: tuple[int, ...] | None = setting(
        None, '[height, width] in pixels; null: as in the prototxt', low=8, high=4096
    )

    def check(self) -> None:
        """See the base class."""
        if self.input_size is not None and len(self.input_size) != 2:
            self.fail('input_size', '[height, width]')

    @property
    def size(self) -> tuple[int, int] | None:
        """`input_size` as (height, width)."""
        return (self.input_size[0], self.input_size[1]) if self.input_size else None
