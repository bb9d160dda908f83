# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs a compiled pipeline like open-source Kubeflow, without a cluster.

Replaces the driver and the launcher of github.com/kubeflow/pipelines (backend/src/v2); docstrings name the original
functions. Containers are processes with the image's environment variables only, each with its own working directory and
its own mirror of the object store. The store holds files only: empty folders are lost.
"""

import concurrent.futures
import dataclasses
import graphlib
import hashlib
import itertools
import json
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.fakes import kfp_store, s3_store
from tests.fakes.google_cloud import objects
from tests.tools import warm_python

_ROOT = 'minio://mlpipeline/v2/artifacts'
_SCHEMES = {'minio://': 'minio', 'gs://': 'gcs', 's3://': 's3'}
_PLACEHOLDER = '{{$}}'
#: Seconds of a retry policy in one second of a test.
_SCALE = 1000
_CONTAINER_SECONDS = 600


@dataclass
class Task:
    """A task that ran or came from the cache."""

    name: str
    cached: bool
    invocation: dict[str, Any]
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    stderr: str = ''


class Failed(Exception):
    """A container exited with a non-zero status."""

    def __init__(self, task: str, status: int, stderr: str):
        super().__init__(f'{task} ended with status {status}:\n{stderr[-4000:]}')
        self.task, self.status, self.stderr = task, status, stderr


class Cluster:
    """An object store and a cache that runs share.

    Args:
      folder: for all files.
      python: runs the containers' programs.
      workers: the number of concurrent tasks.
      bucket: the store in Cloud Storage or S3; by default, the store is a folder.
      environment: additional environment variables of containers.
    """

    def __init__(
        self,
        folder: Path,
        python: warm_python.Server,
        workers: int = 2,
        bucket: objects.Objects | s3_store.Store | None = None,
        environment: dict[str, str] | None = None,
    ):
        self._folder, self._python = folder, python
        self._store = kfp_store.InBucket(bucket, folder) if bucket else kfp_store.InFolder(folder / 'store')
        self._environment = environment or {}
        self._workers = workers
        self._cache: dict[str, Task] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def object(self, uri: str) -> Path:
        """Returns an artifact's files, or a copy of them."""
        return self._store.files(uri)

    def run(self, file: Path, **arguments: Any) -> dict[str, Task]:
        """Runs a pipeline, independent tasks concurrently.

        Returns:
          The tasks by name, in the order of completion.
        """
        document = next(yaml.safe_load_all(file.read_text('utf-8')))
        # Rejects unknown fields.
        json_format.ParseDict(document, pipeline_spec_pb2.PipelineSpec())
        parameters = root_parameters(document, arguments)
        tasks = document['root']['dag']['tasks']
        root = document.get('defaultPipelineRoot') or _ROOT
        run_root = f'{root}/{document["pipelineInfo"]["name"]}/{uuid.uuid4()}'  # the last part is the run's id
        done: dict[str, Task] = {}
        sorter = graphlib.TopologicalSorter({name: set(task.get('dependentTasks', [])) for name, task in tasks.items()})
        sorter.prepare()
        with concurrent.futures.ThreadPoolExecutor(self._workers) as pool:
            pending: dict[concurrent.futures.Future[Task], str] = {}
            while sorter.is_active():
                for name in sorter.get_ready():
                    pending[pool.submit(self._task, document, name, parameters, done, run_root)] = name
                ended, _ = concurrent.futures.wait(pending, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in ended:
                    name = pending.pop(future)
                    done[name] = future.result()
                    sorter.done(name)
        return done

    def run_task(
        self, file: Path, name: str, done: dict[str, Task], kill: Callable[[], bool] | None = None, **arguments: Any
    ) -> Task:
        """Runs one task on the results of others; kills its first container once `kill` returns True."""
        document = next(yaml.safe_load_all(file.read_text('utf-8')))
        parameters = root_parameters(document, arguments)
        root = document.get('defaultPipelineRoot') or _ROOT
        return self._task(document, name, parameters, done, f'{root}/task/{uuid.uuid4()}', kill)

    def _task(
        self,
        document: dict[str, Any],
        name: str,
        parameters: dict[str, Any],
        done: dict[str, Task],
        run_root: str,
        kill: Callable[[], bool] | None = None,
    ) -> Task:
        """`Container` in driver/container.go, then the launcher."""
        task = document['root']['dag']['tasks'][name]
        component = document['components'][task['componentRef']['name']]
        container = document['deploymentSpec']['executors'][component['executorLabel']]['container']
        mirror = self._folder / 'pods' / f'{name}-{uuid.uuid4().hex[:8]}'
        invocation = {
            'inputs': resolve_inputs(task, component, parameters, done, run_root.rpartition('/')[2]),
            'outputs': provision_outputs(component, f'{run_root}/{name}/{uuid.uuid4()}', mirror),
        }
        key = cache_key(invocation, component, container)
        with self._lock:
            hit = self._cache.get(key) if task.get('cachingOptions', {}).get('enableCache') else None
        if hit:
            return dataclasses.replace(hit, cached=True, invocation=invocation)
        started = time.monotonic()
        for attempt in itertools.count(1):
            try:
                result = self._launch(name, component, container, invocation, mirror, kill or _never)
                break
            except Failed:
                elapsed = (time.monotonic() - started) * _SCALE
                wait = wait_before_retry(task.get('retryPolicy', {}), attempt, elapsed)
                if wait is None:
                    raise
                time.sleep(wait / _SCALE)
                shutil.rmtree(mirror)  # the next attempt is another pod
                kill = None
        with self._lock:
            self._cache[key] = result
        return result

    def _launch(
        self,
        name: str,
        component: dict[str, Any],
        container: dict[str, Any],
        invocation: dict[str, Any],
        mirror: Path,
        kill: Callable[[], bool],
    ) -> Task:
        """`execute` in component/launcher_v2.go."""
        for artifact in _artifacts(invocation['inputs']):
            self._store.download(artifact['uri'], _local(artifact['uri'], mirror))
        for artifact in _artifacts(invocation['outputs']):  # prepareOutputFolders: the parents only
            _local(artifact['uri'], mirror).parent.mkdir(parents=True, exist_ok=True)
        for output in invocation['outputs']['parameters'].values():
            Path(output['outputFile']).parent.mkdir(parents=True, exist_ok=True)
        home = mirror / 'tmp'
        home.mkdir(parents=True, exist_ok=True)
        text = json.dumps(invocation)
        command = [argument.replace(_PLACEHOLDER, text) for argument in [*container['command'], *container['args']]]
        environment = _image_environment(home, mirror) | self._environment
        assert command[0] == 'python', command
        ended = self._python.run(command[1:], home, environment, _CONTAINER_SECONDS, kill)
        if ended.returncode:
            raise Failed(name, ended.returncode, ended.stderr)
        result = Task(name, False, invocation, stderr=ended.stderr)
        file = Path(invocation['outputs']['outputFile'])
        output = json.loads(file.read_text('utf-8')) if file.exists() else {}
        json_format.ParseDict(output, pipeline_spec_pb2.ExecutorOutput())  # getExecutorOutputFile: strict
        for key, value in invocation['outputs']['artifacts'].items():
            result.artifacts[key] = self._upload(value['artifacts'][0], output.get('artifacts', {}).get(key), mirror)
        for key in component.get('outputDefinitions', {}).get('parameters', {}):  # collectOutputParameters
            result.parameters[key] = Path(invocation['outputs']['parameters'][key]['outputFile']).read_text('utf-8')
        shutil.rmtree(mirror)
        return result

    def _upload(self, artifact: dict[str, Any], written: dict[str, Any] | None, mirror: Path) -> dict[str, Any]:
        """`uploadOutputArtifacts`, `RecordArtifact`, and `toRuntimeArtifact` for later tasks."""
        made = (written or {}).get('artifacts', [{}])[0]
        uri = made.get('uri') or artifact['uri']
        assert uri.startswith(tuple(_SCHEMES)), f'{uri} would not be uploaded'
        self._store.upload(_local(uri, mirror), uri)
        metadata = {'display_name': artifact['name'], 'store_session_info': '{"Provider":"minio","Params":{}}'}
        for key, value in (artifact.get('metadata', {}) | made.get('metadata', {})).items():
            assert value is not None, f'{key}: StructValueToMLMDValue rejects null'
            metadata[key] = {'list': value} if isinstance(value, list) else value
        with self._lock:
            number = next(self._ids)
        return {'name': str(number), 'uri': uri, 'type': {'instanceSchema': ''}, 'metadata': metadata}


def wait_before_retry(policy: dict[str, Any], attempts: int, elapsed: float) -> float | None:
    """`processNodeRetries` in Argo's workflow/controller/operator.go.

    Args:
      policy: the task's retryPolicy.
      attempts: failed attempts.
      elapsed: seconds since the first attempt started.

    Returns:
      The seconds to wait, or None if the task has failed.
    """
    if attempts > policy.get('maxRetryCount', 0):
        return None
    wait = _seconds(policy, 'backoffDuration') * policy.get('backoffFactor', 1) ** (attempts - 1)
    # Kubeflow writes 0 for a missing value; Argo counts it like any other.
    return float(wait) if elapsed + wait <= _seconds(policy, 'backoffMaxDuration') else None


def _seconds(policy: dict[str, Any], key: str) -> float:
    return float(policy.get(key, '0s').removesuffix('s'))


def _never() -> bool:
    return False


def root_parameters(document: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """`Compile` in compiler/argocompiler/argo.go: missing arguments get their default, or null if optional."""
    definitions = document['root']['inputDefinitions']['parameters']
    assert set(arguments) <= set(definitions), f'the pipeline has the parameters {sorted(definitions)}'
    defaults = {
        name: item.get('defaultValue')
        for name, item in definitions.items()
        if 'defaultValue' in item or item.get('isOptional')
    }
    missing = set(definitions) - set(defaults) - set(arguments)
    assert not missing, f'no value for {sorted(missing)}'
    return defaults | arguments


def resolve_inputs(
    task: dict[str, Any], component: dict[str, Any], parameters: dict[str, Any], done: dict[str, Task], run_id: str
) -> dict[str, Any]:
    """`resolveInputs` in driver/resolve.go."""
    values: dict[str, Any] = {}
    definitions = component['inputDefinitions'].get('parameters', {})
    for name, source in task.get('inputs', {}).get('parameters', {}).items():
        if 'runtimeValue' in source:
            constant = source['runtimeValue']['constant']
            values[name] = run_id if constant == '{{$.pipeline_job_uuid}}' else constant
        elif 'taskOutputParameter' in source:
            producer = source['taskOutputParameter']
            values[name] = done[producer['producerTask']].parameters[producer['outputParameterKey']]
        elif parameters[source['componentInputParameter']] is not None:
            values[name] = parameters[source['componentInputParameter']]
        else:  # ErrResolvedParameterNull
            assert definitions[name]['isOptional'], f'no value for {name}'
    artifacts = {}
    for name, source in task.get('inputs', {}).get('artifacts', {}).items():
        producer = source['taskOutputArtifact']
        artifact = done[producer['producerTask']].artifacts[producer['outputArtifactKey']]
        artifacts[name] = {'artifacts': [artifact]}
    return {'parameterValues': values, 'artifacts': artifacts}


def provision_outputs(component: dict[str, Any], root: str, mirror: Path) -> dict[str, Any]:
    """`provisionOutputs` in driver/driver.go, with executor logs enabled."""
    definitions = component.get('outputDefinitions', {})
    artifacts = {
        name: {
            'artifacts': [
                {
                    'name': name,
                    'uri': f'{root}/{name}',
                    'type': item['artifactType'],
                    'metadata': item.get('metadata', {}),
                }
            ]
        }
        for name, item in definitions.get('artifacts', {}).items()
    }
    # The launcher adds the number of the attempt (`qualifyExecutorLogsForRetry`).
    logs = {'name': 'executor-logs', 'uri': f'{root}/executor-logs-0', 'type': {'schemaTitle': 'system.Artifact'}}
    return {
        'artifacts': artifacts | {'executor-logs': {'artifacts': [logs]}},
        'parameters': {
            name: {'outputFile': str(mirror / 'tmp/kfp/outputs' / name)} for name in definitions.get('parameters', {})
        },
        'outputFile': str(_local(root, mirror) / 'output_metadata.json'),
    }


def cache_key(invocation: dict[str, Any], component: dict[str, Any], container: dict[str, Any]) -> str:
    """`GenerateCacheKey` in cacheutils/cache.go: artifacts by name, parameters, outputs without URIs, the container."""
    inputs, outputs = invocation['inputs'], invocation['outputs']
    content = {
        'artifacts': {k: [a['name'] for a in v['artifacts']] for k, v in inputs['artifacts'].items()},
        'parameters': inputs['parameterValues'],
        'outputs': {k: {**v['artifacts'][0], 'uri': ''} for k, v in outputs['artifacts'].items()},
        'output_parameters': component.get('outputDefinitions', {}).get('parameters', {}),
        'container': [container['image'], container['command'], container['args']],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _image_environment(home: Path, mirror: Path) -> dict[str, str]:
    """The variables of deploy/Dockerfile; KFP_LOCAL_BASE replaces the root of the container's file system."""
    return {
        'PATH': f'{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin',
        'HOME': str(home),
        'TMPDIR': str(home),
        'MPLCONFIGDIR': str(home / 'matplotlib'),
        'PYTHONUNBUFFERED': '1',
        'TF_CPP_MIN_LOG_LEVEL': '2',
        'KFP_LOCAL_BASE': str(mirror),
    }


def _local(uri: str, mirror: Path) -> Path:
    """`LocalPathForURI` in component/launcher_v2.go."""
    scheme = next(scheme for scheme in _SCHEMES if uri.startswith(scheme))
    return mirror / _SCHEMES[scheme] / uri.removeprefix(scheme)


def _artifacts(side: dict[str, Any]) -> list[dict[str, Any]]:
    return [artifact for value in side['artifacts'].values() for artifact in value['artifacts']]
