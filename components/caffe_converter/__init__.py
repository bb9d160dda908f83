# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Converts Caffe networks to Keras, without Caffe.

Importing this package imports neither TensorFlow nor Keras; what needs them imports them when it is called. See
README.md beside this file.
"""

from __future__ import annotations

import importlib
from typing import Any

from components.caffe_converter.registration import register_when_keras_is_imported

_WHERE = {
    'check': 'api',
    'convert': 'api',
    'read_weights': 'api',
    'report': 'api',
    'NetworkSummary': 'summary',
    'LayerRow': 'summary',
    'write_caffemodel': 'writer',
    'write_random_caffemodel': 'writer',
    'vgg_face_prototxt': 'writer',
    'VGG_FACE_DEPLOY': 'writer',
    'VGG_FACE_DEPLOY_FULL': 'writer',
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(f'{__name__}.{_WHERE[name]}'), name)


register_when_keras_is_imported()
