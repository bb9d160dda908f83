# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Kubeflow's manifests agree with the configuration's defaults and with each other."""

from pathlib import Path

import yaml

from pipeline.config import Config

_FOLDER = Path(__file__).resolve().parents[3] / 'deploy' / 'kubeflow'
_MANIFESTS = {
    (item['kind'], item['metadata']['name']): item
    for file in sorted(_FOLDER.glob('*.yaml'))
    for item in yaml.safe_load_all(file.read_text())
}


def test_everything_is_in_the_created_namespace():
    assert ('Namespace', 'face-gender') in _MANIFESTS
    places = {item['metadata'].get('namespace') for (kind, _), item in _MANIFESTS.items() if kind != 'Namespace'}
    assert places == {'face-gender'}


def test_the_claim_is_the_one_that_pipelines_mount():
    settings = Config().kubeflow
    assert ('PersistentVolumeClaim', settings.claim) in _MANIFESTS
    pod = _MANIFESTS['Pod', 'load-data']['spec']
    assert [volume['persistentVolumeClaim']['claimName'] for volume in pod['volumes']] == [settings.claim]
    (container,) = pod['containers']
    assert [mount['mountPath'] for mount in container['volumeMounts']] == [settings.mount]
    assert pod['securityContext']['runAsNonRoot'] is True


def test_the_role_names_its_resources_and_is_bound():
    role = _MANIFESTS['Role', 'pipeline-runner']
    named = {name for rule in role['rules'] for name in rule.get('resourceNames', [])}
    assert {
        name for _, name in _MANIFESTS if (('ConfigMap', name) in _MANIFESTS or ('Secret', name) in _MANIFESTS)
    } == named
    assert not any('*' in value for rule in role['rules'] for key in ('verbs', 'resources') for value in rule[key])
    binding = _MANIFESTS['RoleBinding', 'pipeline-runner']
    assert binding['roleRef']['name'] == 'pipeline-runner'
    assert ('ServiceAccount', binding['subjects'][0]['name']) in _MANIFESTS


def test_the_secret_contains_a_placeholder():
    assert set(_MANIFESTS['Secret', 'mlpipeline-minio-artifact']['stringData'].values()) == {'CHANGE-ME'}


def test_the_readme_lists_the_parameters_of_the_compiled_pipeline():
    golden = next(yaml.safe_load_all((Path(__file__).parents[2] / 'data' / 'kubeflow_pipeline.yaml').read_text()))
    readme = (_FOLDER / 'README.md').read_text()
    for name, parameter in golden['root']['inputDefinitions']['parameters'].items():
        assert f'`{name}`' in readme
        if parameter['parameterType'] == 'STRING':
            assert f'`{parameter["defaultValue"]}`' in readme
