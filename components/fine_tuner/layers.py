# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Finds the first base layer to fine-tune. Imports neither Keras nor TFX, so that a run can check the name first."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.errors import InputError

if TYPE_CHECKING:
    from components.caffe_converter.summary import NetworkSummary


def start_index(name: str, layers: Sequence[tuple[str, bool]]) -> int:
    """Returns the index of the first layer to train.

    Args:
      name: `fine_tuning.unfreeze_from`.
      layers: Keras' name of each layer, and whether it has trainable weights, in the order of the network.

    Raises:
      InputError: no layer has this name, or no layer from it on has trainable weights.
    """
    names = [layer for layer, _ in layers]
    start = names.index(name) if name in names else len(names)
    if any(trainable for _, trainable in layers[start:]):
        return start
    known = [layer for layer, trainable in layers if trainable]
    reason = 'no layer with weights follows it' if name in names else 'the base has no such layer'
    if name not in names and (near := difflib.get_close_matches(name, known, n=1)):
        reason += f' (did you mean {near[0]}?)'
    raise InputError(
        f'fine_tuning.unfreeze_from: {name!r}: {reason}; layers with weights: {", ".join(known) or "none"}'
    )


def check(name: str | None, network: NetworkSummary) -> None:
    """Checks `fine_tuning.unfreeze_from` against a prototxt, as `start_index` does; None is no fine-tuning."""
    if name is not None:
        start_index(name, [(row.keras_name, row.parameters > 0 and row.type != 'BatchNorm') for row in network.layers])
