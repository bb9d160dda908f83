# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX specification of CaffeConverter."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.caffe_converter import executor


class CaffeConverterSpec(component_spec.ComponentSpec):
    """No inputs; `executor.Executor.Do` says what the output and the execution properties hold."""

    PARAMETERS = {
        'prototxt': component_spec.ExecutionParameter(type=str),
        'caffemodel': component_spec.ExecutionParameter(type=str),
        'output_layer': component_spec.ExecutionParameter(type=str),
        'input_size': component_spec.ExecutionParameter(type=str),
        'prototxt_sha256': component_spec.ExecutionParameter(type=str),
        'caffemodel_sha256': component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {'model': component_spec.ChannelParameter(type=standard_artifacts.Model)}


class CaffeConverter(base_component.BaseComponent):
    """Converts a Caffe network, or the part of it up to a layer, to Keras.

    The files' digests are execution properties: other content at the same path is converted again. Give paths that
    follow the content (or do not change) for the cache to work across renames.

    Args:
      prototxt: path of the network.
      caffemodel: path of its weights.
      output_layer: the Caffe layer to end at; None for the network's only output.
      input_size: height and width of the input in pixels; None for the prototxt's.
      prototxt_sha256, caffemodel_sha256: of the files' content, hexadecimal; '' is not checked.
    """

    SPEC_CLASS = CaffeConverterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        prototxt: str,
        caffemodel: str,
        output_layer: str | None = None,
        input_size: Sequence[int] | None = None,
        prototxt_sha256: str = '',
        caffemodel_sha256: str = '',
    ):
        super().__init__(
            spec=CaffeConverterSpec(
                prototxt=prototxt,
                caffemodel=caffemodel,
                output_layer=output_layer or '',
                input_size=json.dumps(list(input_size or [])),
                prototxt_sha256=prototxt_sha256,
                caffemodel_sha256=caffemodel_sha256,
                model=types.Channel(type=standard_artifacts.Model),
            )
        )
