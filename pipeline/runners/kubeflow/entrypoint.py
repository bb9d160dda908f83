# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What every component's container starts: makes Kubeflow's invocation one that TFX understands, and runs it.

TFX's own entry point, `kubeflow_v2_run_executor`, is made for Vertex. Open-source Kubeflow differs, and this answers to
it (paths are those of github.com/kubeflow/pipelines):

- Input artifacts come without a type: `toRuntimeArtifact` in backend/src/v2/metadata/converter.go sets none, and
  `ToRuntimeArtifact` in metadata/client.go an empty schema. The types are taken from the component's inputs spec.
- URIs are minio:// or s3://, which TFX cannot open; the launcher mirrors them, see `storage`. They are turned into
  local paths before, and back into URIs in the ExecutorOutput: `uploadOutputArtifacts` in component/launcher_v2.go
  does not upload what it finds under a path (`mergeRuntimeArtifacts` takes the URI that the program wrote).
- `prepareOutputFolders` makes the parents of outputs only, and an artifact without files is not there for those who
  take it (`DownloadBlob` in objectstore/object_store.go copies objects, and there are none): both are made here,
  locally. Nothing writes to the store itself, so no empty objects stand for folders there, over which `DownloadBlob`
  would fail.
- The driver may add an output `executor-logs` of the type system.Artifact (`provisionOutputs` in driver/driver.go),
  which is the launcher's own. It is left out.
- Properties that hold JSON cannot be parameters of a pipeline in part: an extra parameter `a__b__c` replaces what is at
  b.c in the JSON of the property `a`.
- `StructValueToMLMDValue` in metadata/converter.go refuses null, and the launcher the whole output with it.

A component whose Beam stages run elsewhere keeps its URIs, which have to be gs://: workers read and write the store
itself. `uploadOutputArtifacts` only warns of a folder that is not there; the empty objects that TensorFlow makes for
folders, and its temporary files, are removed from the store.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.errors import InputError
from components.io.files import any_path, in_bucket, write_text
from pipeline.runners.beam import dataflow
from pipeline.runners.kubeflow import storage
from pipeline.runners.kubeflow.spec import PART

# The launcher's own output.
_LOGS = 'executor-logs'


def repaired(invocation: dict[str, Any], inputs_spec: dict[str, Any], in_store: bool = False) -> dict[str, Any]:
    """The ExecutorInput as TFX's entry point expects it.

    Args:
      invocation: the JSON form of kfp's ExecutorInput, as the launcher fills it in.
      inputs_spec: the JSON form of the component's ComponentInputsSpec, as TFX's compiler wrote it.
      in_store: artifacts are read and written where they are, because Beam's workers do not see this container.

    Returns:
      A changed copy: types, local paths, no outputs of the launcher's own, parts put into their properties. With
      `in_store` gs:// URIs instead of paths, also for the output file, beside which TFX keeps temporary files.

    Raises:
      ValueError: an input that the component does not declare.
      InputError: `in_store`, and the store is another than gs://.
    """
    result: dict[str, Any] = json.loads(json.dumps(invocation))
    inputs, outputs = result.setdefault('inputs', {}), result.setdefault('outputs', {})
    declared = inputs_spec.get('artifacts', {})
    for name, value in inputs.get('artifacts', {}).items():
        if name not in declared:
            raise ValueError(f'input artifact {name!r} is not declared; the component has {sorted(declared)}')
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
    artifact.setdefault('name', artifact['uri'])  # TFX makes its artifact ids of names
    if not in_store:
        artifact['uri'] = storage.local_path(artifact['uri'])
    elif not in_bucket(artifact['uri']):
        raise InputError(
            f'{artifact["uri"]}: the Beam stages run elsewhere, whose workers read gs:// only; give the run the '
            'pipeline root gs://BUCKET/FOLDER, as "submit" does, or compile with beam.runner=local'
        )
    schema = artifact.get('type', {}).get('instanceSchema', '')
    for title, path in _own_types().items():
        # TFX takes an unknown title for the class's import path.
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
    """Puts each parameter `a__b__c` at b.c into the JSON of the parameter `a`, and takes it out of `parameters`."""
    for name in [name for name in parameters if PART in name]:
        value = parameters.pop(name)
        owner, *keys = name.split(PART)
        # Kubeflow's numbers are floating-point ones.
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
    """Whether an executor does its work on Beam, and not in this process.

    Args:
      executor: the path of its class.
      options: what the command line has besides; Beam's options are there for every component.
    """
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
    from tfx.utils import import_utils

    runners = [option for option in options if option.startswith('--runner=')]
    return runners[-1:] not in ([], ['--runner=DirectRunner']) and issubclass(
        import_utils.import_class_by_path(executor), BaseBeamExecutor
    )


def make_folders(invocation: dict[str, Any]) -> None:
    """Makes the local folders of all artifacts of a repaired invocation that are not there."""
    for side in ('inputs', 'outputs'):
        for value in invocation[side].get('artifacts', {}).values():
            for artifact in value.get('artifacts', []):
                Path(artifact['uri']).mkdir(parents=True, exist_ok=True)


def publish(written: str, output_file: str) -> None:
    """Makes the ExecutorOutput that TFX wrote one for Kubeflow: URIs for local paths, no null.

    Args:
      written: where TFX wrote it.
      output_file: where the launcher looks for it; the same, or this one's own if the other is in the store.
    """
    result = storage.to_uris(json.loads(any_path(written).read_text('utf-8')))
    for value in result.get('artifacts', {}).values():
        for artifact in value.get('artifacts', []):
            metadata = artifact.get('metadata', {})
            artifact['metadata'] = {key: item for key, item in metadata.items() if item is not None}
            # The launcher knows the outputs by their keys; the ids that TFX made up are nobody's.
            artifact.pop('name', None)
    write_text(output_file, json.dumps(result))


def main(arguments: list[str]) -> int:
    """Runs one component.

    Args:
      arguments: '--executor_class_path', '--json_serialized_invocation_args' and '--json_serialized_inputs_spec_args'
        as TFX's compiler writes them; the rest are Beam's options.

    Returns:
      0 on success, 2 on bad input, 1 on any other failure; the last line on stderr says what was wrong.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument('--executor_class_path', required=True)
    parser.add_argument('--json_serialized_invocation_args', required=True)
    parser.add_argument('--json_serialized_inputs_spec_args', required=True)
    options, beam_options = parser.parse_known_args(arguments)
    # TFX's Beam executors parse the process's arguments as flags of theirs.
    sys.argv = sys.argv[:1]
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    from components import error_reporting

    in_store = runs_elsewhere(options.executor_class_path, beam_options)
    given = json.loads(options.json_serialized_invocation_args)
    try:
        invocation = repaired(given, json.loads(options.json_serialized_inputs_spec_args), in_store)
        if in_store and 'data_root' in invocation['inputs'].get('parameterValues', {}):
            options.check_data(invocation['inputs']['parameterValues']['data_root'])
        if not in_store:
            make_folders(invocation)
        options.json_serialized_invocation_args = json.dumps(invocation)
        with contextlib.ExitStack() as stack:
            if in_store and '--runner=DataflowRunner' in beam_options:
                # The same in each of Kubeflow's attempts.
                task = hashlib.sha256(invocation['outputs']['outputFile'].encode()).hexdigest()[:16]
                beam_options = stack.enter_context(dataflow.owned(beam_options, task))
            kubeflow_v2_run_executor._run_executor(options, beam_options)
        publish(invocation['outputs']['outputFile'], given['outputs']['outputFile'])
        if in_store:
            storage.tidy(os.path.dirname(invocation['outputs']['outputFile']))
    except Exception as error:
        traceback.print_exc()
        told = error_reporting.one_line(error, 'the lines above')
        print(f'gender-pipeline: {" ".join(str(told).split())}', file=sys.stderr)
        return 2 if isinstance(told, InputError) else 1
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
