# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Everything that makes Caffe files: weights of your own, random weights for any prototxt, VGG-Face at any width."""

from components.caffe_converter.encode import LayerRecord, LazyBlob, write_caffemodel
from components.caffe_converter.random_weights import write_random_caffemodel
from components.caffe_converter.vgg_face import VGG_FACE_DEPLOY, VGG_FACE_DEPLOY_FULL, vgg_face_prototxt

__all__ = [
    'VGG_FACE_DEPLOY',
    'VGG_FACE_DEPLOY_FULL',
    'LayerRecord',
    'LazyBlob',
    'vgg_face_prototxt',
    'write_caffemodel',
    'write_random_caffemodel',
]
