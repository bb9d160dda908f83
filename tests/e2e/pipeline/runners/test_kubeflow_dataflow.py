# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The compiled pipeline on Kubeflow, with artifacts in Cloud Storage and Beam stages on Dataflow, on loopback."""

import pytest

from components.evaluator import metrics
from tests.fakes import kfp_executor
from tests.fakes.google_cloud.dataflow import Dataflow
from tests.fakes.google_cloud.objects import Objects
from tests.fakes.google_cloud.proxy import Proxy


def test_tasks_run_their_beam_stages_on_dataflow_and_read_its_results(
    command, inputs, finished, low_bounds, tmp_path, warm_python
):
    objects, file = Objects('faces'), tmp_path / 'pipeline.yaml'
    for path in inputs.data.rglob('*.jpg'):
        objects.put(f'drawn/{path.relative_to(inputs.data)}', path.read_bytes())
    with (
        Proxy(objects, tmp_path) as proxy,
        Dataflow(objects, tmp_path / 'dataflow', proxy.environment, warm_python) as service,
    ):
        process = command(
            'compile', '--config', 'demo', *low_bounds, '--prototxt', inputs.prototxt, '--image', 'pipeline:test',
            '-o', file, '--set=beam.runner=dataflow', '--set=beam.workers=3', '--set=beam.project=some-project',
            '--set=beam.region=europe-west4', '--set=beam.pipeline_root=gs://faces/kfp',
            '--set=beam.temp_location=gs://faces/tmp', '--set=beam.image=pipeline:test',
            f'--set=beam.options=[--dataflow_endpoint={service.endpoint}]',
        )  # fmt: skip
        assert process.returncode == 0, process.stderr
        cluster = kfp_executor.Cluster(tmp_path, warm_python, bucket=objects, environment=proxy.environment)
        tasks = cluster.run(
            file,
            data_root='gs://faces/drawn',
            prototxt=str(inputs.prototxt),
            caffemodel=str(inputs.caffemodel),
            output=str(tmp_path / 'serving'),
        )
        assert [job.exit_status for job in service.jobs] == [0] * 6
    assert tasks['Report'].artifacts['metrics']['uri'].startswith('gs://faces/kfp/')
    folder = cluster.object(tasks['Evaluator'].artifacts['evaluation']['uri'])
    overall = metrics.read(str(folder)).overall
    for name, metric in finished.first_metrics['overall'].items():
        if isinstance(metric, dict):
            assert getattr(overall, name).value == pytest.approx(metric['value'], abs=0.01), name
    assert not [name for name in objects.contents if name.startswith('kfp/') and '/.temp/' in name]
