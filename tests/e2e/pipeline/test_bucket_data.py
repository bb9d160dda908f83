# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Faces in a bucket: `run --data gs://…`, `run --data s3://…` and the same as a parameter on Kubeflow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import s3_store
from tests.fakes.google_cloud.objects import Objects
from tests.fakes.google_cloud.proxy import Proxy


@pytest.fixture(scope='module')
def cloud(inputs, tmp_path_factory):
    """gs://faces/drawn with the drawn faces, and the environment of its clients, without a project."""
    objects, folder = Objects('faces'), tmp_path_factory.mktemp('cloud')
    for path in inputs.data.rglob('*.jpg'):
        objects.put(f'drawn/{path.relative_to(inputs.data)}', path.read_bytes())
    with Proxy(objects, folder) as server:
        environment = os.environ | server.environment | {'HOME': str(folder)}
        del environment['GOOGLE_CLOUD_PROJECT']
        # The credentials of "gcloud auth application-default login": google.auth warns about them.
        file = Path(environment['GOOGLE_APPLICATION_CREDENTIALS'])
        number = '764086051850-6qr4p6gpi6hn506pt8ejuq83di341hur.apps.googleusercontent.com'
        file.write_text(json.dumps(json.loads(file.read_text()) | {'client_id': number}))
        yield objects, environment


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        ('gs://faces/nowhere', 'data root gs://faces/nowhere does not exist; expected a folder'),
        ('gs://nobodys/x', 'data root gs://nobodys/x: bucket nobodys does not exist'),
        ('hdfs://faces/drawn', 'data root hdfs://faces/drawn: expected a local folder, gs://BUCKET/FOLDER or s3://'),
    ],
)
def test_an_unusable_bucket_is_one_line(command, inputs, cloud, tmp_path, data, message):
    process = command(*inputs.arguments(tmp_path / 'out', data=data), env=cloud[1])
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert message in line
    assert not (tmp_path / 'out').exists()


def test_a_run_reads_an_s3_store(command, inputs, tmp_path):
    with s3_store.running() as store:
        data = store.upload(inputs.data, 'drawn')
        for i in range(60):
            store.put(f'drawn/combined/aligned/25_F/empty{i}.jpg', b'')
        process = command(*inputs.arguments(tmp_path / 'out', data=data), env=os.environ | store.environment)
        assert process.returncode == 2, process.stderr
        assert f'60 of 760 files in {data} (7.9%) are rejected: 60 empty' in process.stderr.splitlines()[-1]
        wrong = os.environ | store.environment | {'AWS_SECRET_ACCESS_KEY': 'wrong'}
        process = command(*inputs.arguments(tmp_path / 'other', data=data), env=wrong)
        assert process.returncode == 2
        (line,) = process.stderr.splitlines()
        assert f'data root {data}: no valid credentials (' in line
        assert not (tmp_path / 'other').exists()


def test_the_component_reads_the_bucket(command, inputs, cloud, tmp_path):
    """Empty files stop the run in the first component; later ones do not read the bucket."""
    objects, environment = cloud
    for i in range(60):
        objects.put(f'drawn/combined/aligned/25_F/empty{i}.jpg', b'')
    process = command(*inputs.arguments(tmp_path / 'out', data='gs://faces/drawn/'), env=environment)
    assert process.returncode == 2, process.stderr
    line = process.stderr.splitlines()[-1]
    assert '60 of 760 files in gs://faces/drawn (7.9%) are rejected: 60 empty' in line
    assert 'the first combined/aligned/25_F/empty0.jpg' in line
    assert 'Trainer' not in process.stderr


def test_kubeflows_first_task_reads_the_bucket_of_its_parameter(inputs, cloud, tmp_path):
    values = {
        'data_root': 'gs://faces/drawn', 'data': '{}', 'prototxt': str(inputs.prototxt),
        'caffemodel': str(inputs.caffemodel), 'model': '{}', 'compiled_size': '[64, 64]',
    }  # fmt: skip
    file = tmp_path / 'data_fingerprint'
    outputs = {'parameters': {'data_fingerprint': {'outputFile': str(file)}}}
    line = [sys.executable, '-m', 'pipeline.runners.kubeflow.inputs_task']
    process = subprocess.run(
        [*line, json.dumps({'inputs': {'parameterValues': values}, 'outputs': outputs})],
        env=cloud[1], capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert len(file.read_text()) == 64
