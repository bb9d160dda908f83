# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Beam options from the configuration, parsed by Beam's own parsers; refused settings."""

import dataclasses

import pytest
from apache_beam.options import pipeline_options as options

from components.errors import InputError
from pipeline import config
from pipeline.runners.beam import options as beam_options
from pipeline.settings import BeamSettings

_DATAFLOW = BeamSettings(
    runner='dataflow', workers=20, project='some-project', region='europe-west4',
    pipeline_root='gs://bucket/run', temp_location='gs://bucket/tmp',
    image='europe-docker.pkg.dev/some-project/images/pipeline:1',
)  # fmt: skip
_CLUSTER = BeamSettings(
    runner='flink', workers=8, flink_master='flink-rest:8081', job_server='localhost:8099',
    worker_pool='localhost:50000',
)  # fmt: skip
_LOCAL = BeamSettings()


def _parsed(settings: BeamSettings) -> options.PipelineOptions:
    return options.PipelineOptions(beam_options.args(settings))


def _problems(parsed: options.PipelineOptions, runner: str) -> list[str]:
    from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
    from apache_beam.runners.runner import create_runner

    # Otherwise the validator looks for the bucket, for two minutes without a network.
    parsed.view_as(options.TestOptions).dry_run = True
    return PipelineOptionsValidator(parsed, create_runner(runner)).validate()


def test_flink_on_a_cluster():
    parsed = _parsed(_CLUSTER)
    flink = parsed.view_as(options.FlinkRunnerOptions)
    assert (flink.flink_master, flink.parallelism) == ('flink-rest:8081', 8)
    portable = parsed.view_as(options.PortableOptions)
    assert portable.job_endpoint == 'localhost:8099'
    assert (portable.environment_type, portable.environment_config) == ('EXTERNAL', 'localhost:50000')
    assert parsed.view_as(options.StandardOptions).runner == 'FlinkRunner'
    assert _problems(parsed, 'FlinkRunner') == []


def test_flink_without_a_cluster():
    parsed = _parsed(BeamSettings(runner='flink'))
    assert parsed.view_as(options.FlinkRunnerOptions).flink_master == '[local]'
    assert parsed.view_as(options.PortableOptions).environment_type == 'LOOPBACK'
    assert parsed.view_as(options.PortableOptions).job_endpoint is None


def test_dataflow_passes_beams_own_validator():
    parsed = _parsed(_DATAFLOW)
    cloud = parsed.view_as(options.GoogleCloudOptions)
    assert (cloud.project, cloud.region, cloud.temp_location) == (
        'some-project', 'europe-west4', 'gs://bucket/tmp',
    )  # fmt: skip
    workers = parsed.view_as(options.WorkerOptions)
    assert (workers.sdk_container_image, workers.max_num_workers) == (_DATAFLOW.image, 20)
    assert parsed.view_as(options.SetupOptions).save_main_session is False
    assert _problems(parsed, 'DataflowRunner') == []


@pytest.mark.parametrize('missing', ['project', 'region', 'pipeline_root', 'temp_location', 'image'])
def test_dataflow_needs_five_settings(missing):
    with pytest.raises(InputError, match=rf'dataflow also needs beam\.{missing}:'):
        dataclasses.replace(_DATAFLOW, **{missing: None})


@pytest.mark.parametrize(
    ('settings', 'changed', 'message'),
    [
        (_DATAFLOW, {'temp_location': 'some/folder'}, 'gs://BUCKET/FOLDER'),
        (_CLUSTER, {'worker_pool': None}, r'beam\.worker_pool=HOST:PORT'),
        (_CLUSTER, {'worker_pool': 'localhost'}, r"beam\.worker_pool: expected HOST:PORT.*'localhost'"),
        (_CLUSTER, {'flink_master': 'http://flink'}, r'beam\.flink_master: expected HOST:PORT'),
        (_LOCAL, {'pipeline_root': 's3://bucket/run'}, r'pipeline_root s3://bucket/run: TensorFlow cannot open s3://'),
        (_LOCAL, {'options': ('machine_type=n2',)}, r"beam\.options: expected --NAME.*'machine_type=n2'"),
        (_LOCAL, {'options': ('--region=a',)}, r"'--region=a'.*its own key"),
        (_LOCAL, {'workers': 2}, r'beam\.workers: expected 1 with beam\.runner=local.*, found 2'),
    ],
)
def test_settings_that_a_runner_cannot_use_are_refused(settings, changed, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(settings, **changed)


def test_options_of_the_configuration_come_last():
    settings = dataclasses.replace(_DATAFLOW, options=('--machine_type=n2-standard-8', '--no_use_public_ips'))
    workers = _parsed(settings).view_as(options.WorkerOptions)
    assert (workers.machine_type, workers.use_public_ips) == ('n2-standard-8', False)


def test_dataflow_needs_faces_in_a_bucket():
    with pytest.raises(InputError, match=r'data root faces: .*gs://BUCKET/FOLDER'):
        beam_options.check_data('faces')
    beam_options.check_data('gs://bucket/faces')


def test_loading_checks_the_section():
    with pytest.raises(InputError, match=r'--set|beam\.worker_pool'):
        config.load('demo', ['beam.runner=flink', 'beam.flink_master=localhost:8081'])
    loaded = config.load('demo', ['beam.runner=flink', 'beam.workers=4'])
    assert (loaded.beam.runner, loaded.beam.workers) == ('flink', 4)


def test_missing_java_or_jar_is_reported_before_anything_runs(monkeypatch, tmp_path):
    (tmp_path / 'java').touch(mode=0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(InputError, match=r'no-such\.jar: neither an existing file'):
        beam_options.check_machine(BeamSettings(runner='flink', job_server='no-such.jar'))
    monkeypatch.setenv('PATH', str(tmp_path / 'empty'))
    with pytest.raises(InputError, match='needs Java'):
        beam_options.check_machine(BeamSettings(runner='flink'))
    beam_options.check_machine(_CLUSTER)  # its job server already runs


def test_a_jar_may_be_in_the_home_directory(monkeypatch, tmp_path):
    """No shell expands ~ after a =, as in --set beam.job_server=~/server.jar."""
    for name in ('java', 'server.jar'):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setenv('HOME', str(tmp_path))
    settings = BeamSettings(runner='flink', job_server='~/server.jar')
    beam_options.check_machine(settings)
    assert f'--flink_job_server_jar={tmp_path}/server.jar' in beam_options.args(settings)


def test_a_session_yields_the_options(tmp_path):
    with beam_options.session(_CLUSTER, tmp_path / 'log') as given:
        assert given == beam_options.args(_CLUSTER)
