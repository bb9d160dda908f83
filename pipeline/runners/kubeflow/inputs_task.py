# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The first container of a run on Kubeflow: checks inputs and volume, and outputs the inputs' digests.

Kubeflow's cache compares parameters, and the data is not available when the pipeline is compiled. Without the digests,
new faces at the same path would get the old results. Imports neither TFX nor TensorFlow.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.caffe_converter.settings import Settings as ModelSettings
from components.errors import InputError, RunError
from components.io import stores
from components.io.files import in_bucket, local_input, write_text
from components.stratified_example_gen.settings import Settings as DataSettings
from pipeline.runners.kubeflow import volume
from pipeline.runs.run_inputs import InputDigests, RunInputs


def digests(values: Mapping[str, str]) -> InputDigests:
    """Checks the inputs as `run` does, and returns their digests.

    Args:
      values: 'data_root', 'prototxt' and 'caffemodel'; 'data' and 'model', the settings of StratifiedExampleGen and
        CaffeConverter as JSON; 'compiled_size', JSON [height, width] that the pipeline was compiled for; 'output' and
        optionally 'checkpoints' and 'embedding_store', folders that later tasks write to. All may be in buckets.

    Raises:
      InputError: an input is unusable, a folder is not writable, or the network has another input size.
    """
    data, model = DataSettings.from_json(values['data']), ModelSettings.from_json(values['model'])
    for key in ('data_root', 'prototxt', 'caffemodel'):
        if not in_bucket(values[key]):
            volume.check_readable(Path(values[key]))
    for key in ('output', 'checkpoints', 'embedding_store'):
        if values.get(key):
            if in_bucket(values[key]):
                stores.check_bucket(key, values[key], write=True)
            else:
                volume.check_writable(Path(values[key]))
    with local_input(values['prototxt']) as prototxt, local_input(values['caffemodel']) as caffemodel:
        inputs = RunInputs(values['data_root'], prototxt, caffemodel)
        found, expected = list(inputs.check(data, model).input_shape), [*json.loads(values['compiled_size']), 3]
        if found != expected:
            raise InputError(
                f'{inputs.prototxt}: the input is {found} (height, width, channels), but the pipeline was compiled for '
                f'{expected}; compile it with this prototxt'
            )
        return inputs.digests(data)


def main(arguments: list[str]) -> int:
    """Reads the ExecutorInput (JSON) and writes each output parameter to its file (`collectOutputParameters`).

    Returns:
      0, or 2 if an input is unusable.
    """
    executor_input: dict[str, Any] = json.loads(arguments[0])
    try:
        started = datetime.now(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')
        outputs = {'started': started, **dataclasses.asdict(digests(executor_input['inputs']['parameterValues']))}
        for name, output in executor_input['outputs']['parameters'].items():
            file = Path(output['outputFile'])
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, outputs[name])
            print(f'{name} {outputs[name]}', file=sys.stderr)
    except (InputError, RunError) as error:
        print(f'gender-pipeline: {" ".join(str(error).split())}', file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
