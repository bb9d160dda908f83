# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The whole pipeline with its Beam stages on Dataflow on loopback; faces, artifacts and jobs are in a bucket."""

import dataclasses
import json
import os
import re
from pathlib import Path

import pytest

from pipeline.runs import metadata
from tests.e2e.pipeline.runners import same_run
from tests.fakes.google_cloud.dataflow import Dataflow
from tests.fakes.google_cloud.objects import Objects
from tests.fakes.google_cloud.proxy import Proxy

# A step of each job, in order: two jobs of StratifiedExampleGen, StatisticsGen, Transform, EmbeddingGen, Evaluator.
_STEPS = ('ListFolders', 'WriteShard', 'GenerateStatistics', 'Analyze', 'Embed', 'ExtractEvaluateAndWriteResults')

_IMAGE = 'europe-docker.pkg.dev/some-project/images/pipeline:1'


@dataclasses.dataclass
class _Run:
    """A run whose workers could access the bucket only."""

    output: Path
    objects: Objects
    environment: dict[str, str]
    arguments: list[str]
    jobs: list
    stderr: str


@pytest.fixture(scope='module')
def run(command, inputs, low_bounds, tmp_path_factory, warm_python):
    folder = tmp_path_factory.mktemp('cloud')
    output, objects = folder / 'out', Objects('faces')
    for path in inputs.data.rglob('*.jpg'):
        objects.put(f'drawn/{path.relative_to(inputs.data)}', path.read_bytes())
    with (
        Proxy(objects, folder) as proxy,
        Dataflow(objects, folder / 'dataflow', proxy.environment, warm_python) as service,
    ):
        environment = os.environ | proxy.environment | {'HOME': str(folder)}
        arguments = [
            *inputs.arguments(output, data='gs://faces/drawn'), *low_bounds, '--set=beam.runner=dataflow',
            '--set=beam.workers=3', '--set=beam.pipeline_root=gs://faces/run', '--set=beam.temp_location=gs://faces/tmp',
            '--set=beam.project=some-project', '--set=beam.region=europe-west4', f'--set=beam.image={_IMAGE}',
            f'--set=beam.options=[--dataflow_endpoint={service.endpoint}]',
        ]  # fmt: skip
        process = command(*arguments, env=environment)
        logs = '\n'.join(job.log[-3000:] for job in service.jobs if job.exit_status)
        assert process.returncode == 0, process.stderr + logs
        yield _Run(output, objects, environment, arguments, service.jobs, process.stderr)


def test_it_gives_the_local_result(run, finished, tmp_path):
    for name, content in run.objects.contents.items():
        if name.startswith('run/') and not name.endswith('/'):
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    (owner,) = [path for path in (tmp_path / 'run').iterdir() if path.name != 'embedding_store']
    same_run.check(run.output, finished, owner)


def test_every_beam_stage_was_a_job_in_another_process(run):
    assert len(run.jobs) == len(_STEPS)
    for job, step in zip(run.jobs, _STEPS, strict=True):
        names = {transform.unique_name for transform in job.pipeline.components.transforms.values()}
        assert any(step in name for name in names), (step, names)
    assert {job.exit_status for job in run.jobs} == {0}
    assert {image for job in run.jobs for image in job.images} == {_IMAGE}
    assert {job.max_workers for job in run.jobs} == {3}
    assert len({job.process.pid for job in run.jobs}) == len(run.jobs)


def test_the_run_directory_has_no_artifacts_and_the_terminal_no_noise(run):
    kept = {path.name for path in run.output.iterdir()}
    assert kept == {'.id', '.lock', 'inputs', 'logs', 'metadata.sqlite', 'report', 'runs', 'serving'}
    assert not re.search('Traceback|WARN|INFO|google', run.stderr)
    page = (run.output / 'report' / 'index.html').read_text()
    assert 'data:image/jpeg' in page
    metrics = json.loads((run.output / 'report' / 'metrics.json').read_text())
    assert Path(metrics['pushed'], 'saved_model.pb').is_file()


def test_the_workers_counters_are_recorded(run, monkeypatch):
    for name, value in run.environment.items():
        monkeypatch.setenv(name, value)
    sampled = json.loads((run.output / 'report' / 'metrics.json').read_text())['data']['sampled']
    embeddings = metadata.runs(run.output)[0].output('EmbeddingGen', 'embeddings')
    counted = [embeddings.properties[name] for name in ('images_computed', 'images_known')]
    assert counted == [sampled, 0]


def test_the_workers_could_not_read_this_machines_files(run):
    if not all(job.is_shut_off for job in run.jobs):
        pytest.skip('the kernel has no Landlock')


def test_the_commands_for_a_run_directory_read_the_bucket(run, command, inputs):
    before = (run.output / 'report' / 'metrics.json').read_text()
    report = command('report', '--output', run.output, env=run.environment)
    assert report.returncode == 0, report.stderr
    assert (run.output / 'report' / 'metrics.json').read_text() == before
    runs = command('runs', '--output', run.output, env=run.environment)
    assert re.search(r'  blessed  .*0\.\d{3}', runs.stdout), runs
    images = sorted(inputs.data.rglob('*.jpg'))[:40]
    skew = command('skew', '--output', run.output, '--requests', *images, '--max-distance', '1', env=run.environment)
    assert 'brightness' in skew.stdout, skew
    nobody = {**run.environment, 'GOOGLE_APPLICATION_CREDENTIALS': '/nowhere'}
    for name in ('report', 'runs'):
        refused = command(name, '--output', run.output, env=nobody)
        assert refused.returncode == 2
        assert re.fullmatch(
            r'gender-pipeline: artifacts in gs://faces: no valid Google Cloud credentials .*\n', refused.stderr
        ), refused


def test_a_rerun_submits_no_job(run, command):
    jobs = len(run.jobs)
    again = command(*run.arguments, env=run.environment)
    assert again.returncode == 0, again.stderr
    assert len(re.findall('from cache', again.stderr)) == 13
    assert len(run.jobs) == jobs
