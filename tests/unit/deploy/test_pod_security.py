# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Every pod of the manifests meets the level "restricted" of Kubernetes' Pod Security Standards."""

from pathlib import Path

import pytest
import yaml

_DEPLOY = Path(__file__).resolve().parents[3] / 'deploy'
_VOLUMES = {'configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret'}


def _load(path: str) -> dict:
    return yaml.safe_load((_DEPLOY / path).read_text())


def _flink_pod(manager: str) -> dict:
    """The pod of a manager, as the operator merges the two templates: containers by their place."""
    spec = _load('flink/cluster.yaml')['spec']
    common, own = spec['podTemplate']['spec'], spec[manager].get('podTemplate', {}).get('spec', {})
    first, *others = own.get('containers', [{}])
    return {
        **common,
        'volumes': own.get('volumes', []),
        'securityContext': common['securityContext'] | own.get('securityContext', {}),
        'containers': [common['containers'][0] | first, *others],
    }


def _kserve_pod() -> dict:
    predictor = _load('serving/inferenceservice.yaml')['spec']['predictor']
    return {**predictor, 'containers': [predictor['model']]}


_PODS = {
    'load-data': lambda: _load('kubeflow/base/load-data.yaml')['spec'],
    'run on Flink': lambda: _load('flink/run.yaml')['spec']['template']['spec'],
    'job manager': lambda: _flink_pod('jobManager'),
    'task manager': lambda: _flink_pod('taskManager'),
    'KServe': _kserve_pod,
}


@pytest.mark.parametrize('name', _PODS)
def test_the_pod_is_restricted(name):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, row by row."""
    pod = _PODS[name]()
    assert not any(pod.get(key) for key in ('hostNetwork', 'hostPID', 'hostIPC'))
    assert all(set(volume) - {'name'} <= _VOLUMES for volume in pod.get('volumes', []))
    general = pod['securityContext']
    for container in (*pod['containers'], *pod.get('initContainers', [])):
        own = container['securityContext']
        assert own['allowPrivilegeEscalation'] is False
        assert own['capabilities'] == {'drop': ['ALL']}
        assert own.get('runAsNonRoot', general.get('runAsNonRoot')) is True
        assert own.get('runAsUser', general.get('runAsUser')) != 0
        assert own.get('seccompProfile', general.get('seccompProfile'))['type'] == 'RuntimeDefault'
        assert not any('hostPort' in port for port in container.get('ports', []))


def test_flinks_namespace_enforces_it():
    labels = _load('flink/namespace.yaml')['metadata']['labels']
    assert labels['pod-security.kubernetes.io/enforce'] == 'restricted'
