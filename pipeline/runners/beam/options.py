# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Beam's options: the one place that knows them."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.errors import InputError
from components.io.files import in_bucket
from pipeline.settings import DATAFLOW, FLINK, BeamSettings, is_address

#: The release of Flink whose job server Beam fetches unless it is given one; the tests and deploy/flink use it.
FLINK_VERSION = '1.19'

# Flink runs user code of Beam in the process that submits the job, or in worker pools beside its task managers.
_IN_THIS_PROCESS = 'LOOPBACK'
_IN_A_POOL = 'EXTERNAL'

# TFX packs its own source for remote workers at every Beam component unless it is told of a container image. Here the
# workers are this process, or a worker pool of this project's image, and nobody looks at the name.
_NO_PACKING = '--sdk_container_image=none-in-process'

# How long a worker waits for the next stage of its job. Without, each stage starts one, which imports TensorFlow. Flink
# heeds it only where Beam is on its own class path (`ReferenceCountingExecutableStageContextFactory`).
_KEEP_WORKER_MS = 30_000

# Options reach TFX through this many environment variables, see `slots`.
_SLOTS = 32
_SLOT = 'GENDER_PIPELINE_BEAM_{}'


def local_args() -> list[str]:
    """Options for running in this process.

    The default of Beam's DirectRunner is a separate program that it downloads when it is first used; `in_memory` runs
    here at once.
    """
    return ['--runner=DirectRunner', '--direct_running_mode=in_memory', '--direct_num_workers=1', _NO_PACKING]


def args(settings: BeamSettings) -> list[str]:
    """Options for the runner that the configuration names.

    Args:
      settings: of the configuration.

    Returns:
      What TFX hands to Beam's option parser.
    """
    made = {FLINK: _flink_args, DATAFLOW: _dataflow_args}
    first = made[settings.runner](settings) if settings.runner in made else local_args()
    return [*first, *settings.options]


def slots() -> tuple[Any, ...]:
    """Placeholders for options, which TFX fills in when a component runs, with what `session` has put there.

    The options themselves would be part of the key of TFX's cache: a run that moves to another runner, or to the same
    one at another port, would do everything again. Results do not depend on where they are computed.
    """
    from tfx.dsl.placeholder import placeholder

    return tuple(placeholder.environment_variable(_SLOT.format(number)) for number in range(_SLOTS))


@contextlib.contextmanager
def session(settings: BeamSettings, log: Path, owner: str = '') -> Iterator[None]:
    """Fills the slots for the components that run in the block.

    Args:
      settings: checked by `check_here`.
      log: where a job server that is started for the block writes.
      owner: whose jobs these are, for Dataflow, see `dataflow.owned`.

    Raises:
      RunError: the job server does not start, or a job of an earlier block does not end.
    """
    options = args(settings)
    with contextlib.ExitStack() as stack:
        if settings.runner == DATAFLOW:
            from pipeline.runners.beam import dataflow

            options = stack.enter_context(dataflow.owned(options, owner))
        if settings.runner == FLINK and not is_address(settings.job_server):
            from pipeline.runners.beam import flink

            endpoint = stack.enter_context(flink.job_server(options, log))
            options.append(f'--job_endpoint={endpoint}')
        # What is left over says the first option again.
        options += options[:1] * (_SLOTS - len(options))
        for number, option in zip(range(_SLOTS), options, strict=True):
            os.environ[_SLOT.format(number)] = option
            stack.callback(os.environ.pop, _SLOT.format(number))
        yield


def check_data(data_root: str) -> None:
    """Looks at whether workers who see a bucket only can read the faces.

    Raises:
      InputError: they cannot.
    """
    if not in_bucket(data_root):
        raise InputError(
            f"data root {data_root}: Beam's workers do not see it; copy it to a bucket (gcloud storage cp --recursive) "
            'and give gs://BUCKET/FOLDER'
        )


def check_here(settings: BeamSettings) -> None:
    """Looks at what this machine needs to submit jobs.

    Raises:
      InputError: a job server has to be started here, and there is no Java for it or not the jar that was named; or
        a bucket cannot be used from here.
    """
    from components.io import cloud_storage

    if settings.pipeline_root:
        cloud_storage.check_bucket('beam.pipeline_root', settings.pipeline_root, write=True)
    if settings.runner == DATAFLOW:
        cloud_storage.check_bucket('beam.temp_location', str(settings.temp_location))
    if settings.runner != FLINK or is_address(settings.job_server):
        return
    if not shutil.which('java'):
        raise InputError(
            "beam.runner flink: Beam's job server is started here and needs Java 11 or 17, but there is no java on the "
            'PATH; install it, or give beam.job_server=HOST:PORT of one that runs already'
        )
    if settings.job_server and not Path(settings.job_server).is_file():
        raise InputError(f'beam.job_server {settings.job_server}: no such file, and not HOST:PORT either')


def _flink_args(settings: BeamSettings) -> list[str]:
    options = [
        '--runner=FlinkRunner',
        f'--flink_master={settings.flink_master or "[local]"}',
        f'--flink_version={FLINK_VERSION}',
        f'--parallelism={settings.workers}',
        f'--environment_cache_millis={_KEEP_WORKER_MS}',
        # Our environments have no pip, which Beam would ask for a list of packages to log.
        '--experiments=disable_logging_submission_environment',
        _NO_PACKING,
    ]
    if settings.worker_pool:
        options += [f'--environment_type={_IN_A_POOL}', f'--environment_config={settings.worker_pool}']
    else:
        options += [f'--environment_type={_IN_THIS_PROCESS}']
    if is_address(settings.job_server):
        options.append(f'--job_endpoint={settings.job_server}')
    elif settings.job_server:
        options.append(f'--flink_job_server_jar={os.path.abspath(settings.job_server)}')
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
        # The image has the project and all it needs, exactly as pinned; nothing is to be staged or installed at start.
        '--sdk_location=container',
        '--experiments=use_runner_v2,disable_logging_submission_environment',
        # Pickled by reference: what runs on the workers is what the image has installed.
        '--no_save_main_session',
    ]
