# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The first container of a run on Kubeflow: looks at the inputs and says what they are by content.

A pipeline is compiled where its data is not, and Kubeflow's cache knows inputs by their parameters only: without the
digests, other faces at the same path would get the old results. Imports neither TFX nor TensorFlow.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components import caffe_converter
from components.caffe_converter.settings import Settings as ModelSettings
from components.errors import InputError, RunError
from components.io.files import sha256_file, write_text
from components.stratified_example_gen import layout
from components.stratified_example_gen.settings import Settings as DataSettings


def digests(values: Mapping[str, str]) -> dict[str, str]:
    """Looks at the inputs as `run` does before its first component.

    Args:
      values: 'data_root', 'prototxt' and 'caffemodel'; 'data' and 'model', the settings of StratifiedExampleGen and
        CaffeConverter as JSON; 'compiled_size', JSON [height, width] that the pipeline was compiled for.

    Returns:
      'data_fingerprint', 'prototxt_sha256' and 'caffemodel_sha256'.

    Raises:
      InputError: an input cannot be used, or the network's size is not what the pipeline was compiled for.
    """
    data, model = DataSettings.from_json(values['data']), ModelSettings.from_json(values['model'])
    layout.check_root(values['data_root'], data)
    summary = caffe_converter.check(
        values['prototxt'],
        values['caffemodel'],
        output_layer=model.output_layer,
        input_size=model.size,
    )
    compiled = json.loads(values['compiled_size'])
    if list(summary.input_shape) != [*compiled, 3]:
        raise InputError(
            f'{values["prototxt"]}: the input is {list(summary.input_shape)} (height, width, channels), but the '
            f'pipeline was compiled for {[*compiled, 3]}; compile it with this prototxt'
        )
    return {
        'data_fingerprint': layout.fingerprint(values['data_root'], data),
        'prototxt_sha256': sha256_file(values['prototxt']),
        'caffemodel_sha256': sha256_file(values['caffemodel']),
    }


def main(arguments: list[str]) -> int:
    """Takes the ExecutorInput as JSON and writes each output parameter to its file (`collectOutputParameters`).

    Returns:
      0, or 2 for an input that cannot be used.
    """
    executor_input: dict[str, Any] = json.loads(arguments[0])
    try:
        started = datetime.now(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')
        found = {'started': started} | digests(executor_input['inputs']['parameterValues'])
        for name, output in executor_input['outputs']['parameters'].items():
            file = Path(output['outputFile'])
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, found[name])
            print(f'{name} {found[name]}', file=sys.stderr)
    except (InputError, RunError) as error:
        print(f'gender-pipeline: {" ".join(str(error).split())}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
