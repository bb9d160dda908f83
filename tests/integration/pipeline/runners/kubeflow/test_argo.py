# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Argo's controller on the compiled retry policy, after the pod of a task failed late or was lost with its node.

Time is scaled. No node runs the pods: the test writes how they end, as a kubelet does, or deletes them.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fixtures.control_plane import ControlPlane

_PIPELINE = Path(__file__).resolve().parents[4] / 'data' / 'kubeflow_pipeline.yaml'
_NAMESPACE = 'argo'
#: Seconds of a retry policy in one second of the test.
_SCALE = 200
_TEN_MINUTES = '600s'
# Argo's own retryPolicy is OnFailure. Kubeflow Pipelines 2.17 merges this into every template that says nothing else
# (manifests/kustomize/third-party/argo/base/workflow-controller-configmap-patch.yaml).
_OF_2_17 = {'limit': '2', 'retryPolicy': 'OnError'}
_KINDS = (
    'Workflow', 'WorkflowTemplate', 'ClusterWorkflowTemplate', 'CronWorkflow', 'WorkflowTaskSet', 'WorkflowTaskResult',
    'WorkflowArtifactGCTask', 'WorkflowEventBinding',
)  # fmt: skip


@pytest.fixture(scope='module')
def argo(control_plane: ControlPlane) -> ControlPlane:
    """An API server with Argo's controller."""
    control_plane.define(*(('argoproj.io', 'v1alpha1', kind) for kind in _KINDS))
    settings = {'name': 'workflow-controller-configmap', 'namespace': _NAMESPACE}
    metrics = 'enabled: false\n'  # a value of one line would not be YAML
    control_plane.apply(
        [
            {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': _NAMESPACE}},
            {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': settings, 'data': {'metricsConfig': metrics}},
        ]
    )
    control_plane.run(
        'workflow-controller', f'--kubeconfig={control_plane.kubeconfig}', f'--namespace={_NAMESPACE}', '--namespaced',
        '--executor-image=argoexec', LEADER_ELECTION_DISABLE='true', RECENTLY_STARTED_POD_DURATION='0s',
        DEFAULT_REQUEUE_TIME='200ms',
    )  # fmt: skip
    return control_plane


def _policy() -> dict[str, Any]:
    document = next(yaml.safe_load_all(_PIPELINE.read_text()))
    policies = [task['retryPolicy'] for task in document['root']['dag']['tasks'].values()]
    assert all(policy == policies[0] for policy in policies)
    return dict(policies[0])


def _workflow(name: str, policy: dict[str, Any], defaults: dict[str, str] | None) -> dict[str, Any]:
    """What backend/src/v2/compiler/argocompiler/container.go of Kubeflow Pipelines makes of a task, less its driver."""

    def scaled(key: str) -> str:
        return f'{int(policy[key].removesuffix("s")) * 1000 // _SCALE}ms'  # there: whole seconds

    values = {
        'retry-max-count': str(policy['maxRetryCount']),
        'retry-backoff-duration': scaled('backoffDuration'),
        'retry-backoff-factor': f'{policy["backoffFactor"]:g}',
        'retry-backoff-max-duration': scaled('backoffMaxDuration'),
    }
    inputs = {key: f'{{{{inputs.parameters.{key}}}}}' for key in values}
    count, duration, factor, most = inputs.values()
    executor = {
        'name': 'retry-system-container-executor',
        'inputs': {'parameters': [{'name': key, 'value': value} for key, value in values.items()]},
        'dag': {
            'tasks': [
                {
                    'name': 'executor',
                    'template': 'retry-system-container-impl',
                    'arguments': {'parameters': [{'name': key, 'value': value} for key, value in inputs.items()]},
                }
            ]
        },
    }
    container = {
        'name': 'retry-system-container-impl',
        'inputs': {'parameters': [{'name': key} for key in values]},
        'container': {'image': 'task', 'command': ['task']},
        'retryStrategy': {'limit': count, 'backoff': {'duration': duration, 'factor': factor, 'maxDuration': most}},
    }
    spec = {'entrypoint': executor['name'], 'templates': [executor, container]}
    if defaults:
        spec['templateDefaults'] = {'retryStrategy': defaults}
    return {
        'apiVersion': 'argoproj.io/v1alpha1', 'kind': 'Workflow',
        'metadata': {'name': name, 'namespace': _NAMESPACE}, 'spec': spec,
    }  # fmt: skip


def _pods(argo: ControlPlane, workflow: str, count: int) -> list[str]:
    """The names of a workflow's pods; waits until there are so many, oldest first."""
    end = time.monotonic() + 30
    while True:
        found = argo.get('pods', f'--namespace={_NAMESPACE}', f'--selector=workflows.argoproj.io/workflow={workflow}')
        pods = sorted(found['items'], key=lambda pod: pod['metadata']['creationTimestamp'])
        if len(pods) >= count:
            return [pod['metadata']['name'] for pod in pods]
        assert time.monotonic() < end, f'{workflow}: {len(pods)} of {count} pods; {_message(argo, workflow)}'
        time.sleep(0.2)


def _set_status(argo: ControlPlane, pod: str, phase: str, main: dict[str, Any]) -> None:
    ended = {'running': {}} if phase == 'Running' else {'terminated': {'exitCode': 0}}
    states = [{'name': name, 'image': name, 'imageID': name, 'ready': False, 'restartCount': 0, 'state': state}
              for name, state in (('main', main), ('wait', ended))]  # fmt: skip
    status = json.dumps({'status': {'phase': phase, 'containerStatuses': states}})
    where = ('pod', pod, f'--namespace={_NAMESPACE}')
    argo.kubectl('patch', *where, '--subresource=status', '--type=merge', f'--patch={status}')


def _message(argo: ControlPlane, workflow: str) -> tuple[str, str]:
    """The phase of a workflow, and the message of its retried task."""
    status = argo.get('workflow', workflow, f'--namespace={_NAMESPACE}').get('status', {})
    messages = [node.get('message', '') for node in status.get('nodes', {}).values() if node['type'] == 'Retry']
    return status.get('phase', ''), ' '.join(messages).strip()


_LATE = 1.3 * 600 / _SCALE
_CASES = {
    # name: limit of all attempts (None: the compiled one), defaults of the installation, how the pod ends
    'compiled': (None, None, 'failed'),
    'ten-minutes': (_TEN_MINUTES, None, 'failed'),
    'lost': (None, None, 'lost'),
    'kubeflow-2-17': (None, _OF_2_17, 'failed'),
    'kubeflow-2-17-lost': (None, _OF_2_17, 'lost'),
}


@pytest.fixture(scope='module')
def ended(argo: ControlPlane) -> dict[str, str]:
    """The first pod of each case, which ended more than ten minutes after it started."""
    for name, (limit, defaults, _) in _CASES.items():
        policy = _policy() | ({'backoffMaxDuration': limit} if limit else {})
        argo.apply([_workflow(name, policy, defaults)])
    pods = {name: _pods(argo, name, 1)[0] for name in _CASES}
    started = time.monotonic()
    for pod in pods.values():
        _set_status(argo, pod, 'Running', {'running': {}})
    time.sleep(max(0, started + _LATE - time.monotonic()))
    for name, pod in pods.items():
        if _CASES[name][2] == 'failed':
            _set_status(argo, pod, 'Failed', {'terminated': {'exitCode': 1, 'reason': 'Error'}})
        else:
            argo.kubectl('delete', 'pod', pod, f'--namespace={_NAMESPACE}', '--grace-period=0', '--force')
    return pods


def _end(argo: ControlPlane, workflow: str) -> tuple[str, str]:
    """Waits until a workflow ends; see `_message`."""
    deadline = time.monotonic() + 30
    while _message(argo, workflow)[0] in ('', 'Running') and time.monotonic() < deadline:
        time.sleep(0.2)
    return _message(argo, workflow)


def test_a_task_that_fails_late_is_retried(argo, ended):
    first, second = _pods(argo, 'compiled', 2)
    assert first == ended['compiled']
    _set_status(argo, second, 'Succeeded', {'terminated': {'exitCode': 0}})
    assert _end(argo, 'compiled') == ('Succeeded', '')


def test_a_limit_of_ten_minutes_would_end_all_retries(argo, ended):
    assert _end(argo, 'ten-minutes') == ('Failed', 'Max duration limit exceeded')
    assert _pods(argo, 'ten-minutes', 1) == [ended['ten-minutes']]


def test_a_lost_pod_ends_the_run(argo, ended):
    assert _end(argo, 'lost') == ('Error', 'pod deleted')


def test_kubeflow_2_17_retries_lost_pods_and_no_failed_containers(argo, ended):
    assert _end(argo, 'kubeflow-2-17') == ('Failed', 'main: Error (exit code 1)')
    assert _pods(argo, 'kubeflow-2-17', 1) == [ended['kubeflow-2-17']]
    (second,) = _pods(argo, 'kubeflow-2-17-lost', 1)
    assert second != ended['kubeflow-2-17-lost']
    _set_status(argo, second, 'Succeeded', {'terminated': {'exitCode': 0}})
    assert _end(argo, 'kubeflow-2-17-lost') == ('Succeeded', '')
