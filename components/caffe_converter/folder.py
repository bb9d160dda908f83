# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Writes a converted network to a folder: the model, and a report of its files and layers."""

from __future__ import annotations

import json
import os

from components import names
from components.caffe_converter.network import open_network
from components.caffe_converter.outputs import write_keras
from components.caffe_converter.settings import Settings
from components.caffe_converter.summary import summarise
from components.errors import InputError
from components.io.files import any_path, sha256_file, write_text


def convert_to_folder(
    prototxt: str,
    caffemodel: str,
    folder: str | os.PathLike[str],
    settings: Settings,
    *,
    prototxt_sha256: str = '',
    caffemodel_sha256: str = '',
) -> None:
    """Writes `base.keras` and `report.json` to a folder, which is made if missing; each file atomically.

    The report is JSON: prototxt and caffemodel ({"file": name, "sha256"}), input_shape, output_layer, output_shape
    (Keras order, no batch), parameters, flops, and layers: an object for each, with name, keras_name, type, line,
    output_shape, parameters and flops.

    Args:
      prototxt, caffemodel: the files.
      folder: where to write, on disk or in a bucket.
      settings: the output layer and the input size.
      prototxt_sha256, caffemodel_sha256: the expected digests of the files; '' is not checked.

    Raises:
      InputError: the files cannot be converted, have several inputs or outputs, or differ from a digest.
      OSError: the folder cannot be written.
    """
    # Before the digests: this is cheap, and has the better message for a missing file.
    network = open_network(prototxt, caffemodel, output_layer=settings.output_layer, input_size=settings.size)
    summary = summarise(network)
    digests = [_verified(prototxt, prototxt_sha256), _verified(caffemodel, caffemodel_sha256)]
    report = {
        'prototxt': {'file': os.path.basename(prototxt), 'sha256': digests[0]},
        'caffemodel': {
            'file': os.path.basename(caffemodel), 'sha256': digests[1], 'generation': summary.generation,
        },
        'input_shape': summary.input_shape,
        'output_layer': summary.output_layer,
        'output_shape': summary.output_shape,
        'parameters': summary.parameters,
        'flops': summary.flops,
        'layers': summary.as_dict()['layers'],
    }  # fmt: skip
    target = any_path(folder)
    target.mkdir(parents=True, exist_ok=True)
    write_keras(network, target / names.BASE_FILE, quiet=False)
    write_text(target / 'report.json', json.dumps(report, indent=1) + '\n')


def _verified(path: str, expected: str) -> str:
    found = sha256_file(path)
    if expected and found != expected.lower():
        raise InputError(
            f'{path}: expected SHA-256 {expected[:12]}…, found {found[:12]}…; '
            'the file changed since the run started: run again'
        )
    return found
