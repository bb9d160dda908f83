# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Where in a network fine-tuning begins. Imports neither Keras nor TFX: a wrong name is said before a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.errors import InputError

if TYPE_CHECKING:
    from components.caffe_converter.summary import NetworkSummary


def first(name: str, layers: Sequence[tuple[str, bool]]) -> int:
    """The place of the first layer to train.

    Args:
      name: the configuration's `fine_tuning.unfreeze_from`.
      layers: name (Keras') and whether it has weights that can be trained, in the order of the network.

    Raises:
      InputError: no layer of that name, or nothing to train from it on.
    """
    names = [layer for layer, _ in layers]
    start = names.index(name) if name in names else len(names)
    if any(trainable for _, trainable in layers[start:]):
        return start
    known = ', '.join(layer for layer, trainable in layers if trainable)
    reason = 'no layer with weights follows it' if name in names else 'the base has no such layer'
    raise InputError(f'fine_tuning.unfreeze_from: {name!r}: {reason}; those with weights are {known or "none"}')


def check(name: str | None, network: NetworkSummary) -> None:
    """Says a name that FineTuner would refuse, from the prototxt alone; None is no fine-tuning.

    Raises:
      InputError: as `first`.
    """
    if name is not None:
        first(name, [(row.keras_name, row.parameters > 0 and row.type != 'BatchNorm') for row in network.layers])
