# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Beam's real DataflowRunner against Dataflow and Cloud Storage on loopback, with jobs in other processes.

Code for workers is defined inside functions, so that it is pickled by value: workers cannot import the tests.
"""

import dataclasses
import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from pathlib import Path

import apache_beam
import pytest
from apache_beam.internal.gcp import auth
from apache_beam.metrics import Metrics, MetricsFilter
from apache_beam.runners.dataflow.dataflow_runner import DataflowPipelineResult, DataflowRuntimeException
from google.api_core import exceptions

from components import error_reporting
from components.errors import InputError, RunError
from components.io import stores
from pipeline.runners.beam import dataflow, options as beam_options
from pipeline.settings import BeamSettings
from tests.fakes.flink_cluster import wait_until
from tests.fakes.google_cloud.dataflow import Dataflow
from tests.fakes.google_cloud.dataflow_job import Job
from tests.fakes.google_cloud.objects import Objects, Response
from tests.fakes.google_cloud.proxy import Proxy
from tests.tools.warm_python import Server

_SETTINGS = BeamSettings(
    runner='dataflow', workers=20, project='some-project', region='europe-west4', pipeline_root='gs://faces/run',
    temp_location='gs://faces/tmp', image='europe-docker.pkg.dev/some-project/images/pipeline:1',
)  # fmt: skip
_JSON = {'Content-Type': 'application/json'}


@dataclasses.dataclass
class _Cloud:
    objects: Objects
    environment: dict[str, str]
    folder: Path
    python: Server

    def dataflow(self, **options: float) -> Dataflow:
        return Dataflow(self.objects, self.folder, self.environment, self.python, **options)


@pytest.fixture
def cloud(tmp_path, monkeypatch, warm_python) -> Iterator[_Cloud]:
    objects, folder = Objects('faces'), tmp_path / 'proxy'
    folder.mkdir()
    # Beam caches the first credentials of a process.
    monkeypatch.setattr(auth._Credentials, '_credentials_init', False)
    monkeypatch.setattr(auth._Credentials, '_credentials', None)
    with Proxy(objects, folder) as proxy:
        for name, value in proxy.environment.items():
            monkeypatch.setenv(name, value)
        yield _Cloud(objects, proxy.environment, tmp_path / 'dataflow', warm_python)


def _submit(
    service: Dataflow,
    build: Callable[[apache_beam.Pipeline], object],
    settings: BeamSettings = _SETTINGS,
    more: Sequence[str] = (),
) -> DataflowPipelineResult:
    pipeline = apache_beam.Pipeline(
        argv=[*beam_options.args(settings), f'--dataflow_endpoint={service.endpoint}', *more]
    )
    build(pipeline)
    return pipeline.run()


def test_a_job_in_another_process_has_the_right_result_and_counters(cloud, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('SOMETHING_OF_HERE', '1')
    Path('names.txt').write_text('of the submitter')
    cloud.objects.put('in/1.txt', b'anna bob anna\n')
    cloud.objects.put('in/2.txt', b'bob anna\n')
    seen, length = Metrics.counter('names', 'seen'), Metrics.distribution('names', 'length')

    def greet(name: str, greetings: list[str]) -> tuple[str, str]:
        seen.inc()
        length.update(len(name))
        return name, sorted(greetings)[0]

    def look(path: str) -> str:
        def read(path: str) -> str:
            try:
                with open(path) as file:
                    return file.read()
            except OSError as error:
                return type(error).__name__

        return json.dumps({
            'pid': os.getpid(), 'files': os.listdir(), 'variables': list(os.environ), 'absolute': read(path),
            'relative': read(os.path.basename(path)),
        })  # fmt: skip

    def build(pipeline: apache_beam.Pipeline) -> None:
        greetings = pipeline | 'Greetings' >> apache_beam.Create(['hello', 'good day'])
        _ = (
            pipeline
            | 'Read' >> apache_beam.io.ReadFromText('gs://faces/in/*.txt')
            | 'Split' >> apache_beam.FlatMap(str.split)
            | 'Greet' >> apache_beam.Map(greet, apache_beam.pvalue.AsList(greetings))
            | 'Group' >> apache_beam.GroupByKey()
            | 'Say' >> apache_beam.MapTuple(lambda name, said: f'{name}: {", ".join(said)}')
            | 'Write' >> apache_beam.io.WriteToText('gs://faces/out/names', shard_name_template='')
        )
        _ = (
            pipeline
            | 'Path' >> apache_beam.Create([str(tmp_path / 'names.txt')])
            | 'Look' >> apache_beam.Map(look)
            | 'WriteLook' >> apache_beam.io.WriteToText('gs://faces/out/look', shard_name_template='')
        )

    with cloud.dataflow() as service:
        result = _submit(service, build)
        assert result.wait_until_finish() == 'DONE'
        found = result.metrics().query(MetricsFilter().with_namespace('names'))
        with pytest.raises(urllib.error.HTTPError, match='401'):
            urllib.request.urlopen(f'{service.endpoint}/v1b3/projects/p/locations/r/jobs')  # noqa: S310
    lines = cloud.objects.contents['out/names'].decode().splitlines()
    assert sorted(lines) == ['anna: good day, good day, good day', 'bob: good day, good day']

    (counter,), (distribution,) = found['counters'], found['distributions']
    assert (counter.key.step, counter.key.metric.name, counter.committed, counter.attempted) == ('Greet', 'seen', 5, 5)
    assert (distribution.result.sum, distribution.result.count) == (18, 5)
    assert (distribution.result.min, distribution.result.max) == (3, 4)

    (job,) = service.jobs
    assert (job.exit_status, job.images, job.max_workers) == (0, {_SETTINGS.image}, 20)
    assert (job.options['region'], job.options['runner']) == ('europe-west4', 'DataflowRunner')
    assert job.options['temp_location'].startswith('gs://faces/tmp/')
    assert 'use_runner_v2' in job.options['experiments']
    looked = json.loads(cloud.objects.contents['out/look'])
    assert looked['pid'] == job.process.pid != os.getpid()
    assert looked['files'] == []
    assert 'SOMETHING_OF_HERE' not in looked['variables']
    assert looked['relative'] == 'FileNotFoundError'
    # Without Landlock in the kernel, a worker can read this machine's files by absolute path.
    assert looked['absolute'] == ('PermissionError' if job.is_shut_off else 'of the submitter')


def test_a_failure_on_a_worker_is_one_line(cloud):
    def fail(how: str) -> None:
        if how == 'own':
            raise RunError('shard 7: values that are not finite')
        if how == 'input':
            raise InputError('combined/aligned/25_F/7.jpg: not an image')
        if how == 'killed':
            os.kill(os.getpid(), signal.SIGKILL)  # as if it ran out of memory
        raise ZeroDivisionError('by hand')

    def failed(how: str) -> Exception:
        result = _submit(
            service, lambda pipeline: pipeline | apache_beam.Create([how]) | 'Fail' >> apache_beam.Map(fail)
        )
        with pytest.raises(DataflowRuntimeException) as raised:
            result.wait_until_finish()
        return raised.value

    with cloud.dataflow() as service, futures.ThreadPoolExecutor() as pool:
        own, given, other, killed = pool.map(failed, ['own', 'input', 'other', 'killed'])
    for error, name in ((own, 'RunError'), (given, 'InputError'), (other, 'ZeroDivisionError')):
        assert re.search(rf'Traceback \(most recent call last\):\n(.*\n)+.*{name}: .*\[while running .Fail', str(error))
    told = error_reporting.one_line(own, 'the.log')
    assert (type(told), str(told)) == (RunError, 'shard 7: values that are not finite')
    told = error_reporting.one_line(given, 'the.log')
    assert (type(told), str(told)) == (InputError, 'combined/aligned/25_F/7.jpg: not an image')
    told = error_reporting.one_line(other, 'the.log')
    assert isinstance(told, RunError)
    assert re.fullmatch(
        r"DataflowRuntimeException: ZeroDivisionError: by hand \[while running 'Fail\S*'\] "
        r'\(full trace in the\.log\)',
        str(told),
    )
    told = error_reporting.one_line(killed, 'the.log')
    assert re.match('DataflowRuntimeException: the job ended as FAILED: Workflow failed. Causes: ', str(told))
    assert '\n' not in str(told)
    assert sorted(job.exit_status for job in service.jobs) == [-signal.SIGKILL, 1, 1, 1]


def test_cancelling_a_job_kills_its_worker(cloud):
    def wait(_: int) -> None:
        import time

        print('at work', flush=True)
        time.sleep(600)

    with cloud.dataflow(patience=0) as service:
        result = _submit(service, lambda pipeline: pipeline | apache_beam.Create([1]) | apache_beam.Map(wait))
        (job,) = service.jobs
        wait_until(lambda: 'at work' in job.log, 'the worker is at work')
        assert result.cancel() == 'CANCELLED'
        wait_until(lambda: job.exit_status is not None, 'the worker ends')
    assert job.exit_status == -signal.SIGKILL


def test_jobs_end_with_their_run_or_before_the_next_one(cloud, monkeypatch):
    monkeypatch.setattr(dataflow, '_POLL_S', 0.1)

    def wait(_: int) -> None:
        import time

        print('at work', flush=True)
        time.sleep(600)

    def submit(options: list[str]) -> Job:
        pipeline = apache_beam.Pipeline(argv=options)
        _ = pipeline | apache_beam.Create([1]) | apache_beam.Map(wait)
        pipeline.run()
        wait_until(lambda: 'at work' in service.jobs[-1].log, 'the worker is at work')
        return service.jobs[-1]

    with cloud.dataflow(patience=0) as service:
        options = [*beam_options.args(_SETTINGS), f'--dataflow_endpoint={service.endpoint}']
        other = submit([*options, '--job_name=face-gender-other'])
        with pytest.raises(KeyboardInterrupt), dataflow.owned(options, 'mine') as named:
            stopped = submit(named)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        wait_until(lambda: stopped.exit_status is not None, 'the worker ends')
        assert (stopped.name, stopped.exit_status) == ('face-gender-mine', -signal.SIGKILL)

        left = submit([*options, '--job_name=face-gender-mine'])  # as if its process had been killed
        with dataflow.owned(options, 'mine'):
            assert left.has_ended
        assert other.exit_status is None
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize(
    ('changed', 'more', 'message'),
    [
        ({'region': 'somewhere'}, [], 'somewhere is not a valid region'),
        ({}, ['--labels=Owner=me'], 'Owner'),
    ],
)
def test_a_refusal_of_the_service_is_one_line(cloud, changed, more, message):
    settings = dataclasses.replace(_SETTINGS, **changed)
    with cloud.dataflow() as service:
        with pytest.raises(exceptions.BadRequest) as raised:
            _submit(service, lambda pipeline: pipeline | apache_beam.Create([1]), settings, more)
        assert service.jobs == []
    told = str(error_reporting.one_line(raised.value, 'the.log'))
    assert 'The workflow could not be created' in told
    assert message in told
    assert '\n' not in told


def test_a_missing_bucket_is_reported_at_once(cloud, monkeypatch):
    def check(uri: str, write: bool = False) -> None:
        stores.check_bucket.cache_clear()
        stores.check_bucket('beam.temp_location', uri, write)

    check('gs://faces/tmp')
    with pytest.raises(InputError, match=r'temp_location gs://others/tmp: bucket others does not exist; create it'):
        check('gs://others/tmp')
    check('gs://faces/some/folder', write=True)
    assert cloud.objects.contents == {}
    answer_all = cloud.objects.answer
    refused = Response(403, b'{"error": {"code": 403, "message": "a has no storage.objects.create"}}', _JSON)
    monkeypatch.setattr(
        cloud.objects, 'answer', lambda request: refused if request.method == 'POST' else answer_all(request)
    )
    check('gs://faces/some/folder')
    with pytest.raises(InputError, match=r'access to bucket faces is denied \(.*a has no storage\.objects\.create'):
        check('gs://faces/some/folder', write=True)
    answer = Response(403, b'{"error": {"code": 403, "message": "a has no storage.buckets.get"}}', _JSON)
    monkeypatch.setattr(cloud.objects, 'answer', lambda request: answer)
    with pytest.raises(InputError, match=r'access to bucket faces is denied \(.*a has no storage\.buckets\.get\)'):
        check('gs://faces/tmp')
    monkeypatch.setenv('https_proxy', 'http://127.0.0.1:9')
    with pytest.raises(InputError, match=r'gs://faces: Cloud Storage does not answer'):
        check('gs://faces')
    monkeypatch.delenv('GOOGLE_APPLICATION_CREDENTIALS')
    monkeypatch.setenv('HOME', str(cloud.folder))
    with pytest.raises(InputError, match=r'no valid Google Cloud credentials \(.*\); run "gcloud auth'):
        check('gs://faces/tmp')
