# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Beam's options as the configuration makes them, read back by Beam's own parsers; what is refused, and how."""

import dataclasses
import os

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


def _parsed(settings: BeamSettings) -> options.PipelineOptions:
    beam_options.check(settings)
    return options.PipelineOptions(beam_options.args(settings))


def _problems(parsed: options.PipelineOptions, runner: str) -> list[str]:
    from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
    from apache_beam.runners.runner import create_runner

    # Else the validator asks for the bucket, for two minutes where there is no network.
    parsed.view_as(options.TestOptions).dry_run = True
    return PipelineOptionsValidator(parsed, create_runner(runner)).validate()


def test_a_flink_cluster_gets_its_address_and_its_pool():
    parsed = _parsed(_CLUSTER)
    flink = parsed.view_as(options.FlinkRunnerOptions)
    assert (flink.flink_master, flink.parallelism) == ('flink-rest:8081', 8)
    portable = parsed.view_as(options.PortableOptions)
    assert portable.job_endpoint == 'localhost:8099'
    assert (portable.environment_type, portable.environment_config) == ('EXTERNAL', 'localhost:50000')
    assert parsed.view_as(options.StandardOptions).runner == 'FlinkRunner'
    assert _problems(parsed, 'FlinkRunner') == []


def test_flink_without_a_cluster_runs_user_code_in_this_process():
    parsed = _parsed(BeamSettings(runner='flink'))
    assert parsed.view_as(options.FlinkRunnerOptions).flink_master == '[local]'
    assert parsed.view_as(options.PortableOptions).environment_type == 'LOOPBACK'
    assert parsed.view_as(options.PortableOptions).job_endpoint is None


def test_dataflow_gets_what_its_own_validator_asks_for():
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
def test_dataflow_without_one_of_its_five_is_refused(missing):
    with pytest.raises(InputError, match=rf'dataflow also needs beam\.{missing}:'):
        beam_options.check(dataclasses.replace(_DATAFLOW, **{missing: None}))


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        (dataclasses.replace(_DATAFLOW, temp_location='some/folder'), 'gs://BUCKET/FOLDER'),
        (dataclasses.replace(_CLUSTER, worker_pool=None), r'beam\.worker_pool=HOST:PORT'),
        (dataclasses.replace(_CLUSTER, worker_pool='localhost'), r"beam\.worker_pool: expected HOST:PORT.*'localhost'"),
        (dataclasses.replace(_CLUSTER, flink_master='http://flink'), r'beam\.flink_master: expected HOST:PORT'),
        (BeamSettings(pipeline_root='s3://bucket/run'), r"pipeline_root: expected gs://BUCKET/FOLDER, found 's3:"),
        (BeamSettings(options=('machine_type=n2',)), r"beam\.options: expected --NAME.*'machine_type=n2'"),
        (BeamSettings(options=('--region=a',)), r'key of its own'),
        (BeamSettings(options=tuple(f'--labels=a={n}' for n in range(17))), 'at most 16'),
        (BeamSettings(workers=2), r'beam\.workers is 2, but the runner local has one'),
    ],
)
def test_what_a_runner_cannot_use_is_refused(settings, said):
    with pytest.raises(InputError, match=said):
        beam_options.check(settings)


def test_further_options_come_after_ours_and_fit_in_the_slots():
    further = ('--machine_type=n2-standard-8', '--no_use_public_ips', *(f'--labels=key{n}=a' for n in range(14)))
    settings = dataclasses.replace(_DATAFLOW, options=further)
    parsed = _parsed(settings)
    assert parsed.view_as(options.WorkerOptions).machine_type == 'n2-standard-8'
    assert parsed.view_as(options.WorkerOptions).use_public_ips is False
    for one in (settings, dataclasses.replace(_CLUSTER, temp_location='gs://bucket/tmp', options=further)):
        assert len(beam_options.args(one)) <= len(beam_options.slots())


def test_dataflow_does_not_take_faces_of_this_machine():
    with pytest.raises(InputError, match=r'data root faces: .*gs://BUCKET/FOLDER'):
        beam_options.check_data('faces')
    beam_options.check_data('gs://bucket/faces')


def test_the_configuration_is_checked_when_it_is_loaded():
    with pytest.raises(InputError, match=r'--set|beam\.worker_pool'):
        config.load('demo', ['beam.runner=flink', 'beam.flink_master=localhost:8081'])
    loaded = config.load('demo', ['beam.runner=flink', 'beam.workers=4'])
    assert (loaded.beam.runner, loaded.beam.workers) == ('flink', 4)


def test_no_java_and_no_jar_are_told_before_anything_runs(monkeypatch, tmp_path):
    (tmp_path / 'java').touch(mode=0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(InputError, match=r'no-such\.jar: no such file'):
        beam_options.check_here(BeamSettings(runner='flink', job_server='no-such.jar'))
    monkeypatch.setenv('PATH', str(tmp_path / 'empty'))
    with pytest.raises(InputError, match='needs Java'):
        beam_options.check_here(BeamSettings(runner='flink'))
    beam_options.check_here(_CLUSTER)  # whose job server runs already


def test_the_flags_of_run_are_keys_of_the_configuration(command, inputs, tmp_path):
    process = command(*inputs.arguments(tmp_path / 'out'), '--beam-runner', 'flink', '--flink-master', 'localhost:8081')
    assert process.returncode == 2
    assert process.stderr.count('\n') == 1
    assert 'beam.worker_pool' in process.stderr
    process = command(*inputs.arguments(tmp_path / 'out'), '--beam-runner', 'spark')
    assert process.returncode == 2
    assert 'expected one of local, flink, dataflow' in process.stderr


def test_the_slots_hold_the_options_for_the_block_only(tmp_path):
    names = [f'GENDER_PIPELINE_BEAM_{number}' for number in range(len(beam_options.slots()))]
    with beam_options.session(_CLUSTER, tmp_path / 'log'):
        filled = [os.environ[name] for name in names]
        assert options.PipelineOptions(filled).get_all_options() == _parsed(_CLUSTER).get_all_options()
    assert not set(names) & set(os.environ)
    for settings in (BeamSettings(), _DATAFLOW, dataclasses.replace(_CLUSTER, temp_location='some/folder')):
        assert len(beam_options.args(settings)) < len(names)
