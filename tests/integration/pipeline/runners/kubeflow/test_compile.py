# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The output of `compile`, against kfp's own readers and a golden file.

    UPDATE_GOLDEN=1 python -m pytest tests/integration/pipeline/runners/kubeflow/test_compile.py

rewrites tests/data/kubeflow_pipeline.yaml; review the difference.
"""

import json
import os
import re
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp import components
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.runners.kubeflow import spec
from tests.fakes.kfp_executor import wait_before_retry

_GOLDEN = Path(__file__).resolve().parents[4] / 'data' / 'kubeflow_pipeline.yaml'
_IMAGE = 'registry.example/face-gender-pipeline@sha256:' + 64 * '0'
_SIZE = '--set=model.input_size=[224, 224]'


@pytest.fixture(scope='module')
def compiled(command, tmp_path_factory) -> Path:
    """The reference pipeline as YAML."""
    file = tmp_path_factory.mktemp('compiled') / 'pipeline.yaml'
    process = command('compile', '--config', 'vgg_face', _SIZE, '--image', _IMAGE, '-o', file)
    assert process.returncode == 0, process.stderr
    return file


@pytest.fixture(scope='module')
def documents(compiled) -> list[dict]:
    """Both documents of the file."""
    return list(yaml.safe_load_all(compiled.read_text()))


def test_kfps_messages_have_every_field(documents):
    spec = json_format.ParseDict(documents[0], pipeline_spec_pb2.PipelineSpec())
    assert spec.schema_version == '2.1.0'
    assert len(spec.root.dag.tasks) == 15
    json_format.ParseDict(documents[1], pipeline_spec_pb2.PlatformSpec())


def test_only_tasks_with_inputs_embeddings_or_the_pushed_model_mount_the_volume(documents):
    executors = documents[1]['platforms']['kubernetes']['deploymentSpec']['executors']
    assert set(executors) == {
        'Inputs_executor', 'StratifiedExampleGen_executor', 'CaffeConverter_executor', 'EmbeddingGen_executor',
        'AtomicPusher_executor',
    }  # fmt: skip
    assert set(executors) <= set(documents[0]['deploymentSpec']['executors'])
    for executor in executors.values():
        assert [mount['mountPath'] for mount in executor['pvcMount']] == ['/data']


def test_fine_tuning_keeps_its_checkpoints_on_the_volume(command, tmp_path):
    file = tmp_path / 'p.yaml'
    process = command(
        'compile', '--config', 'vgg_face', _SIZE, '--image', _IMAGE, '-o', file,
        '--set', 'fine_tuning.unfreeze_from=conv5_1',
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    spec, platform = yaml.safe_load_all(file.read_text())
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    tasks = spec['root']['dag']['tasks']
    assert len(tasks) == 17
    tuned = tasks['FineTuner']['inputs']
    assert tuned['parameters']['checkpoints'] == {'runtimeValue': {'constant': '/data/checkpoints'}}
    assert {name: source['taskOutputArtifact']['producerTask'] for name, source in tuned['artifacts'].items()} == {
        'examples': 'StratifiedExampleGen', 'transform_graph': 'Transform', 'base_model': 'CaffeConverter',
        'head_model': 'Trainer',
    }  # fmt: skip
    for task in ('Evaluator', 'SignatureCheck', 'AtomicPusher'):
        assert tasks[task]['inputs']['artifacts']['model']['taskOutputArtifact']['producerTask'] == 'FineTuner'
    shown = tasks['Report']['inputs']['artifacts']
    makers = {name: source['taskOutputArtifact']['producerTask'] for name, source in shown.items()}
    assert makers | {
        'Transform_transform_graph': 'Transform', 'EmbeddingGen_embeddings': 'FineTunedEmbeddingGen',
        'Trainer_model': 'FineTuner', 'Trainer_model_run': 'Trainer', 'FineTuner_model_run': 'FineTuner',
    } == makers  # fmt: skip
    executors = platform['platforms']['kubernetes']['deploymentSpec']['executors']
    assert {'FineTuner_executor', 'FineTunedEmbeddingGen_executor'} <= set(executors)


def test_kfp_loads_it_with_its_parameters(compiled):
    component = components.load_component_from_file(str(compiled))
    inputs = component.component_spec.inputs
    assert set(inputs) == {'data_root', 'per_folder', 'prototxt', 'caffemodel', 'epochs', 'output'}
    assert (inputs['epochs'].default, inputs['per_folder'].default) == (10, 20)


def test_resources_retries_and_caching_come_from_the_configuration(command, tmp_path):
    file = tmp_path / 'p.yaml'
    process = command(
        'compile', '--config', 'vgg_face', _SIZE, '--image', _IMAGE, '-o', file,
        '--set', 'kubeflow.retries=0', '--set', 'kubeflow.cache=false', '--set', "kubeflow.claim=''",
        '--set', 'kubeflow.resources={all: {cpu_request: 8, memory_request: 1G}, '
        'EmbeddingGen: {cpu: 6, memory: 12Gi, accelerator: "nvidia.com/gpu:1"}}',
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    (document,) = yaml.safe_load_all(file.read_text())
    tasks = document['root']['dag']['tasks']
    assert not any('retryPolicy' in task or task.get('cachingOptions') for task in tasks.values())
    executors = document['deploymentSpec']['executors']
    given = {name: item['container'].get('resources') for name, item in executors.items()}
    assert given.pop('EmbeddingGen_executor') == {
        'resourceCpuLimit': '6', 'resourceCpuRequest': '6',
        'resourceMemoryLimit': '12Gi', 'resourceMemoryRequest': '1G',
        'accelerator': {'resourceType': 'nvidia.com/gpu', 'resourceCount': '1'},
    }  # fmt: skip
    assert {json.dumps(resources) for resources in given.values()} == {
        '{"resourceCpuRequest": "8", "resourceMemoryRequest": "1G"}'
    }


def test_the_pods_are_scheduled_and_their_image_is_pulled_as_configured(command, tmp_path):
    file, config = tmp_path / 'p.yaml', tmp_path / 'c.yaml'
    config.write_text("""
        kubeflow:
          claim: ''
          image_pull_policy: Always
          image_pull_secrets: [registry]
          node_selector: {example.com/pool: faces}
          tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
          labels: {team: vision}
    """)
    process = command('compile', '--config', config, _SIZE, '--image', _IMAGE, '-o', file)
    assert process.returncode == 0, process.stderr
    spec, platform = yaml.safe_load_all(file.read_text())
    executors = platform['platforms']['kubernetes']['deploymentSpec']['executors']
    assert set(executors) == set(spec['deploymentSpec']['executors'])
    # The fields of KubernetesExecutorConfig in kubernetes_executor_config.proto.
    expected = {
        'imagePullPolicy': 'Always',
        'imagePullSecret': [{'secretNameParameter': {'runtimeValue': {'constant': 'registry'}}}],
        'nodeSelector': {'labels': {'example.com/pool': 'faces'}},
        'tolerations': [{'key': 'nvidia.com/gpu', 'operator': 'Exists', 'effect': 'NoSchedule'}],
        'podMetadata': {'labels': {'team': 'vision'}},
    }
    assert all(executor == expected for executor in executors.values())


def test_a_store_replaces_the_volume(command, tmp_path):
    file = tmp_path / 'p.yaml'
    digest = f'host/image@sha256:{"0" * 64}'
    process = command(
        'compile', '--config', 'vgg_face', _SIZE, '--image', digest, '-o', file, '--root', 's3://bucket/kfp',
        '--set=kubeflow.bucket=s3://bucket/faces', '--set=kubeflow.bucket_endpoint=http://seaweedfs.kubeflow:9000',
        '--set=kubeflow.bucket_secret=mlpipeline-minio-artifact', '--set=kubeflow.require_digest=true',
        '--set=kubeflow.run_as_non_root=true', '--set=fine_tuning.unfreeze_from=conv5_1',
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    spec_, platform = yaml.safe_load_all(file.read_text())
    json_format.ParseDict(spec_, pipeline_spec_pb2.PipelineSpec())
    given = {name: it.get('defaultValue') for name, it in spec_['root']['inputDefinitions']['parameters'].items()}
    assert given['data_root'] == 's3://bucket/faces/faces'
    assert given['output'] == 's3://bucket/faces/serving/gender_classifier'
    executors = platform['platforms']['kubernetes']['deploymentSpec']['executors']
    users = {
        'Inputs', 'StratifiedExampleGen', 'CaffeConverter', 'EmbeddingGen', 'FineTuner', 'FineTunedEmbeddingGen',
        'AtomicPusher',
    }  # fmt: skip
    for name, container in spec_['deploymentSpec']['executors'].items():
        pod, variables = executors[name], {it['name']: it['value'] for it in container['container'].get('env', [])}
        assert 'pvcMount' not in pod
        assert pod['securityContext'] == {'runAsNonRoot': True}
        if name.removesuffix('_executor') not in users:
            assert (variables, pod.get('secretAsEnv')) == ({}, None)
            continue
        assert variables['AWS_ENDPOINT_URL'] == 'http://seaweedfs.kubeflow:9000'
        # SecretAsEnv of kubernetes_executor_config.proto
        (secret,) = pod['secretAsEnv']
        assert secret['secretNameParameter'] == {'runtimeValue': {'constant': 'mlpipeline-minio-artifact'}}
        keys = {it['secretKey']: it['envVar'] for it in secret['keyToEnv']}
        assert keys == {'accesskey': 'AWS_ACCESS_KEY_ID', 'secretkey': 'AWS_SECRET_ACCESS_KEY'}
    tasks = spec_['root']['dag']['tasks']
    for task, key, folder in (
        ('FineTuner', 'checkpoints', 'checkpoints'),
        ('EmbeddingGen', 'store', 'embedding_store'),
    ):
        value = tasks[task]['inputs']['parameters'][key]
        assert value == {'runtimeValue': {'constant': f's3://bucket/faces/{folder}'}}


def test_every_task_fits_a_node_of_4_cpus_and_16_gb_beside_kubeflow(documents):
    for executor in documents[0]['deploymentSpec']['executors'].values():
        resources = executor['container']['resources']
        assert 0 < float(resources['resourceCpuRequest']) <= 2
        assert 0 < float(resources['resourceMemoryRequest'].removesuffix('G')) <= 8


def test_tasks_are_retried_however_long_they_ran(documents):
    policies = [task['retryPolicy'] for task in documents[0]['root']['dag']['tasks'].values()]
    assert len(policies) == 15
    for policy in policies:
        day = 24 * 3600
        assert [wait_before_retry(policy, attempts, attempts * day) for attempts in (1, 2, 3)] == [30, 60, None]
        # Argo parses int64 nanoseconds.
        assert float(policy['backoffMaxDuration'].removesuffix('s')) < 2**63 / 1e9


def test_json_is_a_vertex_job(command, tmp_path):
    file = tmp_path / 'job.json'
    process = command(
        'compile', '--config', 'vgg_face', _SIZE, '--image', _IMAGE, '-o', file, '--root', 'gs://bucket/root'
    )
    assert process.returncode == 0, process.stderr
    job = json.loads(file.read_text())
    assert job['runtimeConfig']['gcsOutputDirectory'] == 'gs://bucket/root'
    resources = job['pipelineSpec']['deploymentSpec']['executors']['EmbeddingGen_executor']['container']['resources']
    assert resources == {'cpuLimit': 4.0, 'memoryLimit': 8.0, 'cpuRequest': 2.0, 'memoryRequest': 6.0}
    json_format.ParseDict(job['pipelineSpec'], pipeline_spec_pb2.PipelineSpec())


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ([], '--set model.input_size=[224,224]'),
        ([_SIZE, '-o', 'x.txt'], '-o x.txt: expected a name that ends in .yaml'),
        (['--set', 'kubeflow.resources={Trainr: {cpu: 1}}', _SIZE], "no component 'Trainr'"),
        (
            ['--set', 'kubeflow.resources.Trainer.cpu=many'],
            "kubeflow.resources.Trainer.cpu: expected a number, found 'many'",
        ),
        (['--set', 'kubeflow.mount=data'], 'kubeflow.mount: expected an absolute path'),
    ],
)
def test_bad_arguments_are_one_line_and_write_nothing(command, tmp_path, arguments, message):
    file = tmp_path / 'p.yaml'
    process = command('compile', '--config', 'vgg_face', '--image', _IMAGE, '-o', file, *arguments)
    assert process.returncode == 2
    assert message in process.stderr
    assert process.stderr.count('\n') == 1
    assert list(tmp_path.iterdir()) == []


def test_it_equals_the_golden_file(compiled):
    # These change with the code and with each release.
    text = re.sub(r'--code=[0-9a-f]{64}', '--code=<fingerprint>', compiled.read_text())
    text = re.sub(r'sdkVersion: tfx-[\w.]+', 'sdkVersion: tfx-<version>', text)
    if os.environ.get('UPDATE_GOLDEN'):
        _GOLDEN.parent.mkdir(exist_ok=True)
        _GOLDEN.write_text(text)
    assert text == _GOLDEN.read_text(), 'the docstring of this file tells how to update it'


def test_compiling_is_deterministic(compiled, command, tmp_path):
    again = tmp_path / 'again.yaml'
    command('compile', '--config', 'vgg_face', _SIZE, '--image', _IMAGE, '-o', again)
    assert again.read_text() == compiled.read_text()


def test_the_containers_commands_exist():
    for command in (spec.COMMAND, spec.INPUTS_COMMAND, spec.REPORT_COMMAND):
        assert command[:2] == ('python', '-m')
        module = Path(__file__).resolve().parents[5] / Path(*command[2].split('.')).with_suffix('.py')
        assert module.is_file()


def test_a_remote_runner_needs_artifacts_in_a_bucket(command, tmp_path):
    flink = ('--set=beam.runner=flink', '--set=beam.flink_master=flink:8081', '--set=beam.worker_pool=localhost:50000')
    line = ['compile', _SIZE, *flink, '--image', _IMAGE, '-o', tmp_path / 'pipeline.yaml']
    process = command(*line)
    assert process.returncode == 2
    assert re.fullmatch(r'gender-pipeline: beam\.runner flink: .*--root gs://.*\n', process.stderr)
    process = command(*line, '--root', 'gs://bucket/kfp')
    assert process.returncode == 2
    assert re.fullmatch(r'gender-pipeline: beam\.runner flink: .*beam\.job_server=HOST:PORT.*\n', process.stderr)
    process = command(*line, '--set=beam.job_server=jobs:8099', '--set=beam.pipeline_root=gs://bucket/kfp')
    assert process.returncode == 0, process.stderr
    document, platform = yaml.safe_load_all((tmp_path / 'pipeline.yaml').read_text())
    assert document['defaultPipelineRoot'] == 'gs://bucket/kfp'
    # Its workers do not see the volume.
    store = document['root']['dag']['tasks']['EmbeddingGen']['inputs']['parameters']['store']
    assert store == {'runtimeValue': {'constant': ''}}
    assert 'EmbeddingGen_executor' not in platform['platforms']['kubernetes']['deploymentSpec']['executors']
    arguments = document['deploymentSpec']['executors']['EmbeddingGen_executor']['container']['args']
    assert {'--runner=FlinkRunner', '--job_endpoint=jobs:8099', '--flink_master=flink:8081'} <= set(arguments)
