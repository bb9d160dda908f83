# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Amends the PipelineSpec that TFX writes: parameters, inputs known by content, report, resources, retries, volume.

Everything here is a dictionary in the JSON form of kfp's `PipelineSpec` (api/v2alpha1/pipeline_spec.proto).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.runners.kubeflow import container_resources
from pipeline.settings import ContainerResources

#: The task in front of TFX's own, see `pipeline.runners.kubeflow.inputs_task`.
INPUTS = 'Inputs'

#: The task behind TFX's own, see `pipeline.runners.kubeflow.report_task`.
REPORT = 'Report'

#: Between the name of a property that holds JSON and the keys of the part that a parameter replaces.
PART = '__'

_EXECUTOR = '{}_executor'

# By task: the properties that `INPUTS` needs a copy of, with their names there, and those that it computes.
_NEEDED = {
    'StratifiedExampleGen': {'data_root': 'data_root', 'settings': 'data'},
    'CaffeConverter': {'prototxt': 'prototxt', 'caffemodel': 'caffemodel', 'settings': 'model'},
}
_COMPUTED = {
    'StratifiedExampleGen': {'fingerprint': 'data_fingerprint'},
    'CaffeConverter': {'prototxt_sha256': 'prototxt_sha256', 'caffemodel_sha256': 'caffemodel_sha256'},
}
# What the task `INPUTS` says besides; `REPORT` takes all of it.
_STARTED = 'started'
# The outputs of `REPORT`, of types that Kubeflow's pages show (frontend/src/components/viewers).
_SHOWN = {'report': 'system.HTML', 'model_card': 'system.Markdown', 'metrics': 'system.Metrics'}
# Tasks whose parameters do not say what they read, or that are about one run.
_NOT_CACHED = (INPUTS, REPORT)
# The tasks that read or write files which are not artifacts.
_ON_THE_VOLUME = (INPUTS, 'StratifiedExampleGen', 'CaffeConverter', 'FineTuner', 'AtomicPusher')


@dataclass(frozen=True)
class Parameter:
    """One parameter of the pipeline.

    Attributes:
      name: what people see.
      task: the task that takes it.
      property: the task's execution property, or a part of one that holds JSON: 'custom_config__trainer__epochs'.
      kind: 'STRING' or 'NUMBER_INTEGER'.
      default: its value where none is given; None for an optional property that is then left out.
      description: one line.
    """

    name: str
    task: str
    property: str
    kind: str
    default: str | int | None
    description: str


def add_parameter(spec: dict[str, Any], parameter: Parameter) -> None:
    """Makes an execution property, or a part of one, a parameter of the pipeline.

    TFX's own RuntimeParameter keeps no default and cannot be a part of a property, and would show in the pipeline's
    definition, which knows nothing of Kubeflow.
    """
    definition: dict[str, Any] = {'parameterType': parameter.kind, 'description': parameter.description}
    taken: dict[str, Any] = {'parameterType': parameter.kind}
    if parameter.default is None:
        definition['isOptional'] = taken['isOptional'] = True
    else:
        definition['defaultValue'] = parameter.default
    _parameters(spec['root'], 'inputDefinitions')[parameter.name] = definition
    task = spec['root']['dag']['tasks'][parameter.task]
    component = spec['components'][task['componentRef']['name']]
    _parameters(component, 'inputDefinitions')[parameter.property] = taken
    _parameters(task, 'inputs')[parameter.property] = {'componentInputParameter': parameter.name}


def add_inputs_task(spec: dict[str, Any], command: list[str], image: str, size: tuple[int, int]) -> None:
    """Puts a task in front that looks at the inputs and gives their digests to the components that take them.

    The digests are what makes changed content at the same path new to Kubeflow's cache. The task itself is never
    cached, because its parameters do not say what it reads. Call it after `add_parameter`.

    Args:
      spec: the pipeline.
      command: starts the container.
      image: of the container.
      size: height and width of the network's input that the pipeline is compiled for.
    """
    tasks, components = spec['root']['dag']['tasks'], spec['components']
    values: dict[str, Any] = {'compiled_size': {'runtimeValue': {'constant': json.dumps(list(size))}}}
    computed = [_STARTED]
    for task_name, names in _NEEDED.items():
        given = tasks[task_name]['inputs']['parameters']
        values |= {there: given[name] for name, there in names.items()}
        for name, output in _COMPUTED[task_name].items():
            computed.append(output)
            given[name] = {'taskOutputParameter': {'producerTask': INPUTS, 'outputParameterKey': output}}
        tasks[task_name]['dependentTasks'] = sorted({*tasks[task_name].get('dependentTasks', []), INPUTS})
    components[INPUTS] = {
        'executorLabel': _EXECUTOR.format(INPUTS),
        'inputDefinitions': {'parameters': {name: {'parameterType': 'STRING'} for name in values}},
        'outputDefinitions': {'parameters': {name: {'parameterType': 'STRING'} for name in computed}},
    }
    tasks[INPUTS] = {
        'taskInfo': {'name': INPUTS},
        'componentRef': {'name': INPUTS},
        'inputs': {'parameters': values},
        'cachingOptions': {},
    }
    spec['deploymentSpec']['executors'][_EXECUTOR.format(INPUTS)] = {
        'container': {'image': image, 'command': command, 'args': ['{{$}}']}
    }


def add_report_task(
    spec: dict[str, Any],
    command: list[str],
    image: str,
    artifacts: Mapping[tuple[str, str], str],
    config: Mapping[str, Any],
    replaced: Mapping[str, str],
) -> None:
    """Puts a task behind all others that writes the report. Call it after `add_inputs_task`.

    Args:
      spec: the pipeline.
      command: starts the container.
      image: of the container.
      artifacts: see `pipeline.report.collect.producers`; the inputs are called <component>_<output>.
      config: the configuration that the pipeline is compiled from.
      replaced: pipeline parameters by the key that they replace, 'trainer.epochs'.
    """
    tasks, components = spec['root']['dag']['tasks'], spec['components']
    computed = components[INPUTS]['outputDefinitions']['parameters']
    values: dict[str, Any] = {
        'run_id': {'runtimeValue': {'constant': '{{$.pipeline_job_uuid}}'}},
        'config': {'runtimeValue': {'constant': json.dumps(config)}},
        **{name: {'taskOutputParameter': {'producerTask': INPUTS, 'outputParameterKey': name}} for name in computed},
    }
    kinds: dict[str, Any] = {name: {'parameterType': 'STRING'} for name in values}
    declared = spec['root']['inputDefinitions']['parameters']
    for key, parameter in replaced.items():
        name = PART.join(['config', *key.split('.')])
        values[name] = {'componentInputParameter': parameter}
        kinds[name] = {k: v for k, v in declared[parameter].items() if k in ('parameterType', 'isOptional')}
    taken, types = {}, {}
    for (name, output), producer in artifacts.items():
        made = components[tasks[producer]['componentRef']['name']]['outputDefinitions']['artifacts'][output]
        types[f'{name}_{output}'] = {'artifactType': copy.deepcopy(made['artifactType'])}
        taken[f'{name}_{output}'] = {'taskOutputArtifact': {'producerTask': producer, 'outputArtifactKey': output}}
    components[REPORT] = {
        'executorLabel': _EXECUTOR.format(REPORT),
        'inputDefinitions': {'artifacts': types, 'parameters': kinds},
        'outputDefinitions': {
            'artifacts': {
                name: {'artifactType': {'schemaTitle': title, 'schemaVersion': '0.0.1'}}
                for name, title in _SHOWN.items()
            }
        },
    }
    tasks[REPORT] = {
        'taskInfo': {'name': REPORT},
        'componentRef': {'name': REPORT},
        'inputs': {'artifacts': taken, 'parameters': values},
        'dependentTasks': sorted({INPUTS, *artifacts.values()}),
        'cachingOptions': {},
    }
    spec['deploymentSpec']['executors'][_EXECUTOR.format(REPORT)] = {
        'container': {'image': image, 'command': command, 'args': ['{{$}}']}
    }


def set_execution(
    spec: dict[str, Any],
    *,
    wanted: Mapping[str, ContainerResources],
    retries: int,
    cache: bool,
    codes: Mapping[str, str],
) -> None:
    """Sets every task's resources, retries and caching.

    Args:
      spec: the pipeline.
      wanted: limits of containers by component.
      retries: how often a container that failed is started again; 0 for never.
      cache: whether results are taken from earlier runs.
      codes: by task, the fingerprint of the code its result depends on. As an argument it is part of the key of
        Kubeflow's cache (`GenerateCacheKey` in backend/src/v2/cacheutils/cache.go: image and arguments are).
    """
    for name, task in spec['root']['dag']['tasks'].items():
        container = spec['deploymentSpec']['executors'][_EXECUTOR.format(name)]['container']
        allowed = container_resources.specification(wanted, name)
        if allowed:
            container['resources'] = allowed
        if retries:
            task['retryPolicy'] = {
                'maxRetryCount': retries,
                'backoffDuration': '30s',
                'backoffFactor': 2.0,
                'backoffMaxDuration': '600s',
            }
        if name not in _NOT_CACHED:
            container['args'].append(f'--code={codes[name]}')
            task['cachingOptions'] = {'enableCache': True} if cache else {}


def on_volume(spec: Mapping[str, Any], claim: str, mount: str) -> dict[str, Any]:
    """The second document of a pipeline's YAML: which of its containers get a volume.

    Only those that read the inputs, keep checkpoints or push the model: everything else sees artifacts only. The form
    is that of kubernetes_platform/proto/kubernetes_executor_config.proto; the older spelling `constant` is there for
    older drivers, as kfp's own extension writes it.
    """
    volume = {
        'constant': claim,
        'mountPath': mount,
        'pvcNameParameter': {'runtimeValue': {'constant': claim}},
    }
    # Copies: one object in many places would be references in YAML.
    names = [name for name in _ON_THE_VOLUME if name in spec['root']['dag']['tasks']]
    executors = {_EXECUTOR.format(name): {'pvcMount': [copy.deepcopy(volume)]} for name in names}
    return {'platforms': {'kubernetes': {'deploymentSpec': {'executors': executors}}}}


def _parameters(owner: dict[str, Any], section: str) -> dict[str, Any]:
    found: dict[str, Any] = owner.setdefault(section, {}).setdefault('parameters', {})
    return found
