# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The inputs of a run, faces and a Caffe network, and their digests. Imports neither TFX nor TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.caffe_converter import api
from components.caffe_converter.settings import Settings as ModelSettings
from components.caffe_converter.summary import NetworkSummary
from components.io.files import sha256_file
from components.stratified_example_gen import layout, manifest
from components.stratified_example_gen.settings import Settings as DataSettings


@dataclass(frozen=True)
class InputDigests:
    """Identifies inputs by content, with 64 hexadecimal digits each; for the data, see `layout.fingerprint`."""

    data_fingerprint: str
    prototxt_sha256: str
    caffemodel_sha256: str


@dataclass(frozen=True)
class RunInputs:
    """The paths given to a run.

    `data` is the folder that contains `combined/`; a string is the URI of one in a bucket (a Path would turn its `//`
    into `/`). `prototxt` and `caffemodel` are the network's description and weights.
    """

    data: Path | str
    prototxt: Path
    caffemodel: Path

    def check(self, data: DataSettings, model: ModelSettings) -> NetworkSummary:
        """Checks the inputs without reading an image or importing TensorFlow; returns the network.

        Raises:
          InputError: an input is missing or unusable.
        """
        layout.check_root(str(self.data), data)
        manifest.check(str(self.data), data)
        return api.check(self.prototxt, self.caffemodel, output_layer=model.output_layer, input_size=model.size)

    def digests(self, data: DataSettings) -> InputDigests:
        """Reads all inputs and returns their digests.

        Raises:
          InputError: an input cannot be read.
        """
        return InputDigests(
            data_fingerprint=layout.fingerprint(str(self.data), data),
            prototxt_sha256=sha256_file(self.prototxt),
            caffemodel_sha256=sha256_file(self.caffemodel),
        )
