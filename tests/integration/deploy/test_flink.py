# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Flink's manifests agree with the operator's schema, the images, the code and each other."""

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import jsonschema
import pytest
import yaml

from pipeline import config
from pipeline.__main__ import parser
from pipeline.runners.beam import options as beam_options, worker_pool

_DEPLOY = Path(__file__).resolve().parents[3] / 'deploy'
_CLUSTER = yaml.safe_load((_DEPLOY / 'flink' / 'cluster.yaml').read_text())
_RUN = yaml.safe_load((_DEPLOY / 'flink' / 'run.yaml').read_text())
_DOCKERFILE = (_DEPLOY / 'flink' / 'Dockerfile').read_text()
# Its jar contains the custom resource definition that the operator installs.
_OPERATOR = 'org.apache.flink:flink-kubernetes-operator-api:1.10.0'


def _arguments() -> list[str]:
    (container,) = _RUN['spec']['template']['spec']['containers']
    return container['args']


def _pool() -> dict:
    (pool,) = [one for one in _CLUSTER['spec']['taskManager']['podTemplate']['spec']['containers'] if 'image' in one]
    return pool


def _strict(schema: dict) -> dict:
    """The schema with unknown keys refused; the API server drops them silently."""
    if 'properties' in schema:
        closed = not schema.get('x-kubernetes-preserve-unknown-fields')
        properties = {key: _strict(value) for key, value in schema['properties'].items()}
        schema = {**schema, 'properties': properties} | ({'additionalProperties': False} if closed else {})
    if isinstance(schema.get('items'), dict):
        schema = {**schema, 'items': _strict(schema['items'])}
    if schema.get('x-kubernetes-int-or-string'):
        schema = {key: value for key, value in schema.items() if key != 'type'}
    return schema


@pytest.fixture(scope='module')
def schema(tmp_path_factory) -> dict:
    if not shutil.which('mvn'):
        pytest.skip('no Maven to fetch the definition of the Flink Kubernetes operator with')
    folder = tmp_path_factory.mktemp('operator')
    fetch = ['mvn', '-B', '-q', 'dependency:copy', f'-Dartifact={_OPERATOR}', f'-DoutputDirectory={folder}']
    if subprocess.run(fetch, cwd=folder, capture_output=True, timeout=300).returncode:
        pytest.skip(f'Maven could not fetch {_OPERATOR}')
    (jar,) = folder.glob('*.jar')
    with zipfile.ZipFile(jar) as archive:
        crd = yaml.safe_load(archive.read('META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml'))
    (version,) = [one for one in crd['spec']['versions'] if one['name'] == _CLUSTER['apiVersion'].rpartition('/')[2]]
    assert crd['spec']['group'] == _CLUSTER['apiVersion'].partition('/')[0]
    return _strict(version['schema']['openAPIV3Schema'] | {'additionalProperties': True})


def test_the_cluster_is_valid_by_the_operators_schema(schema):
    spec = schema['properties']['spec']
    jsonschema.validate(_CLUSTER['spec'], spec)
    with pytest.raises(jsonschema.ValidationError, match='taskManagers'):
        jsonschema.validate(_CLUSTER['spec'] | {'taskManagers': {}}, spec)
    with pytest.raises(jsonschema.ValidationError, match='v9_9'):
        jsonschema.validate(_CLUSTER['spec'] | {'flinkVersion': 'v9_9'}, spec)


def test_code_image_and_libraries_name_the_same_release_of_flink():
    release = beam_options.FLINK_VERSION
    assert _CLUSTER['spec']['flinkVersion'] == f'v{release.replace(".", "_")}'
    assert re.search(rf'^FROM flink:{re.escape(release)}-java17$', _DOCKERFILE, re.MULTILINE)
    assert f'<artifactId>beam-runners-flink-{release}</artifactId>' in (_DEPLOY / 'flink' / 'pom.xml').read_text()
    from apache_beam.options.pipeline_options import FlinkRunnerOptions

    assert release in FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS


def test_the_run_is_a_command_line_that_fits_the_cluster():
    options = parser().parse_args(_arguments())
    settings = config.load(options.config, options.set).beam
    name = _CLUSTER['metadata']['name']
    assert settings.flink_master == f'{name}-rest:8081'
    assert settings.workers == _CLUSTER['spec']['taskManager']['replicas']
    port = re.fullmatch(r'--port=(\d+)', _pool()['args'][0])
    assert port and settings.worker_pool == f'localhost:{port[1]}'
    assert f"('localhost', {port[1]})" in _pool()['readinessProbe']['exec']['command'][-1]
    (server,) = _RUN['spec']['template']['spec']['initContainers']
    assert settings.job_server == f'localhost:{server["args"][server["args"].index("--job-port") + 1]}'
    assert server['image'] == _CLUSTER['spec']['image']


def test_workers_mount_the_files_of_the_run_at_the_same_path():
    run = _RUN['spec']['template']['spec']
    (container,) = run['containers']
    claims = []
    for pod, one in ((run, container), (_CLUSTER['spec']['taskManager']['podTemplate']['spec'], _pool())):
        (data,) = [volume for volume in pod['volumes'] if 'persistentVolumeClaim' in volume]
        (mount,) = [mount for mount in one['volumeMounts'] if mount['name'] == data['name']]
        claims.append((data['persistentVolumeClaim']['claimName'], mount['mountPath']))
    kubeflow = config.Config().kubeflow
    assert claims == [(kubeflow.claim, kubeflow.mount)] * 2
    for argument in _arguments():
        flag, _, value = argument.partition('=')
        if flag in ('--data', '--prototxt', '--caffemodel', '--output'):
            assert value.startswith(f'{kubeflow.mount}/')


def test_workers_run_the_python_of_the_pipelines_image():
    (container,) = _RUN['spec']['template']['spec']['containers']
    assert _pool()['image'] == container['image']
    assert _pool()['command'] == ['python', '-m', worker_pool.__name__]
    # The pool starts each worker as "python", so the project's Python must be the first on the PATH.
    image = (_DEPLOY / 'Dockerfile').read_text()
    target = re.search(r'install\.sh /source (\S+)', image)
    path = re.search(r'^ENV PATH=([^:\s]+):', image, re.MULTILINE)
    assert target and path and path[1] == f'{target[1]}/bin'


def test_no_container_runs_as_root_or_writes_to_its_image():
    pod = _RUN['spec']['template']['spec']
    for container in (*pod['containers'], *pod['initContainers'], _pool()):
        assert container['securityContext']['readOnlyRootFilesystem'] is True
        assert any(mount['mountPath'] == '/tmp' for mount in container['volumeMounts'])  # noqa: S108
    assert pod['securityContext']['runAsNonRoot'] is True
    assert _pool()['securityContext']['runAsNonRoot'] is True


def test_only_flinks_pods_the_run_and_the_operator_may_connect():
    nobody, flink = yaml.safe_load_all((_DEPLOY / 'flink' / 'network.yaml').read_text())
    assert (nobody['spec']['podSelector'], nobody['spec'].get('ingress')) == ({}, None)
    name = _CLUSTER['metadata']['name']
    assert flink['spec']['podSelector']['matchLabels'] == {'app': name}  # the operator's labels
    each_other, rest = flink['spec']['ingress']
    assert each_other['from'] == [{'podSelector': {'matchLabels': {'app': name}}}]
    run = {'batch.kubernetes.io/job-name': _RUN['metadata']['name']}
    assert rest['from'][0] == {'podSelector': {'matchLabels': run}}
    assert [port['port'] for port in rest['ports']] == [8081]


def test_dataflows_image_has_the_pinned_sdk_and_the_projects_environment():
    dockerfile = (_DEPLOY / 'dataflow' / 'Dockerfile').read_text()
    constraints = (_DEPLOY.parent / 'constraints.txt').read_text()
    release = re.search(r'^FROM apache/beam_python3\.11_sdk:(\S+) AS', dockerfile, re.MULTILINE)
    assert release and f'apache-beam=={release[1]} ' in constraints
    assert 'RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1' in dockerfile
