# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The serving manifests agree with the code."""

import http.server
import subprocess
import threading
from pathlib import Path

import pytest
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2

from components import names
from pipeline.model import request_validation
from pipeline.serving import predict

_FOLDER = Path(__file__).resolve().parents[3] / 'deploy' / 'serving'


def test_compose_serves_the_pushed_model_under_the_clients_name():
    (service,) = yaml.safe_load((_FOLDER / 'docker-compose.yaml').read_text())['services'].values()
    arguments = dict(argument.removeprefix('--').split('=') for argument in service['command'])
    mounted = {volume.split(':')[1]: volume.split(':')[0] for volume in service['volumes'][1:]}
    assert (_FOLDER / mounted[arguments['monitoring_config_file']]).is_file()
    assert arguments['model_name'] == names.MODEL
    assert any(volume.endswith(f':{arguments["model_base_path"]}:ro') for volume in service['volumes'])
    assert {port.rpartition(':')[2] for port in service['ports']} == {arguments['port'], arguments['rest_api_port']}
    assert all(port.startswith('127.0.0.1:') for port in service['ports'])
    assert service['read_only'] is True
    assert service['user'] != 'root'


def test_the_inference_service_serves_the_pushed_versions_and_not_as_root():
    manifest = yaml.safe_load((_FOLDER / 'inferenceservice.yaml').read_text())
    assert (manifest['apiVersion'], manifest['kind']) == ('serving.kserve.io/v1beta1', 'InferenceService')
    predictor = manifest['spec']['predictor']
    assert predictor['model']['modelFormat']['name'] == 'tensorflow'
    assert predictor['securityContext']['runAsNonRoot'] is True
    ((config,), (mount,)) = predictor['volumes'], predictor['model']['volumeMounts']
    kustomization = yaml.safe_load((_FOLDER / 'kustomization.yaml').read_text())
    (made,) = kustomization['configMapGenerator']
    assert config['configMap']['name'] == made['name']
    (path,) = (it.partition('=')[2] for it in predictor['model']['args'] if it.startswith('--monitoring_config_file='))
    assert path in {f'{mount["mountPath"]}/{name}' for name in made['files']}


# Fields and their numbers: tensorflow/serving, config/monitoring_config.proto and
# servables/tensorflow/session_bundle_config.proto, whose messages are in no package.
_INT64, _BOOL, _STRING = ('.google.protobuf.Int64Value', 'bool', 'string')
_MESSAGES = {
    'PrometheusConfig': {'enable': (1, _BOOL), 'path': (2, _STRING)},
    'MonitoringConfig': {'prometheus_config': (1, '.serving.PrometheusConfig')},
    'BatchingParameters': {
        'max_batch_size': (1, _INT64), 'batch_timeout_micros': (2, _INT64), 'max_enqueued_batches': (3, _INT64),
        'num_batch_threads': (4, _INT64), 'max_execution_batch_size': (9, _INT64),
    },
}  # fmt: skip


def _parsed(file: str, name: str):
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    made = descriptor_pb2.FileDescriptorProto(
        name='serving.proto', package='serving', syntax='proto3', dependency=[wrappers_pb2.DESCRIPTOR.name]
    )
    for message, fields in _MESSAGES.items():
        described = made.message_type.add(name=message)
        for field, (number, kind) in fields.items():
            one = described.field.add(name=field, number=number, label=1)
            if kind.startswith('.'):
                one.type, one.type_name = 11, kind
            else:
                one.type = {_BOOL: 8, _STRING: 9}[kind]
    pool.Add(made)
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName(f'serving.{name}'))()
    return text_format.Parse((_FOLDER / file).read_text(), message)


def test_the_configuration_files_are_messages_of_the_server():
    monitoring = _parsed('monitoring.config', 'MonitoringConfig').prometheus_config
    assert (monitoring.enable, monitoring.path) == (True, '/metrics')
    batching = _parsed('batching.config', 'BatchingParameters')
    # The server refuses larger requests.
    assert batching.max_batch_size.value >= predict._BATCH_IMAGES
    assert batching.num_batch_threads.value > 0


@pytest.mark.parametrize(('status', 'healthy'), [(200, True), (404, False), (None, False)])
def test_the_health_check_asks_for_a_loaded_version(status, healthy):
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    port = server.server_port
    if status is None:
        server.shutdown()
        server.server_close()
    (service,) = yaml.safe_load((_FOLDER / 'docker-compose.yaml').read_text())['services'].values()
    kind, *command = service['healthcheck']['test']
    assert kind == 'CMD'
    rest = next(it.partition('=')[2] for it in service['command'] if it.startswith('--rest_api_port='))
    script = command[-1].replace('$$', '$')
    assert f'/{rest} ' in script
    command[-1] = script.replace(rest, str(port))
    assert (subprocess.run(command, capture_output=True, timeout=30).returncode == 0) is healthy
    if status is not None:
        server.shutdown()
        server.server_close()
        assert asked == [f'/v1/models/{names.MODEL}/metadata']


def test_manifests_and_client_use_the_same_release():
    (service,) = yaml.safe_load((_FOLDER / 'docker-compose.yaml').read_text())['services'].values()
    manifest = yaml.safe_load((_FOLDER / 'inferenceservice.yaml').read_text())
    constraints = (_FOLDER.parents[1] / 'constraints.txt').read_text()
    release = service['image'].rpartition(':')[2].rstrip('}')
    assert manifest['spec']['predictor']['model']['runtimeVersion'] == release
    assert f'tensorflow-serving-api=={release} ' in constraints


def test_the_readme_quotes_the_error_message():
    assert request_validation.MESSAGE in (_FOLDER / 'README.md').read_text()
