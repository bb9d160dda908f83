# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Kubeflow's overlays, as kustomize makes them, agree with the configuration and with each other."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from components import names
from pipeline.config import Config
from pipeline.runners.kubeflow import spec

_FOLDER = Path(__file__).resolve().parents[3] / 'deploy' / 'kubeflow'
_COMMAND = ['kubectl', 'kustomize'] if shutil.which('kubectl') else ['kustomize', 'build']
pytestmark = pytest.mark.skipif(not shutil.which(_COMMAND[0]), reason='neither kubectl nor kustomize is installed')


def _built(folder: Path) -> dict[tuple[str, str], dict]:
    process = subprocess.run([*_COMMAND, folder], capture_output=True, text=True, timeout=60)
    assert process.returncode == 0, process.stderr
    items = list(yaml.safe_load_all(process.stdout))
    return {(item['kind'], item['metadata']['name']): item for item in items}


@pytest.mark.parametrize(('overlay', 'namespace'), [('standalone', 'kubeflow'), ('multi-user', 'team')])
def test_the_claim_is_the_one_that_pipelines_mount_and_kserve_serves_from(overlay, namespace):
    settings = Config().kubeflow
    items = _built(_FOLDER / 'overlays' / overlay)
    assert ('PersistentVolumeClaim', settings.claim) in items
    pod = items['Pod', 'load-data']['spec']
    assert [volume['persistentVolumeClaim']['claimName'] for volume in pod['volumes']] == [settings.claim]
    assert [mount['mountPath'] for mount in pod['containers'][0]['volumeMounts']] == [settings.mount]
    assert pod['securityContext']['runAsNonRoot'] is True
    assert {item['metadata'].get('namespace') for (kind, _), item in items.items() if kind != 'Namespace'} == {
        namespace
    }
    served = _built(_FOLDER / 'serving')['InferenceService', names.MODEL.replace('_', '-')]
    probe = served['spec']['predictor']['model']['readinessProbe']['httpGet']['path']
    assert probe == f'/v1/models/{served["metadata"]["name"]}/metadata'
    assert served['spec']['predictor']['model']['storageUri'] == f'pvc://{settings.claim}/serving/{names.MODEL}'


def test_flink_reads_the_same_claim():
    items = _built(_FOLDER.parent / 'flink')
    job = yaml.safe_load((_FOLDER.parent / 'flink' / 'run.yaml').read_text())
    pods = [
        items['Pod', 'load-data']['spec'],
        job['spec']['template']['spec'],
        items['FlinkDeployment', 'face-gender-flink']['spec']['taskManager']['podTemplate']['spec'],
    ]
    claims = {
        volume['persistentVolumeClaim']['claimName']
        for pod in pods
        for volume in pod['volumes']
        if 'persistentVolumeClaim' in volume
    }
    assert claims == {name for kind, name in items if kind == 'PersistentVolumeClaim'}
    assert ('Namespace', 'face-gender') in items
    namespaced = [item['metadata'] for item in (*items.values(), job) if item['kind'] != 'Namespace']
    assert {metadata['namespace'] for metadata in namespaced} == {'face-gender'}


def test_a_profiles_artifacts_are_below_its_own_folder():
    items = _built(_FOLDER / 'overlays' / 'multi-user')
    ((_, profile),) = (key for key in items if key[0] == 'Namespace')
    root = items['ConfigMap', 'kfp-launcher']['data']['defaultPipelineRoot']
    assert root == f'minio://mlpipeline/private-artifacts/{profile}/v2/artifacts'


def test_the_object_store_needs_no_volume_and_contains_placeholders():
    items = _built(_FOLDER / 'overlays' / 'object-store')
    assert {kind for kind, _ in items} == {'ConfigMap', 'Secret'}
    ((secret, values),) = ((name, item['stringData']) for (kind, name), item in items.items() if kind == 'Secret')
    assert set(values.values()) == {'CHANGE-ME'}
    assert set(values) == set(spec._CREDENTIALS)  # what the tasks of kubeflow.bucket_secret read
    provider = yaml.safe_load(items['ConfigMap', 'kfp-launcher']['data']['providers'])['s3']['default']
    given = provider['credentials']['secretRef']
    assert (given['secretName'], {given['accessKeyKey'], given['secretKeyKey']}) == (secret, set(values))


def test_the_volume_can_be_given_to_the_pipelines_user_first(tmp_path):
    shutil.copytree(_FOLDER, tmp_path / 'kubeflow')
    file = tmp_path / 'kubeflow' / 'overlays' / 'standalone' / 'kustomization.yaml'
    file.write_text(file.read_text().replace('# - ../../own-volume', '- ../../own-volume'))
    pod = _built(file.parent)['Pod', 'load-data']['spec']
    (own,) = pod['initContainers']
    user, group = pod['securityContext']['runAsUser'], pod['securityContext']['runAsGroup']
    (mount,) = own['volumeMounts']
    assert own['command'] == ['chown', f'{user}:{group}', mount['mountPath']]
    assert (own['securityContext']['runAsUser'], own['securityContext']['capabilities']['add']) == (0, ['CHOWN'])
    assert f'USER {user}' in (_FOLDER.parent / 'Dockerfile').read_text()
