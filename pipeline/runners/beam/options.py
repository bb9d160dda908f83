# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Beam options for each runner, and checks of what the runner needs."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from components.errors import InputError
from components.io.files import in_bucket
from pipeline.settings import DATAFLOW, FLINK, BeamSettings, is_address

#: Beam's runner in this process.
LOCAL_RUNNER = 'FnApiRunner'

#: The Flink release of the job server that Beam fetches by default; the tests and deploy/flink use it.
FLINK_VERSION = '1.19'

# TFX packs its own source for the workers at every Beam component unless a container image is set. These workers are
# this process, or a pool of this project's image; nothing reads the name.
_NO_PACKING = '--sdk_container_image=none-in-process'

# How long a worker waits for the next stage of its job; otherwise each stage starts a worker, which imports TensorFlow.
# Flink honours it only with Beam on its own class path (`ReferenceCountingExecutableStageContextFactory`).
_KEEP_WORKER_MS = 30_000


def local_args() -> list[str]:
    """Returns options for running in this process.

    Beam's DirectRunner tries another runner first, a program that it would download, and then ends with this one. Type
    checks of a graph find its author's mistakes; in a run they would take one second in eight of StatisticsGen's.
    """
    return [
        f'--runner={LOCAL_RUNNER}',
        '--direct_running_mode=in_memory',
        '--direct_num_workers=1',
        '--no_pipeline_type_check',
        _NO_PACKING,
    ]


def args(settings: BeamSettings) -> list[str]:
    """Returns the options of the configured runner, for Beam's option parser; `settings.options` come last."""
    for_runner = {FLINK: _flink_args, DATAFLOW: _dataflow_args}
    options = for_runner[settings.runner](settings) if settings.runner in for_runner else local_args()
    return [*options, *settings.options]


@contextlib.contextmanager
def session(settings: BeamSettings, log: Path, owner: str = '') -> Iterator[list[str]]:
    """Prepares the runner for the jobs of a block, and cleans up after them.

    Args:
      settings: settings that passed `check_machine`.
      log: the log file of a job server, if one is started.
      owner: the run directory's id, see `dataflow.owned`.

    Yields:
      The jobs' Beam options.

    Raises:
      RunError: the job server does not start, or a Dataflow job of an earlier block does not end.
    """
    options = args(settings)
    with contextlib.ExitStack() as stack:
        if settings.runner == DATAFLOW:
            from pipeline.runners.beam import dataflow

            options = stack.enter_context(dataflow.owned(options, owner))
        if settings.runner == FLINK and not is_address(settings.job_server):
            from pipeline.runners.beam import flink

            endpoint = stack.enter_context(flink.job_server(options, log))
            options = [*options, f'--job_endpoint={endpoint}']
        yield options


def check_data(data_root: str) -> None:
    """Checks that workers without access to this machine can read the faces.

    Raises:
      InputError: the data root is not in a bucket.
    """
    if not in_bucket(data_root):
        raise InputError(
            f"data root {data_root}: Beam's workers cannot read it; copy it to a bucket (gcloud storage cp "
            '--recursive) and give gs://BUCKET/FOLDER'
        )


def check_machine(settings: BeamSettings) -> None:
    """Checks that this machine can submit jobs.

    Raises:
      InputError: a bucket is not accessible, Java is missing, or the job server's jar does not exist.
    """
    from components.io import stores

    if settings.pipeline_root:
        stores.check_bucket('beam.pipeline_root', settings.pipeline_root, write=True)
    if settings.runner == DATAFLOW:
        stores.check_bucket('beam.temp_location', str(settings.temp_location))
    if settings.runner != FLINK or is_address(settings.job_server):
        return
    if not shutil.which('java'):
        raise InputError(
            "beam.runner flink: Beam's job server needs Java 11 or 17, but there is no java on the PATH; install it or "
            'set beam.job_server=HOST:PORT of a running job server'
        )
    if settings.job_server and not _jar(settings.job_server).is_file():
        raise InputError(f'beam.job_server {settings.job_server}: neither an existing file nor HOST:PORT')


def _jar(job_server: str) -> Path:
    """The absolute path of a job server's jar; no shell expands ~ in --set KEY=~/FILE."""
    return Path(os.path.abspath(os.path.expanduser(job_server)))


def _flink_args(settings: BeamSettings) -> list[str]:
    options = [
        '--runner=FlinkRunner',
        f'--flink_master={settings.flink_master or "[local]"}',
        f'--flink_version={FLINK_VERSION}',
        f'--parallelism={settings.workers}',
        f'--environment_cache_millis={_KEEP_WORKER_MS}',
        # To log the environment, Beam calls pip, which ours do not have.
        '--experiments=disable_logging_submission_environment',
        _NO_PACKING,
    ]
    # User code runs in worker pools beside the task managers, or else in this process.
    if settings.worker_pool:
        options += ['--environment_type=EXTERNAL', f'--environment_config={settings.worker_pool}']
    else:
        options += ['--environment_type=LOOPBACK']
    if is_address(settings.job_server):
        options.append(f'--job_endpoint={settings.job_server}')
    elif settings.job_server:
        options.append(f'--flink_job_server_jar={_jar(settings.job_server)}')
    if settings.temp_location:
        options.append(f'--temp_location={settings.temp_location}')
    return options


def _dataflow_args(settings: BeamSettings) -> list[str]:
    return [
        '--runner=DataflowRunner',
        f'--project={settings.project}',
        f'--region={settings.region}',
        f'--temp_location={settings.temp_location}',
        f'--sdk_container_image={settings.image}',
        f'--max_num_workers={settings.workers}',
        # The image has the project and its pinned dependencies; nothing is staged or installed at start.
        '--sdk_location=container',
        '--experiments=use_runner_v2,disable_logging_submission_environment',
        # Pickle by reference: workers run the code that their image has installed.
        '--no_save_main_session',
    ]
