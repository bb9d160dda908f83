# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The pipeline on a real Flink: inside the job server, and on a cluster on loopback that loses a pod."""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from components import error_reporting
from components.errors import RunError
from pipeline.runners.beam import options as beam_options
from pipeline.settings import BeamSettings
from tests.e2e.pipeline.runners import same_run
from tests.fakes import flink_cluster


@pytest.fixture(scope='module')
def jar(tmp_path_factory) -> Path:
    try:
        return flink_cluster.job_server_jar(tmp_path_factory.mktemp('flink_jar'))
    except flink_cluster.Unavailable as reason:
        pytest.skip(f'no Flink: {reason}')


def test_a_job_that_loses_a_pod_restarts_and_gives_the_local_result_and_a_local_rerun_reuses_it(
    jar, command, warm_python, inputs, finished, low_bounds, tmp_path
):
    output, folder = tmp_path / 'out', tmp_path / 'cluster'
    folder.mkdir()
    output_log = folder / 'run.log'
    with flink_cluster.Cluster(jar, folder, warm_python) as cluster:
        cluster.add_pod()
        cluster.add_pod()
        cluster.wait_for_pods()
        arguments = [
            *inputs.arguments(output), *low_bounds, '--set=beam.runner=flink', f'--set=beam.job_server={jar}',
            f'--set=beam.flink_master={cluster.master}', '--set=beam.workers=2',
            f'--set=beam.worker_pool={flink_cluster.POOL_HOST}:{cluster.pool_port}',
        ]  # fmt: skip
        with cluster.process('run', [sys.executable, '-m', 'pipeline', *arguments]) as run:
            _wait(run, lambda: '] Transform ' in output_log.read_text(), output_log)
            done = {job['jid'] for job in cluster.get('/jobs/overview')['jobs']}
            started = [pod.workers for pod in cluster.pods]
            # EmbeddingGen's job is running once both pods have started a worker for it.
            _wait(run, lambda: all(pod.workers > n for pod, n in zip(cluster.pods, started, strict=True)), output_log)
            (job,) = [job for job in cluster.get('/jobs/overview')['jobs'] if job['jid'] not in done]
            assert job['state'] == 'RUNNING'
            cluster.pods[0].kill()
            cluster.add_pod()  # like Kubernetes
            _wait(run, lambda: run.poll() is not None, output_log, ended=True)
            assert run.returncode == 0, output_log.read_text()
        (after,) = [one for one in cluster.get('/jobs/overview')['jobs'] if one['jid'] == job['jid']]
        assert after['state'] == 'FINISHED'
        failed = cluster.get(f'/jobs/{job["jid"]}/exceptions')['exceptionHistory']['entries']
        assert failed, 'no task was lost'
        assert len(done) == 4  # two of StratifiedExampleGen, then StatisticsGen and Transform
        assert all(pod.workers for pod in cluster.pods)
    same_run.check(output, finished)
    # Output of Java, Flink and Beam is in the logs only.
    assert not re.search('java|flink|Traceback|WARN|INFO', output_log.read_text())
    again = command(*inputs.arguments(output), *low_bounds)
    assert again.returncode == 0, again.stderr
    for stage in same_run.BEAM_STAGES:
        assert re.search(rf'\] {stage} +from cache', again.stderr), again.stderr


def _wait(run: subprocess.Popen, holds, log: Path, ended: bool = False) -> None:
    flink_cluster.wait_until(
        lambda: holds() or (not ended and run.poll() is not None), f'the next step; so far: {log}', seconds=400
    )
    assert ended or run.poll() is None, log.read_text()


# Beam's threads end with an exception when a worker is stopped.
@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_a_failure_on_flink_is_one_line(jar, monkeypatch, tmp_path):
    import apache_beam

    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))

    def fail(shard: int) -> None:
        if shard == 7:
            raise RunError('shard 7: values that are not finite')
        raise ZeroDivisionError('by hand')

    def told(shard: int) -> Exception:
        with pytest.raises(RuntimeError) as raised, apache_beam.Pipeline(argv=options) as pipeline:
            _ = pipeline | apache_beam.Create([shard]) | apache_beam.Map(fail)
        return error_reporting.one_line(raised.value, 'the.log')

    with beam_options.session(BeamSettings(runner='flink', job_server=str(jar)), tmp_path / 'flink.log') as options:
        own, other = told(7), told(8)
        assert [*tmp_path.glob('job_server_*/flink-*')], 'Flink writes elsewhere'
    assert isinstance(own, RunError)
    assert str(own) == 'shard 7: values that are not finite'
    assert isinstance(other, RunError)
    assert 'ZeroDivisionError: by hand' in str(other)
    assert str(other).endswith('(full trace in the.log)')
    assert '\n' not in str(other)


def test_a_job_server_ends_when_its_run_is_killed(jar, tmp_path):
    log = tmp_path / 'flink.log'
    options = beam_options.args(BeamSettings(runner='flink', job_server=str(jar)))
    program = (
        'import time; from pathlib import Path; from pipeline.runners.beam import flink\n'
        f'with flink.job_server({options!r}, Path({str(log)!r})) as endpoint:\n'
        '    print(endpoint, flush=True); time.sleep(120)\n'
    )
    with subprocess.Popen([sys.executable, '-c', program], stdout=subprocess.PIPE, text=True) as process:
        endpoint = process.stdout.readline().strip()
        try:
            assert _is_open(endpoint)
        finally:
            process.kill()
        until = time.monotonic() + 30
        while _is_open(endpoint) and time.monotonic() < until:
            time.sleep(0.2)
        assert not _is_open(endpoint)


def test_a_job_server_that_does_not_start_is_one_line(tmp_path):
    if not shutil.which('java'):
        pytest.skip('no Flink: there is no Java')
    (tmp_path / 'none.jar').write_text('not a jar')
    settings = BeamSettings(runner='flink', job_server=str(tmp_path / 'none.jar'))
    with (
        pytest.raises(RunError, match=r'job server did not start .*flink\.log'),
        beam_options.session(settings, tmp_path / 'flink.log'),
    ):
        pass
    assert 'none.jar' in (tmp_path / 'flink.log').read_text()


def _is_open(endpoint: str) -> bool:
    host, _, port = endpoint.rpartition(':')
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False
