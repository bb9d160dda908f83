# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""SSD's PriorBox and DetectionOutput in plain Python, box by box, after the paper and caffe.proto.

(Liu et al., SSD: Single Shot MultiBox Detector, ECCV 2016, section 2.2.) Computes in float64.
"""

from __future__ import annotations

import math

import numpy as np


def prior_box(param, feature, image=None):
    """1×2×4P: the boxes and their variances."""
    height, width = feature.shape[2:]
    pixels = [param.integer(f'img_{axis}', param.integer('img_size', 0)) for axis in 'hw']
    pixels = pixels if all(pixels) else image.shape[2:]
    steps = [param.number(f'step_{axis}', param.number('step', 0)) for axis in 'hw']
    if not all(steps):
        steps = [pixels[0] / height, pixels[1] / width]
    ratios = []
    for ratio in param.numbers('aspect_ratio'):
        for each in [ratio, 1 / ratio] if param.boolean('flip', True) else [ratio]:
            if each != 1 and each not in ratios:
                ratios.append(each)
    boxes = []
    for row in range(height):
        for column in range(width):
            y, x = ((at + param.number('offset', 0.5)) * step for at, step in zip((row, column), steps, strict=True))
            shapes = []
            for at, size in enumerate(param.numbers('min_size')):
                size = math.floor(size)
                shapes.append((size, size))
                if 'max_size' in param:
                    shapes.append((math.sqrt(size * math.floor(param.numbers('max_size')[at])),) * 2)
                shapes += [(size * math.sqrt(ratio), size / math.sqrt(ratio)) for ratio in ratios]
            for w, h in shapes:
                corners = [(x - w / 2) / pixels[1], (y - h / 2) / pixels[0], (x + w / 2) / pixels[1]]
                boxes.append([*corners, (y + h / 2) / pixels[0]])
    result = np.array(boxes)
    if param.boolean('clip', False):
        result = result.clip(0, 1)
    variances = np.broadcast_to(param.numbers('variance') or [0.1], result.shape)
    return np.stack([result.reshape(-1), variances.reshape(-1)])[None]


def detection_output(param, location, confidence, priors):
    """Caffe's rows [N, 7]; [B, 7] with -1 if nothing is found."""
    classes, shared = param.integer('num_classes', 0), param.boolean('share_location', True)
    keep_top_k, least = param.integer('keep_top_k', -1, -9), param.number('confidence_threshold', -math.inf)
    code = param.enum('code_type', {1: 'CORNER', 2: 'CENTER_SIZE', 3: 'CORNER_SIZE'}, 'CORNER')
    boxes, variances = priors[0].reshape(2, -1, 4)
    if param.boolean('variance_encoded_in_target', False):
        variances = np.ones_like(variances)
    location = location.reshape(len(location), len(boxes), -1, 4)
    confidence = confidence.reshape(len(location), len(boxes), classes)
    rows = []
    for image in range(len(location)):
        found = []
        for label in range(classes):
            if label == param.integer('background_label_id', 0, -9):
                continue
            scores = confidence[image, :, label]
            decoded = [
                _decode(code, prior, offsets * variance)
                for prior, offsets, variance in zip(
                    boxes, location[image, :, 0 if shared else label], variances, strict=True
                )
            ]
            for at in _suppressed(param.message('nms_param'), decoded, scores, least):
                found.append([image, label, scores[at], *decoded[at]])
        if keep_top_k > -1:
            found = sorted(found, key=lambda row: -row[2])[:keep_top_k]
        rows += sorted(found, key=lambda row: (row[1], -row[2]))
    return np.array(rows or [[image, *[-1] * 6] for image in range(len(location))])


def _decode(code, prior, offsets):
    width, height = prior[2] - prior[0], prior[3] - prior[1]
    if code == 'CORNER':
        return prior + offsets
    if code == 'CORNER_SIZE':
        return prior + offsets * [width, height, width, height]
    x = (prior[0] + prior[2]) / 2 + offsets[0] * width
    y = (prior[1] + prior[3]) / 2 + offsets[1] * height
    w, h = width * math.exp(offsets[2]), height * math.exp(offsets[3])
    return np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])


def _suppressed(nms, boxes, scores, least):
    """The indices that non-maximum suppression keeps, best first."""
    threshold, eta = nms.number('nms_threshold', 0.3), nms.number('eta', 1)
    order = sorted((at for at in range(len(scores)) if scores[at] > least), key=lambda at: -scores[at])
    top_k = nms.integer('top_k', -1, -9)
    kept = []
    for at in order if top_k < 0 else order[:top_k]:
        if all(_jaccard(boxes[at], boxes[other]) <= threshold for other in kept):
            kept.append(at)
            if threshold > 0.5:
                threshold *= eta
    return kept


def _jaccard(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / (sum(areas) - width * height)
