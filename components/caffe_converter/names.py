# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Layer types of the two generations, from caffe.proto (BVLC/caffe, BSD 2-clause), and names that Keras accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable

# V1LayerParameter.LayerType by number, as the V2 type of the same layer (upgrade_proto.cpp, UpgradeV1LayerType).
V1_TYPES = {
    0: '', 35: 'AbsVal', 1: 'Accuracy', 30: 'ArgMax', 2: 'BNLL', 3: 'Concat', 37: 'ContrastiveLoss', 4: 'Convolution',
    5: 'Data', 39: 'Deconvolution', 6: 'Dropout', 32: 'DummyData', 7: 'EuclideanLoss', 25: 'Eltwise', 38: 'Exp',
    8: 'Flatten', 9: 'HDF5Data', 10: 'HDF5Output', 28: 'HingeLoss', 11: 'Im2col', 12: 'ImageData', 13: 'InfogainLoss',
    14: 'InnerProduct', 15: 'LRN', 29: 'MemoryData', 16: 'MultinomialLogisticLoss', 34: 'MVN', 17: 'Pooling',
    26: 'Power', 18: 'ReLU', 19: 'Sigmoid', 27: 'SigmoidCrossEntropyLoss', 36: 'Silence', 20: 'Softmax',
    21: 'SoftmaxWithLoss', 22: 'Split', 33: 'Slice', 23: 'TanH', 24: 'WindowData', 31: 'Threshold',
}  # fmt: skip

# The enum's names in prototxt files.
V1_NAMES = {
    'NONE': 0, 'ABSVAL': 35, 'ACCURACY': 1, 'ARGMAX': 30, 'BNLL': 2, 'CONCAT': 3, 'CONTRASTIVE_LOSS': 37,
    'CONVOLUTION': 4, 'DATA': 5, 'DECONVOLUTION': 39, 'DROPOUT': 6, 'DUMMY_DATA': 32, 'EUCLIDEAN_LOSS': 7,
    'ELTWISE': 25, 'EXP': 38, 'FLATTEN': 8, 'HDF5_DATA': 9, 'HDF5_OUTPUT': 10, 'HINGE_LOSS': 28, 'IM2COL': 11,
    'IMAGE_DATA': 12, 'INFOGAIN_LOSS': 13, 'INNER_PRODUCT': 14, 'LRN': 15, 'MEMORY_DATA': 29,
    'MULTINOMIAL_LOGISTIC_LOSS': 16, 'MVN': 34, 'POOLING': 17, 'POWER': 26, 'RELU': 18, 'SIGMOID': 19,
    'SIGMOID_CROSS_ENTROPY_LOSS': 27, 'SILENCE': 36, 'SOFTMAX': 20, 'SOFTMAX_LOSS': 21, 'SPLIT': 22, 'SLICE': 33,
    'TANH': 23, 'WINDOW_DATA': 24, 'THRESHOLD': 31,
}  # fmt: skip

# These read images and labels; the first top of one becomes an input if layers need it.
DATA_TYPES = frozenset({'Data', 'ImageData', 'MemoryData', 'DummyData', 'HDF5Data', 'WindowData', 'AnnotatedData'})

# These compare with labels or write files, so a deployed network does not need them.
TRAINING_TYPES = frozenset({
    'Accuracy', 'ContrastiveLoss', 'EuclideanLoss', 'HDF5Output', 'HingeLoss', 'InfogainLoss', 'MultiBoxLoss',
    'MultinomialLogisticLoss', 'SigmoidCrossEntropyLoss', 'Silence', 'SoftmaxWithLoss', 'SmoothL1Loss', 'CenterLoss',
    'TripletLoss', 'DetectionEvaluate',
})  # fmt: skip


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
