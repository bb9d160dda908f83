# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The program of every component's container: adapts Kubeflow's invocation to TFX and runs the executor.

TFX's own entry point, `kubeflow_v2_run_executor`, is made for Vertex. Open-source Kubeflow differs (paths are in
github.com/kubeflow/pipelines):

- Input artifacts have no type: `toRuntimeArtifact` in backend/src/v2/metadata/converter.go sets none, and
  `ToRuntimeArtifact` in metadata/client.go an empty schema. The component's inputs spec supplies the types.
- TFX cannot open minio:// and s3:// URIs, but the launcher mirrors them locally, see `storage`. They are replaced by
  local paths, and restored in the ExecutorOutput: `uploadOutputArtifacts` in component/launcher_v2.go uploads nothing
  that is named by a path (`mergeRuntimeArtifacts` uses the URI in the ExecutorOutput).
- `prepareOutputFolders` creates only the parents of outputs, and `DownloadBlob` in objectstore/object_store.go creates
  no folder for an artifact without files. Both folders are created here, locally: `DownloadBlob` fails over empty
  objects that stand for folders in the store.
- The driver may add the launcher's own output `executor-logs` of type system.Artifact (`provisionOutputs` in
  driver/driver.go). It is removed.
- A pipeline parameter cannot replace a part of a JSON property. Here a parameter `a__b__c` replaces b.c in the JSON of
  the property `a`.
- Kubeflow's cache does not look at the files of artifacts. Each task publishes their digests and checks its inputs'.
- `StructValueToMLMDValue` in metadata/converter.go rejects null, and with it the launcher rejects the whole output.

A component whose Beam stages run elsewhere keeps its URIs, which must be gs://, because workers access the store
themselves. `uploadOutputArtifacts` only warns of the missing local folder. TensorFlow's empty objects for folders and
its temporary files are removed from the store.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import hashlib
import json
import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.errors import InputError, RunError
from components.io.files import any_path, in_bucket, scheme, write_text
from pipeline.runners.beam import dataflow, options as beam_options
from pipeline.runners.kubeflow import storage
from pipeline.runners.kubeflow.spec import PART
from pipeline.runs import intact

# An output of the launcher's own.
_LOGS = 'executor-logs'


def repaired(invocation: dict[str, Any], inputs_spec: dict[str, Any], in_store: bool = False) -> dict[str, Any]:
    """Returns the ExecutorInput that TFX's entry point expects.

    Args:
      invocation: the JSON form of kfp's ExecutorInput, from the launcher.
      inputs_spec: the JSON form of the component's ComponentInputsSpec, from TFX's compiler.
      in_store: whether Beam's workers, which cannot access this container, read and write the artifacts in the store.

    Returns:
      A copy with artifact types, local paths, no `executor-logs`, and partial parameters merged. With `in_store`, URIs
      instead of paths, also for the output file, because TFX writes temporary files beside it.

    Raises:
      ValueError: the component does not declare an input.
      InputError: `in_store`, and the store is not gs://.
    """
    result = copy.deepcopy(invocation)
    inputs, outputs = result.setdefault('inputs', {}), result.setdefault('outputs', {})
    declared = inputs_spec.get('artifacts', {})
    for name, value in inputs.get('artifacts', {}).items():
        if name not in declared:
            raise ValueError(f'undeclared input artifact {name!r}; the component has {sorted(declared)}')
        for artifact in value.get('artifacts', []):
            artifact['type'] = declared[name]['artifactType']
            _place(artifact, in_store)
    outputs.get('artifacts', {}).pop(_LOGS, None)
    for value in outputs.get('artifacts', {}).values():
        for artifact in value.get('artifacts', []):
            _place(artifact, in_store)
            if in_store:
                outputs['outputFile'] = f'{os.path.dirname(artifact["uri"])}/executor_output.json'
    put_parts_in_place(inputs.get('parameterValues', {}))
    return result


def _place(artifact: dict[str, Any], in_store: bool) -> None:
    artifact.setdefault('name', artifact['uri'])  # TFX derives artifact ids from names
    if not in_store:
        artifact['uri'] = storage.local_path(artifact['uri'])
    elif scheme(artifact['uri']) != 'gs://':
        raise InputError(
            f'{artifact["uri"]}: the workers of the Beam runner can read gs:// only; give the run the pipeline root '
            'gs://BUCKET/FOLDER, as "submit" does, or compile with beam.runner=local'
        )
    schema = artifact.get('type', {}).get('instanceSchema', '')
    for title, path in _own_types().items():
        # TFX interprets an unknown title as the import path of the artifact's class.
        schema = re.sub(rf'^title: {re.escape(title)}$', f'title: {path}', schema, flags=re.MULTILINE)
    if schema:
        artifact['type']['instanceSchema'] = schema


def _own_types() -> dict[str, str]:
    from tfx.types import artifact

    from components import artifacts

    kinds: list[Any] = [kind for kind in vars(artifacts).values() if isinstance(kind, type)]
    own = [kind for kind in kinds if issubclass(kind, artifact.Artifact) and kind is not artifact.Artifact]
    return {kind.TYPE_NAME: f'{kind.__module__}.{kind.__name__}' for kind in own}


def put_parts_in_place(parameters: dict[str, Any]) -> None:
    """Moves each parameter `a__b__c` to b.c in the JSON of the parameter `a`."""
    for name in [name for name in parameters if PART in name]:
        value = parameters.pop(name)
        owner, *keys = name.split(PART)
        # Kubeflow passes all numbers as floats.
        value = int(value) if isinstance(value, float) and value.is_integer() else value
        tree = json.loads(parameters[owner])
        place = tree
        for key in keys[:-1]:
            place = place[key]
        if keys[-1] not in place:
            raise ValueError(f'parameter {name!r}: {owner} has no {".".join(keys)}')
        place[keys[-1]] = value
        parameters[owner] = json.dumps(tree)


def runs_elsewhere(executor: str, options: Sequence[str]) -> bool:
    """Returns whether an executor, given as import path, is a Beam executor and `options` name a remote runner."""
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
    from tfx.utils import import_utils

    runners = [option for option in options if option.startswith('--runner=')]
    return runners[-1:] not in ([], [f'--runner={beam_options.LOCAL_RUNNER}']) and issubclass(
        import_utils.import_class_by_path(executor), BaseBeamExecutor
    )


def make_folders(invocation: dict[str, Any]) -> None:
    """Creates the missing local folders of a repaired invocation's artifacts."""
    for side in ('inputs', 'outputs'):
        for value in invocation[side].get('artifacts', {}).values():
            for artifact in value.get('artifacts', []):
                Path(artifact['uri']).mkdir(parents=True, exist_ok=True)


def check_inputs(inputs: dict[str, Any]) -> None:
    """Compares the files of the input artifacts with those that their producers published.

    Kubeflow's cache does not look at files: a task that reads changed ones would fail oddly or give other results.

    Args:
      inputs: the `inputs` of an ExecutorInput.

    Raises:
      RunError: a file changed, is missing, or was added.
    """
    for value in inputs.get('artifacts', {}).values():
        for artifact in value.get('artifacts', []):
            if files := artifact.get('metadata', {}).get(intact.FILES):
                folder = storage.local_path(artifact['uri'])
                if changed := intact.change(storage.uri(folder), json.loads(files), intact.digests(folder)):
                    raise RunError(
                        f'{changed} since it was made; restore it, or compile with another tag of the image, which is '
                        "part of Kubeflow's cache key, and submit: everything is made again"
                    )


def publish(written: str, output_file: str) -> None:
    """Converts the ExecutorOutput that TFX wrote to the one that the launcher reads.

    It has URIs for local paths and no nulls, and the digests of each artifact's files for `check_inputs`.
    """
    result = storage.to_uris(json.loads(any_path(written).read_text('utf-8')))
    for value in result.get('artifacts', {}).values():
        for artifact in value.get('artifacts', []):
            metadata = artifact.get('metadata', {})
            artifact['metadata'] = {key: item for key, item in metadata.items() if item is not None}
            place = artifact['uri'] if in_bucket(written) else storage.local_path(artifact['uri'])
            artifact['metadata'][intact.FILES] = json.dumps(intact.digests(place))
            artifact.pop('name', None)  # TFX's generated ids are unused
    write_text(output_file, json.dumps(result))


def main(arguments: list[str]) -> int:
    """Runs one component with arguments from TFX's compiler.

    Returns:
      0 on success, 2 on bad input, 1 on any other failure. The last line on stderr is the error.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument('--executor_class_path', required=True)
    parser.add_argument('--json_serialized_invocation_args', required=True)
    parser.add_argument('--json_serialized_inputs_spec_args', required=True)
    options, beam_args = parser.parse_known_args(arguments)
    # TFX's Beam executors would parse the process's arguments as absl flags.
    sys.argv = sys.argv[:1]
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    from components import error_reporting

    in_store = runs_elsewhere(options.executor_class_path, beam_args)
    given = json.loads(options.json_serialized_invocation_args)
    try:
        invocation = repaired(given, json.loads(options.json_serialized_inputs_spec_args), in_store)
        if in_store and 'data_root' in invocation['inputs'].get('parameterValues', {}):
            beam_options.check_data(invocation['inputs']['parameterValues']['data_root'])
        if not in_store:
            make_folders(invocation)
        check_inputs(invocation['inputs'])
        options.json_serialized_invocation_args = json.dumps(invocation)
        with contextlib.ExitStack() as stack:
            if in_store and '--runner=DataflowRunner' in beam_args:
                # A name that is the same in each attempt of the task.
                task = hashlib.sha256(invocation['outputs']['outputFile'].encode()).hexdigest()[:16]
                beam_args = stack.enter_context(dataflow.owned(beam_args, task))
            kubeflow_v2_run_executor._run_executor(options, beam_args)
        publish(invocation['outputs']['outputFile'], given['outputs']['outputFile'])
        if in_store:
            storage.tidy(os.path.dirname(invocation['outputs']['outputFile']))
    except Exception as error:
        traceback.print_exc()
        reported = error_reporting.one_line(error, 'the lines above')
        print(f'gender-pipeline: {" ".join(str(reported).split())}', file=sys.stderr)
        return 2 if isinstance(reported, InputError) else 1
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
