# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A real API server's strict dry run of all manifests: unknown fields, wrong values, names, and pod security."""

import copy
import shutil
from pathlib import Path

import pytest
import yaml

from tests.fixtures.control_plane import ControlPlane, Refused

_DEPLOY = Path(__file__).resolve().parents[3] / 'deploy'
_OWN_VOLUME = 'kubeflow/overlays/standalone with own-volume'
_CUSTOM = [('serving.kserve.io', 'v1beta1', 'InferenceService'), ('flink.apache.org', 'v1beta1', 'FlinkDeployment')]
_RUN = 'flink/run.yaml'  # applied for each run, and so in no kustomization


def _tops() -> list[str]:
    """The folders that are applied: kustomizations that no other one contains."""
    files = {file.parent: yaml.safe_load(file.read_text()) for file in _DEPLOY.rglob('kustomization.yaml')}
    found = {folder: content for folder, content in files.items() if content['kind'] == 'Kustomization'}
    parts = {(folder / name).resolve() for folder, content in found.items() for name in content['resources']}
    return sorted(str(folder.relative_to(_DEPLOY)) for folder in found if folder not in parts)


@pytest.fixture(scope='module')
def manifests(control_plane: ControlPlane, tmp_path_factory) -> dict[str, list[dict]]:
    """The resources that each folder makes. Their namespaces and custom resources' definitions are installed."""
    changed = shutil.copytree(_DEPLOY, tmp_path_factory.mktemp('deploy') / 'deploy')
    file = changed / 'kubeflow/overlays/standalone/kustomization.yaml'
    file.write_text(file.read_text().replace('# - ../../own-volume', '- ../../own-volume'))
    folders = {name: _DEPLOY / name for name in _tops()} | {_OWN_VOLUME: file.parent}
    made = {
        name: list(yaml.safe_load_all(control_plane.kubectl('kustomize', str(folder)).stdout))
        for name, folder in folders.items()
    }
    made[_RUN] = list(yaml.safe_load_all((_DEPLOY / _RUN).read_text()))
    control_plane.define(*_CUSTOM)
    namespaces = [item for items in made.values() for item in items if item['kind'] == 'Namespace']
    kubeflow = {'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {'name': 'kubeflow'}}
    control_plane.apply([*namespaces, kubeflow])
    return made


@pytest.mark.parametrize('name', [*_tops(), _OWN_VOLUME, _RUN])
def test_the_server_accepts_everything(name, manifests, control_plane):
    warnings = control_plane.apply(manifests[name], '--dry-run=server')
    assert not warnings


def test_the_pods_of_flinks_jobs_are_admitted_to_its_namespace(manifests, control_plane):
    """The level "restricted" is checked when a job's pod is made, not with the job."""
    (job,) = manifests[_RUN]
    pod = {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'run', 'namespace': job['metadata']['namespace']}}
    pod['spec'] = copy.deepcopy(job['spec']['template']['spec'])
    assert not control_plane.apply([pod], '--dry-run=server')
    del pod['spec']['securityContext']['seccompProfile']
    with pytest.raises(Refused, match='violates PodSecurity "restricted:latest": seccompProfile'):
        control_plane.apply([pod], '--dry-run=server')


@pytest.mark.parametrize(
    ('kind', 'field', 'message'),
    [
        ('PersistentVolumeClaim', 'acessModes', r'spec.acessModes: field not declared in schema'),
        ('Pod', 'restartPolcy', r'spec.restartPolcy: field not declared in schema'),
        ('Job', 'backofLimit', r'spec.backofLimit: field not declared in schema'),
        ('InferenceService', 'predicter', r'spec.predicter: field not declared in schema'),
        ('FlinkDeployment', 'taskManger', r'spec.taskManger: field not declared in schema'),
    ],
)
def test_a_misspelt_field_is_refused(kind, field, message, manifests, control_plane):
    if kind in {custom for _, _, custom in _CUSTOM} - control_plane.defined:
        pytest.skip(f'KUBERNETES_CRDS has no definition of {kind}: the server accepts any content')
    item = next(item for items in manifests.values() for item in items if item['kind'] == kind)
    item = item | {'spec': item['spec'] | {field: 1}}
    with pytest.raises(Refused, match=message):
        control_plane.apply([item], '--dry-run=server')
