# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Amends TFX's PipelineSpec: parameters, the tasks Inputs and Report, resources, retries, caching and the volume.

All specifications are dictionaries in the JSON form of kfp's `PipelineSpec` (api/v2alpha1/pipeline_spec.proto).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pipeline.settings import EVERY, ContainerResources, KubeflowSettings

Json: TypeAlias = dict[str, Any]

#: The first task, see `pipeline.runners.kubeflow.inputs_task`.
INPUTS = 'Inputs'

#: The last task, see `pipeline.runners.kubeflow.report_task`.
REPORT = 'Report'

#: In the name of a parameter: separates a property that holds JSON from the keys of the part to replace.
PART = '__'

STRING, INTEGER = 'STRING', 'NUMBER_INTEGER'


#: Start the containers; TFX's own entry point is made for Vertex.
COMMAND, INPUTS_COMMAND, REPORT_COMMAND = (
    ('python', '-m', f'pipeline.runners.kubeflow.{module}') for module in ('entrypoint', 'inputs_task', 'report_task')
)

# Parameters of `INPUTS`, by the component and the property that they are copied from.
_GIVEN = {
    'StratifiedExampleGen': {'data_root': 'data_root', 'settings': 'data'},
    'CaffeConverter': {'prototxt': 'prototxt', 'caffemodel': 'caffemodel', 'settings': 'model'},
}
# Outputs of `INPUTS`, by the component and the property that they set.
_DIGESTS = {
    'StratifiedExampleGen': {'fingerprint': 'data_fingerprint'},
    'CaffeConverter': {'prototxt_sha256': 'prototxt_sha256', 'caffemodel_sha256': 'caffemodel_sha256'},
}
# Another output of `INPUTS`: the start time of the run.
_STARTED = 'started'
# The outputs of `REPORT`, with types that Kubeflow's pages can show (frontend/src/components/viewers).
_SHOWN = {'report': 'system.HTML', 'model_card': 'system.Markdown', 'metrics': 'system.Metrics'}
# The parameters of `INPUTS` are not all that it reads, and `REPORT` describes one run.
_NOT_CACHED = (INPUTS, REPORT)
# Tasks that read or write files other than artifacts.
_ON_THE_VOLUME = (INPUTS, *_GIVEN, 'FineTuner', 'AtomicPusher')
# Argo counts `maxDuration` from the start of the first attempt: after it, nothing is retried, and a retry under way is
# stopped. Without a value, Kubeflow writes 0, which means never. A year is longer than any task.
_RETRIES_END = f'{365 * 24 * 3600}s'
_GIGABYTES = {'M': 1e-3, 'Mi': 2**20 / 1e9, 'G': 1.0, 'Gi': 2**30 / 1e9}


@dataclass(frozen=True)
class Parameter:
    """A parameter of the pipeline.

    Attributes:
      name: its name for users.
      task: the task that uses it.
      property: the task's execution property, or a part of a JSON property: 'custom_config__trainer__epochs'.
      kind: `STRING` or `INTEGER`.
      default: None makes the parameter optional.
      description: one line.
    """

    name: str
    task: str
    property: str
    kind: str
    default: str | int | None
    description: str


def add_parameter(spec: Json, parameter: Parameter) -> None:
    """Makes an execution property, or a part of one, a parameter of the pipeline.

    TFX's RuntimeParameter has no default, cannot replace a part of a property, and would tie the pipeline's definition
    to Kubeflow.
    """
    definition: Json = {'parameterType': parameter.kind, 'description': parameter.description}
    taken: Json = {'parameterType': parameter.kind}
    if parameter.default is None:
        definition['isOptional'] = taken['isOptional'] = True
    else:
        definition['defaultValue'] = parameter.default
    task = spec['root']['dag']['tasks'][parameter.task]
    component = spec['components'][task['componentRef']['name']]
    _parameters(spec['root'], 'inputDefinitions')[parameter.name] = definition
    _parameters(component, 'inputDefinitions')[parameter.property] = taken
    _parameters(task, 'inputs')[parameter.property] = {'componentInputParameter': parameter.name}


def add_inputs_task(spec: Json, image: str, size: tuple[int, int]) -> None:
    """Adds the first task, which checks the inputs and passes their digests to the components that read them.

    The digests make Kubeflow's cache notice changed content at the same path. Call this after `add_parameter`. `size`
    is the (height, width) of the network's input that the pipeline is compiled for.
    """
    parameters: Json = {'compiled_size': _constant(json.dumps(list(size)))}
    outputs = [_STARTED]
    for component, names in _GIVEN.items():
        task, digests = spec['root']['dag']['tasks'][component], _DIGESTS[component]
        given = task['inputs']['parameters']
        parameters |= {name: given[key] for key, name in names.items()}
        given |= {key: _output_of_inputs(output) for key, output in digests.items()}
        outputs += digests.values()
        task['dependentTasks'] = sorted({*task.get('dependentTasks', []), INPUTS})
    takes, gives = ({'parameters': {name: {'parameterType': STRING} for name in n}} for n in (parameters, outputs))
    _add_task(spec, INPUTS, {'parameters': parameters}, takes, gives, image, INPUTS_COMMAND)


def add_report_task(
    spec: Json, image: str, artifacts: Mapping[tuple[str, str], str], config: Json, replaced: Mapping[str, str]
) -> None:
    """Adds the last task, which writes the report. Call this after `add_inputs_task`.

    Args:
      spec: the pipeline.
      image: the container's image.
      artifacts: see `pipeline.report.collect.producers`; the task's inputs are named <component>_<output>.
      config: the configuration that the pipeline is compiled from.
      replaced: names of pipeline parameters by the configuration key that they replace, e.g. 'trainer.epochs'.
    """
    tasks, components = spec['root']['dag']['tasks'], spec['components']
    parameters: Json = {
        'run_id': _constant('{{$.pipeline_job_uuid}}'),
        'config': _constant(json.dumps(config)),
        **{name: _output_of_inputs(name) for name in components[INPUTS]['outputDefinitions']['parameters']},
    }
    kinds: Json = {name: {'parameterType': STRING} for name in parameters}
    declared = spec['root']['inputDefinitions']['parameters']
    for key, parameter in replaced.items():
        name = PART.join(['config', *key.split('.')])
        parameters[name] = {'componentInputParameter': parameter}
        kinds[name] = {k: v for k, v in declared[parameter].items() if k in ('parameterType', 'isOptional')}
    taken, types = {}, {}
    for (component, output), producer in artifacts.items():
        made = components[tasks[producer]['componentRef']['name']]['outputDefinitions']['artifacts'][output]
        name = f'{component}_{output}'
        types[name] = {'artifactType': copy.deepcopy(made['artifactType'])}
        taken[name] = {'taskOutputArtifact': {'producerTask': producer, 'outputArtifactKey': output}}
    shown = {name: {'artifactType': {'schemaTitle': title, 'schemaVersion': '0.0.1'}} for name, title in _SHOWN.items()}
    inputs, takes = {'artifacts': taken, 'parameters': parameters}, {'artifacts': types, 'parameters': kinds}
    _add_task(spec, REPORT, inputs, takes, {'artifacts': shown}, image, REPORT_COMMAND)
    tasks[REPORT]['dependentTasks'] = sorted({INPUTS, *artifacts.values()})


def set_execution(spec: Json, settings: KubeflowSettings, code_digests: Mapping[str, str]) -> None:
    """Sets every task's resources, retries and caching.

    The digest of a component's code becomes an argument of its container, because arguments are part of the key of
    Kubeflow's cache (`GenerateCacheKey` in backend/src/v2/cacheutils/cache.go).
    """
    for name, task in spec['root']['dag']['tasks'].items():
        container = spec['deploymentSpec']['executors'][_executor(name)]['container']
        limits = _limits(settings.resources, name)
        if limits:
            container['resources'] = limits
        if settings.retries:
            task['retryPolicy'] = {
                'maxRetryCount': settings.retries,
                'backoffDuration': '30s',
                'backoffFactor': 2.0,
                'backoffMaxDuration': _RETRIES_END,
            }
        if name not in _NOT_CACHED:
            container['args'].append(f'--code={code_digests[name]}')
            task['cachingOptions'] = {'enableCache': True} if settings.cache else {}


def _limits(resources: Mapping[str, ContainerResources], component: str) -> Json:
    """Returns the `resources` of a component's container; empty if it has no limits.

    Like kfp's compiler, this writes each limit in two spellings: newer drivers read the keys with `resource`
    (`initPodSpecPatch` in backend/src/v2/driver/driver.go), older ones and Vertex the others. Kubernetes also uses the
    limits as requests. The limits of `EVERY` apply where a component has no own value.
    """
    applicable = [resources[name] for name in (component, EVERY) if name in resources]
    cpu, memory, accelerator = (
        next((getattr(limits, key) for limits in applicable if getattr(limits, key) is not None), None)
        for key in ('cpu', 'memory', 'accelerator')
    )
    result: Json = {}
    if cpu is not None:
        result |= {'resourceCpuLimit': f'{cpu:g}', 'cpuLimit': cpu}
    if memory is not None:
        number, unit = re.findall(r'[\d.]+|\D+', memory)
        result |= {'resourceMemoryLimit': memory, 'memoryLimit': round(float(number) * _GIGABYTES[unit], 6)}
    if accelerator is not None:
        kind, _, count = accelerator.rpartition(':')
        result['accelerator'] = {'resourceType': kind, 'resourceCount': count, 'type': kind, 'count': count}
    return result


def on_volume(spec: Mapping[str, Any], claim: str, mount: str) -> Json:
    """Returns the second YAML document: the containers that mount the volume.

    Only tasks that read inputs, keep checkpoints or push the model mount it. The format is
    kubernetes_platform/proto/kubernetes_executor_config.proto. Like kfp's own extension, this also writes the older
    spelling `constant`, for older drivers.
    """
    volume = {'constant': claim, 'mountPath': mount, 'pvcNameParameter': _constant(claim)}
    tasks = [name for name in _ON_THE_VOLUME if name in spec['root']['dag']['tasks']]
    # Copies, because YAML writes references for an object that occurs twice.
    executors = {_executor(name): {'pvcMount': [copy.deepcopy(volume)]} for name in tasks}
    return {'platforms': {'kubernetes': {'deploymentSpec': {'executors': executors}}}}


def _add_task(
    spec: Json, name: str, inputs: Json, takes: Json, gives: Json, image: str, command: tuple[str, ...]
) -> None:
    executor, named = _executor(name), {'name': name}
    spec['components'][name] = {'executorLabel': executor, 'inputDefinitions': takes, 'outputDefinitions': gives}
    spec['root']['dag']['tasks'][name] = {
        'taskInfo': {**named}, 'componentRef': {**named}, 'inputs': inputs, 'cachingOptions': {},
    }  # fmt: skip
    container = {'image': image, 'command': list(command), 'args': ['{{$}}']}
    spec['deploymentSpec']['executors'][executor] = {'container': container}


def _executor(task: str) -> str:
    return f'{task}_executor'


def _constant(value: str) -> Json:
    return {'runtimeValue': {'constant': value}}


def _output_of_inputs(name: str) -> Json:
    return {'taskOutputParameter': {'producerTask': INPUTS, 'outputParameterKey': name}}


def _parameters(owner: Json, section: str) -> Json:
    found: Json = owner.setdefault(section, {}).setdefault('parameters', {})
    return found
