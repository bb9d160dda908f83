# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The serving manifests agree with the code."""

from pathlib import Path

import yaml

from components import names
from pipeline.model import request_validation

_FOLDER = Path(__file__).resolve().parents[3] / 'deploy' / 'serving'


def test_compose_serves_the_pushed_model_under_the_clients_name():
    (service,) = yaml.safe_load((_FOLDER / 'docker-compose.yaml').read_text())['services'].values()
    arguments = dict(argument.removeprefix('--').split('=') for argument in service['command'])
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


def test_manifests_and_client_use_the_same_release():
    (service,) = yaml.safe_load((_FOLDER / 'docker-compose.yaml').read_text())['services'].values()
    manifest = yaml.safe_load((_FOLDER / 'inferenceservice.yaml').read_text())
    constraints = (_FOLDER.parents[1] / 'constraints.txt').read_text()
    release = service['image'].rpartition(':')[2]
    assert manifest['spec']['predictor']['model']['runtimeVersion'] == release
    assert f'tensorflow-serving-api=={release} ' in constraints


def test_the_readme_quotes_the_error_message():
    assert request_validation.MESSAGE in (_FOLDER / 'README.md').read_text()
