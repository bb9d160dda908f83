# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Keras layers of SSD detectors: PriorBox and DetectionOutput. They use keras.ops alone."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from components.caffe_converter.keras_base import Configured, register
from components.caffe_converter.layers.detection import prior_boxes


@register
class PriorBox(Configured, arguments='widths heights grid image step offset clip variance'):
    """SSD's priors, a constant, for each image of a batch: [B, …] → [B, 2, 4P]; see `prior_boxes`."""

    def call(self, x: Any) -> Any:
        """Repeats the priors."""
        priors = prior_boxes(**{name: getattr(self, name) for name in self._arguments})
        return ops.broadcast_to(ops.convert_to_tensor(priors), (ops.shape(x)[0], *priors.shape))


@register
class DetectionOutput(
    Configured,
    arguments='labels classes shared code scaled confidence_threshold nms_threshold eta top_k keep_top_k',
):
    """SSD's DetectionOutput: location [B, 4P·L], confidence [B, P·classes], priors [B, 2, 4P] → rows [B, K, 7].

    L is 1 (`shared`) or the number of classes; `labels` are the classes without the background. K is `keep_top_k`, or
    top_k · len(labels) if that is less or `keep_top_k` is negative.

    A row is (image, label, score, xmin, ymin, xmax, ymax), float32, with the image's number in the batch and
    coordinates as fractions of the image, as in Caffe; so is the order: by label, then by score from the highest. After
    an image's detections, label, score and coordinates are -1.
    """

    def call(self, inputs: Any) -> Any:
        """Finds the rows."""
        location, confidence, priors = inputs
        count = priors.shape[2] // 4
        priors = ops.reshape(priors, (-1, 2, 1, count, 4))
        # Caffe's order is prior, class, coordinate; here the class comes first: [B, L, P, 4], [B, labels, P].
        location = ops.reshape(location, (-1, count, 1 if self.shared else self.classes, 4))
        boxes = self._decode(ops.transpose(location, (0, 2, 1, 3)), priors[:, 0], priors[:, 1])
        scores = ops.transpose(ops.reshape(confidence, (-1, count, self.classes)), (0, 2, 1))
        scores = ops.take(scores, self.labels, axis=1)
        # top_k puts the lower index first among equals, as Caffe's stable sort does.
        scores, at = ops.top_k(ops.where(scores > self.confidence_threshold, scores, -math.inf), self.top_k)
        starts = [0 if self.shared else label * count for label in self.labels]
        flat = ops.reshape(at + ops.convert_to_tensor(starts, dtype=at.dtype)[:, None], (-1, len(starts) * self.top_k))
        boxes = _gather(ops.reshape(boxes, (-1, math.prod(boxes.shape[1:3]), 4)), flat)
        boxes = ops.reshape(boxes, (-1, len(starts), self.top_k, 4))
        return self._rows(ops.where(self._kept(scores, boxes), scores, -math.inf), boxes)

    def _decode(self, x: Any, priors: Any, variances: Any) -> Any:
        """Boxes (xmin, ymin, xmax, ymax) from predictions relative to the priors."""
        if self.scaled:
            x = x * variances
        if self.code == 'CORNER':
            return priors + x
        low, high = priors[..., :2], priors[..., 2:]
        size = high - low
        if self.code == 'CORNER_SIZE':
            return priors + x * ops.concatenate([size, size], axis=-1)
        centre = x[..., :2] * size + (low + high) / 2
        half = ops.exp(x[..., 2:]) * size / 2
        return ops.concatenate([centre - half, centre + half], axis=-1)

    def _kept(self, scores: Any, boxes: Any) -> Any:
        """Which candidates [B, labels, top_k], best first, overlap no kept one by more than the threshold.

        Each step keeps the best eligible candidate of each class and image. Every kept one lowers a threshold above 0.5
        by the factor `eta`, so that the largest overlap of each candidate is needed until its turn comes.
        """
        order = ops.arange(scores.shape[-1])

        def step(kept: Any, eligible: Any, overlap: Any, limit: Any) -> Any:
            first = ops.argmax(ops.cast(eligible, 'int32'), axis=-1, keepdims=True)
            pick = ops.logical_and(order == ops.cast(first, order.dtype), eligible)  # nothing if none is eligible
            best = ops.sum(ops.where(pick[..., None], boxes, 0.0), axis=2, keepdims=True)
            overlap = ops.maximum(overlap, _overlap(best, boxes))
            if self.eta < 1:
                lower = ops.logical_and(ops.any(pick, axis=-1, keepdims=True), limit > 0.5)
                limit = ops.where(lower, limit * self.eta, limit)
            rest = ops.logical_and(eligible, ops.logical_not(pick))
            return ops.logical_or(kept, pick), ops.logical_and(rest, overlap <= limit), overlap, limit

        eligible = scores > -math.inf
        start = (
            ops.zeros_like(eligible), eligible, ops.zeros_like(scores),
            ops.full_like(scores[..., :1], self.nms_threshold),
        )  # fmt: skip
        return ops.while_loop(
            lambda kept, eligible, overlap, limit: ops.any(eligible), step, start, maximum_iterations=scores.shape[-1]
        )[0]

    def _rows(self, scores: Any, boxes: Any) -> Any:
        """The best K rows of each image, in the order of label and rank; scores of -inf are no rows."""
        rank = scores.shape[-1]
        total = len(self.labels) * rank
        scores, boxes = ops.reshape(scores, (-1, total)), ops.reshape(boxes, (-1, total, 4))
        best, at = ops.top_k(scores, total if self.keep_top_k < 0 else min(self.keep_top_k, total))
        at = ops.sort(ops.where(best > -math.inf, at, total), axis=-1)
        found = at < total
        at = ops.minimum(at, total - 1)
        label = ops.take(ops.cast(self.labels, scores.dtype), at // rank)
        columns = [label[..., None], ops.take_along_axis(scores, at, axis=1)[..., None]]
        columns.append(_gather(boxes, at))
        rows = ops.where(found[..., None], ops.concatenate(columns, axis=-1), -1.0)
        image = ops.cast(ops.arange(ops.shape(rows)[0]), rows.dtype)[:, None, None]
        return ops.concatenate([ops.broadcast_to(image, ops.shape(rows[..., :1])), rows], axis=-1)


def _gather(boxes: Any, at: Any) -> Any:
    """Of boxes [B, N, 4], those with the numbers [B, K]: [B, K, 4]."""
    return ops.take_along_axis(boxes, ops.repeat(at[..., None], 4, axis=-1), axis=1)


def _overlap(a: Any, b: Any) -> Any:
    """Intersection over union of boxes [..., 4]; 0 if they do not meet or a maximum is below its minimum."""
    size = ops.minimum(a[..., 2:], b[..., 2:]) - ops.maximum(a[..., :2], b[..., :2])
    shared = size[..., 0] * size[..., 1]
    union = _area(a) + _area(b) - shared
    meet = ops.logical_and(size[..., 0] > 0, size[..., 1] > 0)
    return ops.where(meet, shared / ops.where(meet, union, 1.0), 0.0)


def _area(box: Any) -> Any:
    size = box[..., 2:] - box[..., :2]
    return ops.where(ops.logical_and(size[..., 0] >= 0, size[..., 1] >= 0), size[..., 0] * size[..., 1], 0.0)
