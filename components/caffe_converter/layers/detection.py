# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""SSD's detection layers: PriorBox and DetectionOutput (the branch `ssd` of weiliu89/caffe, BSD 2-clause)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from components.caffe_converter.layers.base import Blob, Layer, Plan, describe, planner
from components.caffe_converter.message import Message

CODES = {1: 'CORNER', 2: 'CENTER_SIZE', 3: 'CORNER_SIZE'}
MAX_PRIORS = 1_000_000  # SSD512 has 24,564
_LOWEST = -float(np.finfo(np.float32).max)


def prior_boxes(
    *,
    widths: Sequence[float],
    heights: Sequence[float],
    grid: Sequence[int],
    image: Sequence[int],
    step: Sequence[float],
    offset: float,
    clip: bool,
    variance: Sequence[float],
) -> np.ndarray:
    """The priors of prior_box_layer.cpp, in its precision.

    Args:
      widths, heights: of the boxes around each cell's centre, in pixels.
      grid, image: height and width of the grid of cells, and of the image in pixels.
      step: pixels between the centres of two cells, down and across.
      offset: of the first centre, in steps.
      clip: whether to clip the boxes to the image.
      variance: four factors that decoding applies to the predicted offsets.

    Returns:
      float32 [2, 4P]: xmin, ymin, xmax, ymax of each of P boxes as fractions of the image, row by row; the variances.
    """
    single = np.float32
    y, x = ((np.arange(n, dtype=single) + single(offset)) * single(s) for n, s in zip(grid, step, strict=True))
    centres = np.stack(np.broadcast_arrays(x, y[:, None]), -1)[:, :, None].astype(np.float64)  # [H, W, 1, (x, y)]
    halves = np.stack([widths, heights], -1).astype(single).astype(np.float64) / 2  # [boxes, (x, y)]
    size = np.array([image[1], image[0]], np.float64)
    boxes = np.concatenate([(centres - halves) / size, (centres + halves) / size], -1).astype(single).reshape(-1)
    if clip:
        boxes = np.clip(boxes, 0, 1)
    return np.stack([boxes, np.tile(np.asarray(variance, single), len(boxes) // 4)])


@planner('PriorBox', bottoms=(1, 2))
def prior_box(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """prior_box_layer.cpp: boxes of several sizes around each place of the first input; only shapes matter.

    Caffe's output is 1 × 2 × 4P for a batch of any size; the model repeats it for each image.
    """
    param = layer.param(
        'prior_box_param', 'min_size', 'max_size', 'aspect_ratio', 'flip', 'clip', 'variance', 'img_size', 'img_h',
        'img_w', 'step', 'step_h', 'step_w', 'offset',
    )  # fmt: skip
    _, *grid = layer.image(bottoms[0])
    image = _pair(layer, param, 'img', 'img_size')
    if not all(image):
        if len(bottoms) < 2:
            raise layer.error('expected a second bottom (the image) or img_size, found neither')
        _, *image = layer.image(bottoms[1])
    step = _pair(layer, param, 'step', 'step')
    if not all(step):
        step = [pixels / cells for pixels, cells in zip(image, grid, strict=True)]
    variance = param.numbers('variance') or [0.1]
    if len(variance) not in (1, 4) or min(variance) <= 0:
        raise layer.error(f'expected one or four variances above 0, found {variance}', param.line_of('variance'))
    widths, heights = _sizes(layer, param)
    count = grid[0] * grid[1] * len(widths)
    if count > MAX_PRIORS:
        raise layer.error(f'expected at most {MAX_PRIORS} prior boxes, found {count}')
    return Plan(
        [layer.top((bottoms[0].shape[0], 2, 4 * count))],
        options={
            'widths': widths, 'heights': heights, 'grid': grid, 'image': image, 'step': step,
            'offset': param.number('offset', 0.5), 'clip': param.boolean('clip', False),
            'variance': variance * (4 // len(variance)),
        },
    )  # fmt: skip


def _pair(layer: Layer, param: Message, pair: str, single: str) -> list[float]:
    """Height and width from `pair`_h and `pair`_w, or from `single` for both; zeros if neither is given."""
    names = [f'{pair}_h', f'{pair}_w']
    if any(name in param for name in names):
        if single in param:
            raise layer.error(f'{single} and {pair}_h, {pair}_w are both given; keep one', param.line_of(single))
        given = [param.number(name, 0) for name in names]
    else:
        given = [param.number(single, 0)] * 2
        names = [single]
    if any(name in param for name in names) and min(given) <= 0:
        raise layer.error(f'{" and ".join(names)} must be above 0', param.line)
    return [int(value) for value in given] if pair == 'img' else given


def _sizes(layer: Layer, param: Message) -> tuple[list[float], list[float]]:
    """Widths and heights of the boxes of one cell, in Caffe's order."""
    # prior_box_layer.cpp keeps the sizes in ints: SSD512's min_size of 35.84 counts as 35.
    given = [param.numbers(name) for name in ('min_size', 'max_size')]
    small, large = ([int(np.float32(size)) for size in sizes] for sizes in given)
    if not small or min(small) < 1:
        raise layer.error('expected a min_size of at least 1 (pixel)', param.line_of('min_size'))
    if large and (len(large) != len(small) or any(high <= low for low, high in zip(*given, strict=True))):
        raise layer.error(f'expected no max_size or one above each of {len(small)} min_size', param.line_of('max_size'))
    flip = param.boolean('flip', True)
    ratios = [1.0]
    for ratio in param.numbers('aspect_ratio'):
        if ratio <= 0:
            raise layer.error(f'aspect_ratio must be above 0, found {ratio:g}', param.line_of('aspect_ratio'))
        if all(abs(ratio - other) >= 1e-6 for other in ratios):
            ratios += [ratio, 1 / ratio] if flip else [ratio]
    widths, heights = [], []
    for at, size in enumerate(small):
        between = [math.sqrt(size * large[at])] if large else []
        widths += [size, *between, *(size * math.sqrt(ratio) for ratio in ratios[1:])]
        heights += [size, *between, *(size / math.sqrt(ratio) for ratio in ratios[1:])]
    return widths, heights


@planner('DetectionOutput', bottoms=(3, 3))
def detection_output(layer: Layer, bottoms: Sequence[Blob]) -> Plan:
    """detection_output_layer.cpp: decodes the boxes and suppresses, class by class, those that overlap a better one.

    Caffe's output is 1 × 1 × rows × 7 over all images of a batch. A model's output has a batch axis and as many rows
    for each image: N × rows × 7, filled up with rows (image, -1, -1, …), which Caffe gives if it finds nothing at all.
    """
    param = layer.param(
        'detection_output_param', 'num_classes', 'share_location', 'background_label_id', 'nms_param', 'code_type',
        'variance_encoded_in_target', 'keep_top_k', 'confidence_threshold',
        # These save and show the rows and do not change them.
        'save_output_param', 'visualize', 'visualize_threshold', 'save_file',
    )  # fmt: skip
    nms = param.message('nms_param')
    nms.expect(('nms_threshold', 'top_k', 'eta'), 'nms_param')
    classes = param.integer('num_classes', 0, 1)
    background = param.integer('background_label_id', 0, -(2**31))
    labels = [label for label in range(min(classes, MAX_PRIORS)) if label != background]
    if not labels:
        raise layer.error('expected num_classes with a class beside the background', param.line_of('num_classes'))
    shared = param.boolean('share_location', True)
    location, confidence, priors = (bottom.shape for bottom in bottoms)
    if len(priors) != 3 or priors[1] != 2 or priors[2] % 4:
        raise layer.error(f'expected the third input from PriorBox layers (N×2×4P), found {describe(priors)}')
    count = priors[2] // 4
    wanted = {'first': (location, 4 * count * (1 if shared else classes)), 'second': (confidence, count * classes)}
    for which, (shape, size) in wanted.items():
        if len(shape) < 2 or shape[1] != size or math.prod(shape[2:]) != 1:
            raise layer.error(f'expected a {which} input of N×{size} for {count} priors, found {describe(shape)}')
    threshold, eta = nms.number('nms_threshold', 0.3), nms.number('eta', 1.0)
    if threshold < 0 or not 0 < eta <= 1:
        raise layer.error(
            f'expected nms_threshold from 0 on and eta in (0, 1], found {threshold:g} and {eta:g}', nms.line
        )
    top_k, keep_top_k = nms.integer('top_k', -1, -(2**31)), param.integer('keep_top_k', -1, -(2**31))
    if top_k == 0 or keep_top_k == 0:
        raise layer.error('top_k and keep_top_k must be 1 or more, or -1 for all boxes', param.line)
    candidates = count if top_k < 0 else min(top_k, count)
    rows = candidates * len(labels)
    return Plan(
        [layer.top((location[0], rows if keep_top_k < 0 else min(keep_top_k, rows), 7))],
        options={
            'labels': labels, 'classes': classes, 'shared': shared,
            'code': param.enum('code_type', CODES, 'CORNER'),
            'scaled': not param.boolean('variance_encoded_in_target', False),
            'confidence_threshold': param.number('confidence_threshold', _LOWEST),
            'nms_threshold': threshold, 'eta': eta, 'top_k': candidates, 'keep_top_k': keep_top_k,
        },
    )  # fmt: skip
