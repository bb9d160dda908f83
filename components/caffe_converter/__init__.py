# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Converts Caffe networks to Keras without Caffe; see README.md beside this file.

Importing this package loads neither TensorFlow, Keras nor TFX. Each name below is imported on first use.
"""

from components import lazy

_MODULES = {
    'check': 'api',
    'convert': 'api',
    'read_weights': 'api',
    'NetworkSummary': 'summary',
    'LayerRow': 'summary',
    'write_caffemodel': 'caffemodel_writer',
    'write_random_caffemodel': 'random_weights',
    'vgg_face_prototxt': 'vgg_face',
    'VGG_FACE_DEPLOY': 'vgg_face',
    'VGG_FACE_DEPLOY_FULL': 'vgg_face',
    'CaffeConverter': 'component',
    'Settings': 'settings',
}

__all__ = list(_MODULES)

__getattr__ = lazy.exports(__name__, _MODULES)
