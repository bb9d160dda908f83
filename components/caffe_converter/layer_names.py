# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Layer types of the two generations, from caffe.proto (BVLC/caffe, BSD 2-clause), and names that Keras accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable

# The enum V1LayerParameter.LayerType: the names in prototxt files, by number.
V1_NAMES = (
    'NONE', 'ACCURACY', 'BNLL', 'CONCAT', 'CONVOLUTION', 'DATA', 'DROPOUT', 'EUCLIDEAN_LOSS', 'FLATTEN',
    'HDF5_DATA', 'HDF5_OUTPUT', 'IM2COL', 'IMAGE_DATA', 'INFOGAIN_LOSS', 'INNER_PRODUCT', 'LRN',
    'MULTINOMIAL_LOGISTIC_LOSS', 'POOLING', 'RELU', 'SIGMOID', 'SOFTMAX', 'SOFTMAX_LOSS', 'SPLIT', 'TANH',
    'WINDOW_DATA', 'ELTWISE', 'POWER', 'SIGMOID_CROSS_ENTROPY_LOSS', 'HINGE_LOSS', 'MEMORY_DATA', 'ARGMAX',
    'THRESHOLD', 'DUMMY_DATA', 'SLICE', 'MVN', 'ABSVAL', 'SILENCE', 'CONTRASTIVE_LOSS', 'EXP', 'DECONVOLUTION',
)  # fmt: skip

# The V2 type of each, by number (upgrade_proto.cpp, UpgradeV1LayerType).
V1_TYPES = (
    '', 'Accuracy', 'BNLL', 'Concat', 'Convolution', 'Data', 'Dropout', 'EuclideanLoss', 'Flatten', 'HDF5Data',
    'HDF5Output', 'Im2col', 'ImageData', 'InfogainLoss', 'InnerProduct', 'LRN', 'MultinomialLogisticLoss',
    'Pooling', 'ReLU', 'Sigmoid', 'Softmax', 'SoftmaxWithLoss', 'Split', 'TanH', 'WindowData', 'Eltwise', 'Power',
    'SigmoidCrossEntropyLoss', 'HingeLoss', 'MemoryData', 'ArgMax', 'Threshold', 'DummyData', 'Slice', 'MVN',
    'AbsVal', 'Silence', 'ContrastiveLoss', 'Exp', 'Deconvolution',
)  # fmt: skip

# These read images and labels; the first top of one becomes an input if layers need it.
DATA_TYPES = frozenset({'Data', 'ImageData', 'MemoryData', 'DummyData', 'HDF5Data', 'WindowData', 'AnnotatedData'})

# These compare with labels or write files, so a deployed network does not need them.
TRAINING_TYPES = frozenset({
    'Accuracy', 'ContrastiveLoss', 'EuclideanLoss', 'HDF5Output', 'HingeLoss', 'InfogainLoss', 'MultiBoxLoss',
    'MultinomialLogisticLoss', 'SigmoidCrossEntropyLoss', 'Silence', 'SoftmaxWithLoss', 'SmoothL1Loss', 'CenterLoss',
    'TripletLoss', 'DetectionEvaluate',
})  # fmt: skip

# These take and give lists of regions (R-CNN), whose first axis is not the batch.
REGION_TYPES = frozenset({'ROIPooling', 'ROIAlign', 'PSROIPooling', 'Proposal'})


def v2_type(word: str, known: Iterable[str]) -> str:
    """The V2 type of a V1 enum name; for a fork's name (PRELU, BATCH_NORM) the `known` type it spells, or itself."""
    if word in V1_NAMES:
        return V1_TYPES[V1_NAMES.index(word)]
    spelled = {name.upper(): name for name in known}
    return spelled.get(word.replace('_', '').upper(), word)


def keras_names(names: Iterable[str]) -> dict[str, str]:
    """Maps Caffe layer names to Keras layer names.

    Characters that Keras or TensorFlow refuse ('/', as in GoogLeNet's `inception_3a/1x1`) become '_'. A name that would
    clash with an earlier one gets '_2', '_3' and so on.
    """
    result: dict[str, str] = {}
    names = list(dict.fromkeys(names))
    numbers: dict[str, int] = {}
    taken = {name for name in names if _clean(name) == name}
    for name in names:
        clean = _clean(name)
        if clean != name:
            wish, number = clean, numbers.get(clean, 2)
            while clean in taken:
                clean, number = f'{wish}_{number}', number + 1
            numbers[wish] = number
            taken.add(clean)
        result[name] = clean
    return result


def _clean(name: str) -> str:
    clean = re.sub(r'[^A-Za-z0-9_.\-]', '_', name)
    return clean if clean[:1].isalnum() else f'x{clean}'
