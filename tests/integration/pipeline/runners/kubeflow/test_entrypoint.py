# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The entry point refuses inputs and stores that remote Beam workers cannot read, and changed inputs."""

import json
import re
import sys

import pytest

from components.errors import RunError
from pipeline.runners.kubeflow import entrypoint
from pipeline.runs import intact


@pytest.mark.parametrize(
    ('store', 'message'),
    [
        ('minio://mlpipeline/v2', r'minio://mlpipeline/v2/examples: .*pipeline root gs://BUCKET/FOLDER'),
        ('gs://bucket/kfp', r"data root /data/faces: Beam's workers cannot read it; .*gs://BUCKET/FOLDER"),
    ],
)
def test_remote_workers_need_faces_and_artifacts_in_cloud_storage(store, message, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['entrypoint'])
    invocation = {
        'inputs': {'parameterValues': {'data_root': '/data/faces'}},
        'outputs': {
            'artifacts': {'examples': {'artifacts': [{'uri': f'{store}/examples', 'type': {}}]}},
            'outputFile': 'output.json',
        },
    }
    status = entrypoint.main([
        '--executor_class_path=components.stratified_example_gen.executor.Executor',
        f'--json_serialized_invocation_args={json.dumps(invocation)}', '--json_serialized_inputs_spec_args={}',
        '--runner=DataflowRunner',
    ])  # fmt: skip
    assert status == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith('gender-pipeline: ')
    assert re.search(message, last)


@pytest.fixture
def published(tmp_path, monkeypatch):
    """The ExecutorOutput for two files that a task made; its artifacts are an input of the next."""
    monkeypatch.setenv('KFP_LOCAL_BASE', str(tmp_path))
    folder = tmp_path / 'minio' / 'bucket' / 'examples'
    for name in ('Split-train/a.gz', 'b.json'):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b'content of ' + name.encode())
    written = {'artifacts': {'examples': {'artifacts': [{'uri': str(folder), 'metadata': {'span': 3, 'none': None}}]}}}
    (tmp_path / 'written.json').write_text(json.dumps(written))
    entrypoint.publish(str(tmp_path / 'written.json'), str(tmp_path / 'output.json'))
    return folder, json.loads((tmp_path / 'output.json').read_text())


@pytest.mark.parametrize(
    ('change', 'problem'),
    [
        (lambda folder: (folder / 'b.json').write_bytes(b'Content of b.json'), 'b.json changed'),
        (lambda folder: (folder / 'Split-train/a.gz').unlink(), 'Split-train/a.gz is missing'),
        (lambda folder: (folder / 'Split-train/.c').write_bytes(b''), r'Split-train/\.c does not belong there'),
    ],
)
def test_an_input_that_changed_since_it_was_made_is_one_line(published, change, problem):
    folder, inputs = published
    (artifact,) = inputs['artifacts']['examples']['artifacts']
    assert (artifact['uri'], artifact['metadata']['span']) == ('minio://bucket/examples', 3)
    entrypoint.check_inputs(inputs)
    change(folder)
    with pytest.raises(
        RunError, match=rf'^minio://bucket/examples/{problem} since it was made; .*another tag of the image'
    ):
        entrypoint.check_inputs(inputs)


def test_an_input_without_digests_passes():
    entrypoint.check_inputs({'artifacts': {'examples': {'artifacts': [{'uri': 'minio://bucket/none'}]}}})


def test_sizes_of_a_bucket_are_compared_with_a_copy(tmp_path):
    (tmp_path / 'a').write_bytes(b'12345')
    found = intact.digests(str(tmp_path))
    assert intact.change('x', {'a': '5'}, found) is None
    assert intact.change('x', {'a': '6'}, found) == 'x/a changed'
