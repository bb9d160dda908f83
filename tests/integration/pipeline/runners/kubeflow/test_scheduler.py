# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The verdict of Kubernetes' scheduler on the tasks' default requests: a node of 4 CPUs and 16 GB beside Kubeflow."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fixtures.control_plane import ControlPlane

_PIPELINE = Path(__file__).resolve().parents[4] / 'data' / 'kubeflow_pipeline.yaml'
_NAMESPACE = 'kubeflow-tasks'
_NODE = {'cpu': '4', 'memory': '16G', 'pods': '110'}
# The deployments of Kubeflow Pipelines 2.17 (manifests/kustomize/env/platform-agnostic) request 574m CPU and 2626Mi
# together; the rest is an assumption about Argo's controller and Kubernetes' own pods.
_TAKEN = {'cpu': '1700m', 'memory': '3500Mi'}
# Each has an init container `kfp-launcher` and Argo's containers `init` and `wait`; only `wait` runs beside the task.
_WAIT = {'name': 'wait', 'image': 'argoexec', 'resources': {'requests': {'cpu': '10m', 'memory': '64Mi'}}}


@pytest.fixture(scope='module')
def cluster(control_plane: ControlPlane) -> ControlPlane:
    """An API server with the scheduler, one node, and the volume."""
    control_plane.run(
        'kube-scheduler', f'--kubeconfig={control_plane.kubeconfig}', '--leader-elect=false', '--secure-port=0'
    )
    meta = {'name': 'face-gender-data'}
    space = {'accessModes': ['ReadWriteMany'], 'storageClassName': ''}
    volume = {'capacity': {'storage': '20Gi'}, 'hostPath': {'path': '/data'}, **space}
    claim = {'resources': {'requests': {'storage': '20Gi'}}, 'volumeName': meta['name'], **space}
    bound = {'pv.kubernetes.io/bind-completed': 'yes'}  # no controller binds it here
    control_plane.apply(
        [
            {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': _NAMESPACE}},
            {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': 'node'}},
            {'apiVersion': 'v1', 'kind': 'PersistentVolume', 'metadata': meta, 'spec': volume},
            {
                'apiVersion': 'v1',
                'kind': 'PersistentVolumeClaim',
                'metadata': {**meta, 'namespace': _NAMESPACE, 'annotations': bound},
                'spec': claim,
            },
        ]
    )
    state = {'capacity': _NODE, 'allocatable': _NODE, 'conditions': [{'type': 'Ready', 'status': 'True'}]}
    node = {'apiVersion': 'v1', 'kind': 'Node', 'metadata': {'name': 'node'}, 'status': state}
    control_plane.apply([node], '--subresource=status')
    # A new node has a taint until a controller sees that it is ready.
    control_plane.kubectl('patch', 'node', 'node', '--type=merge', '--patch={"spec": {"taints": null}}')
    taken = {'name': 'others', 'image': 'others', 'resources': {'requests': _TAKEN}}
    control_plane.apply([_pod('others', {'containers': [taken]})])
    assert _verdict(control_plane, 'others') == 'node'
    return control_plane


def _pod(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name, 'namespace': _NAMESPACE}, 'spec': spec}


def _task(document: dict[str, Any], pods: dict[str, Any], task: str) -> dict[str, Any]:
    """The parts of a task's pod that `initPodSpecPatch` in Kubeflow's backend/src/v2/driver/driver.go makes of them."""
    executor = document['components'][task]['executorLabel']
    container = document['deploymentSpec']['executors'][executor]['container']
    resources = container['resources']
    main = {
        'name': 'main',
        'image': container['image'],
        'resources': {
            'limits': {'cpu': resources['resourceCpuLimit'], 'memory': resources['resourceMemoryLimit']},
            'requests': {'cpu': resources['resourceCpuRequest'], 'memory': resources['resourceMemoryRequest']},
        },
    }
    claims = {
        mount['pvcNameParameter']['runtimeValue']['constant']: mount['mountPath']
        for mount in pods.get(executor, {}).get('pvcMount', [])
    }
    main['volumeMounts'] = [{'name': claim, 'mountPath': path} for claim, path in claims.items()]
    volumes = [{'name': claim, 'persistentVolumeClaim': {'claimName': claim}} for claim in claims]
    return {'containers': [main, _WAIT], 'volumes': volumes}


def _verdict(cluster: ControlPlane, name: str) -> str:
    """The node that the scheduler chose, or why there is none."""
    where = (f'--namespace={_NAMESPACE}', f'pod/{name}')
    cluster.kubectl(
        'wait', '--for=jsonpath={.status.conditions[?(@.type=="PodScheduled")].type}', *where, '--timeout=60s'
    )
    pod = cluster.get(*where)
    (condition,) = (it for it in pod['status']['conditions'] if it['type'] == 'PodScheduled')
    if condition['status'] == 'True':
        return str(pod['spec']['nodeName'])
    return f'{condition["reason"]}: {condition["message"]}'


def _schedule(cluster: ControlPlane, name: str, spec: dict[str, Any]) -> str:
    cluster.apply([_pod(name, spec)])
    try:
        return _verdict(cluster, name)
    finally:
        cluster.kubectl('delete', 'pod', name, f'--namespace={_NAMESPACE}', '--grace-period=0', '--force')


def test_each_task_finds_room_beside_kubeflow(cluster):
    document, platform = yaml.safe_load_all(_PIPELINE.read_text())
    pods = platform['platforms']['kubernetes']['deploymentSpec']['executors']
    specs = {task: _task(document, pods, task) for task in document['root']['dag']['tasks']}
    different = {str(spec): (task.lower(), spec) for task, spec in specs.items()}
    verdicts = {task: _schedule(cluster, task, spec) for task, spec in different.values()}
    assert set(verdicts.values()) == {'node'}, verdicts
    assert len(specs) > len(different) >= 3


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        ({'cpu': '2500m'}, 'Insufficient cpu'),
        ({'memory': '13G'}, 'Insufficient memory'),
        ({'claim': 'face-gender-data-2'}, 'persistentvolumeclaim "face-gender-data-2" not found'),
    ],
)
def test_a_task_that_finds_no_room_says_why(change, reason, cluster):
    document, platform = yaml.safe_load_all(_PIPELINE.read_text())
    spec = _task(document, platform['platforms']['kubernetes']['deploymentSpec']['executors'], 'Inputs')
    if 'claim' in change:
        spec['volumes'][0]['persistentVolumeClaim']['claimName'] = change['claim']
    else:
        resources = spec['containers'][0]['resources']
        resources['limits'] |= change
        resources['requests'] |= change
    verdict = _schedule(cluster, 'no-room', spec)
    assert verdict.startswith('Unschedulable: ')
    assert reason in verdict
