# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Amends TFX's PipelineSpec: parameters, the tasks Inputs and Report, resources, retries, caching and pods.

All specifications are dictionaries in the JSON form of kfp's `PipelineSpec` (api/v2alpha1/pipeline_spec.proto).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pipeline.kubeflow_settings import EVERY, ContainerResources, KubeflowSettings, size as memory_size

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
# Parameters of `INPUTS` that name folders to write to.
_WRITTEN = {
    'AtomicPusher': ('push_destination__filesystem__base_directory', 'output'),
    'FineTuner': ('checkpoints', 'checkpoints'),
    'EmbeddingGen': ('store', 'embedding_store'),
}
# Another output of `INPUTS`: the start time of the run.
_STARTED = 'started'
# The outputs of `REPORT`, with types that Kubeflow's pages can show (frontend/src/components/viewers).
_SHOWN = {'report': 'system.HTML', 'model_card': 'system.Markdown', 'metrics': 'system.Metrics'}
# The parameters of `INPUTS` are not all that it reads, and `REPORT` describes one run.
_NOT_CACHED = (INPUTS, REPORT)
# Tasks that read or write files other than artifacts.
_ON_THE_VOLUME = (INPUTS, *_GIVEN, 'FineTuner', 'AtomicPusher')
_EMBEDDING = ('EmbeddingGen', 'FineTunedEmbeddingGen')
_IN_THE_STORE = (*_ON_THE_VOLUME, *_EMBEDDING)
# The keys of Kubeflow's own Secret mlpipeline-minio-artifact.
_CREDENTIALS = {'accesskey': 'AWS_ACCESS_KEY_ID', 'secretkey': 'AWS_SECRET_ACCESS_KEY'}
# Argo counts `maxDuration` from the start of the first attempt: after it, nothing is retried, and a retry under way is
# stopped. Without a value, Kubeflow writes 0, which means never. A year is longer than any task.
_RETRIES_END = f'{365 * 24 * 3600}s'


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
    for component, (key, name) in _WRITTEN.items():
        if component in spec['root']['dag']['tasks']:
            parameters[name] = spec['root']['dag']['tasks'][component]['inputs']['parameters'][key]
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


def set_execution(spec: Json, settings: KubeflowSettings, code_digests: Mapping[str, str], *, vertex: bool) -> None:
    """Sets every task's resources, retries and caching.

    The digest of a component's code becomes an argument of its container, because arguments are part of the key of
    Kubeflow's cache (`GenerateCacheKey` in backend/src/v2/cacheutils/cache.go).
    """
    for name, task in spec['root']['dag']['tasks'].items():
        container = spec['deploymentSpec']['executors'][_executor(name)]['container']
        resources = _resources(settings.resources, name, vertex)
        if resources:
            container['resources'] = resources
        if settings.bucket_endpoint and name in _IN_THE_STORE:
            container['env'] = [
                {'name': 'AWS_ENDPOINT_URL', 'value': settings.bucket_endpoint},
                {'name': 'AWS_REGION', 'value': 'us-east-1'},  # one is needed to sign requests; such stores ignore it
            ]
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


def _resources(resources: Mapping[str, ContainerResources], component: str, vertex: bool) -> Json:
    """Returns the `resources` of a component's container; empty if it has none.

    Kubeflow reads the keys with `resource` (`initPodSpecPatch` in backend/src/v2/driver/driver.go), Vertex the others,
    with memory in gigabytes. The values of `EVERY` apply where a component has no own value. Requests never exceed
    limits.
    """
    applicable = [resources[name] for name in (component, EVERY) if name in resources]
    cpu, memory, cpu_request, memory_request, accelerator = (
        next((getattr(item, key) for item in applicable if getattr(item, key) is not None), None)
        for key in ('cpu', 'memory', 'cpu_request', 'memory_request', 'accelerator')
    )
    if cpu and cpu_request:
        cpu_request = min(cpu, cpu_request)
    if memory and memory_request:
        memory_request = min(memory, memory_request, key=memory_size)
    kind, _, count = (accelerator or '').rpartition(':')
    result: Json
    if vertex:
        result = {
            'cpuLimit': cpu,
            'memoryLimit': memory and round(memory_size(memory) / 1e9, 6),
            'cpuRequest': cpu_request,
            'memoryRequest': memory_request and round(memory_size(memory_request) / 1e9, 6),
            'accelerator': accelerator and {'type': kind, 'count': count},
        }
    else:
        result = {
            'resourceCpuLimit': cpu and f'{cpu:g}',
            'resourceMemoryLimit': memory,
            'resourceCpuRequest': cpu_request and f'{cpu_request:g}',
            'resourceMemoryRequest': memory_request,
            'accelerator': accelerator and {'resourceType': kind, 'resourceCount': count},
        }
    return {key: value for key, value in result.items() if value is not None}


def pods(spec: Mapping[str, Any], settings: KubeflowSettings) -> Json | None:
    """Returns the second YAML document, the pods' configuration, or None if there is nothing to configure.

    Only tasks that read inputs, keep checkpoints or embeddings, or push the model mount the volume; the rest is for all
    tasks. The format is kubernetes_platform/proto/kubernetes_executor_config.proto, as Kubeflow from 2.5.0 on reads it.
    """
    executors = {}
    for name, task in spec['root']['dag']['tasks'].items():
        config: Json = {}
        embeds = name in _EMBEDDING and task['inputs']['parameters']['store'] != _constant('')
        if settings.claim and not settings.bucket and (embeds or name in _ON_THE_VOLUME):
            config['pvcMount'] = [{'pvcNameParameter': _constant(settings.claim), 'mountPath': settings.mount}]
        if settings.bucket_secret and name in _IN_THE_STORE:
            keys = [{'secretKey': key, 'envVar': variable} for key, variable in _CREDENTIALS.items()]
            config['secretAsEnv'] = [{'secretNameParameter': _constant(settings.bucket_secret), 'keyToEnv': keys}]
        if settings.run_as_non_root:
            config['securityContext'] = {'runAsNonRoot': True}
        if settings.image_pull_policy:
            config['imagePullPolicy'] = settings.image_pull_policy
        if settings.image_pull_secrets:
            config['imagePullSecret'] = [{'secretNameParameter': _constant(it)} for it in settings.image_pull_secrets]
        if settings.node_selector:
            config['nodeSelector'] = {'labels': dict(settings.node_selector)}
        if settings.tolerations:
            config['tolerations'] = [
                {key: value for key, value in it.as_dict().items() if value} for it in settings.tolerations
            ]
        if settings.labels:
            config['podMetadata'] = {'labels': dict(settings.labels)}
        if config:
            executors[_executor(name)] = config
    return {'platforms': {'kubernetes': {'deploymentSpec': {'executors': executors}}}} if executors else None


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
