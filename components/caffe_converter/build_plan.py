# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Which Keras layers stand for a Caffe layer, decided without Keras, so that files can be laid out without it."""

from __future__ import annotations

from components.caffe_converter.network import Step


def is_same_padding(step: Step) -> bool:
    """Whether a Convolution's padding is Keras' 'same': stride 1, and half the kernel's extent on each side."""
    o = step.plan.options
    return o['stride'] == (1, 1) and all(
        2 * p == d * (k - 1) for p, d, k in zip(o['pad'], o['dilation'], o['kernel'], strict=True)
    )


def is_plain_transpose(step: Step) -> bool:
    """Whether a Deconvolution is a Conv2DTranspose: no groups, no dilation, a kernel no smaller than its stride.

    (Without padding Conv2DTranspose gives stride · (n - 1) + kernel values only where kernel ≥ stride.)
    """
    o = step.plan.options
    small = any(k < s for k, s in zip(o['kernel'], o['stride'], strict=True))
    return o['group'] == 1 and max(o['dilation']) == 1 and not small


def helpers(step: Step) -> tuple[int, int]:
    """How many helper layers (padding, flattening; cropping) stand before and after the layer."""
    o = step.plan.options
    if step.layer.type == 'Convolution':
        return int(o['pad'] != (0, 0) and not is_same_padding(step)), 0
    if step.layer.type == 'Deconvolution':
        return 0, int(o['pad'] != (0, 0) and is_plain_transpose(step))
    if step.layer.type == 'InnerProduct':
        return int(o['axis'] == 1 and len(o['shape']) != 2), 0
    return 0, 0
