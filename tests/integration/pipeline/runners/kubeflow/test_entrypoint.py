# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The entry point refuses inputs and stores that remote Beam workers cannot read."""

import json
import re
import sys

import pytest

from pipeline.runners.kubeflow import entrypoint


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
