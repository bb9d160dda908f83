# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of CaffeConverter."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts

from components import specification
from components.caffe_converter import executor
from components.caffe_converter.settings import Settings


class CaffeConverter(base_component.BaseComponent):
    """Converts a Caffe network, or the part of it up to a layer, to Keras.

    The cache key contains the paths and the files' digests: changed content, or a changed path, is converted again.

    Args:
      prototxt: path of the network.
      caffemodel: path of its weights.
      settings: the output layer and the input size.
      prototxt_sha256, caffemodel_sha256: hexadecimal digests of the files; '' is not checked.
    """

    SPEC_CLASS = specification.make(
        'CaffeConverterSpec',
        inputs={},
        outputs={'model': standard_artifacts.Model},
        properties=('prototxt', 'caffemodel', 'settings', 'prototxt_sha256', 'caffemodel_sha256'),
    )
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        prototxt: str,
        caffemodel: str,
        settings: Settings | None = None,
        *,
        prototxt_sha256: str = '',
        caffemodel_sha256: str = '',
    ):
        super().__init__(
            specification.fill(
                self.SPEC_CLASS,
                prototxt=prototxt,
                caffemodel=caffemodel,
                settings=(settings or Settings()).to_json(),
                prototxt_sha256=prototxt_sha256,
                caffemodel_sha256=caffemodel_sha256,
            )
        )
