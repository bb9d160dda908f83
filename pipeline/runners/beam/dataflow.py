# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Jobs on Dataflow that end with the run that submitted them."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from components.errors import RunError

# Between two looks at a job that was told to end, and for how long.
_PAUSE_S, _PATIENCE_S = 5.0, 600.0


@contextlib.contextmanager
def owned(options: Sequence[str], owner: str) -> Iterator[list[str]]:
    """Names the jobs of a block, and ends those that would outlive it.

    Beam leaves a job running when the process that waits for it is interrupted, and somebody pays for it. One that was
    left by a process that was killed (SIGKILL) ends when the next block of the same owner begins: it would write where
    that one does.

    Args:
      options: Beam's, for Dataflow.
      owner: lower-case letters and digits; nobody else's.

    Yields:
      The options with the name. A name may be used again when its job has ended.

    Raises:
      RunError: a job of an earlier block does not end.
    """
    name = f'face-gender-{owner}'
    _end(options, name, wait=True)
    with _terminable():
        try:
            yield [*options, f'--job_name={name}']
        except BaseException:
            try:
                _end(options, name, wait=False)
            except Exception:
                logging.exception('Job %s could not be cancelled; look for it on Dataflow.', name)
            raise


def _end(options: Sequence[str], name: str, wait: bool) -> None:
    """Cancels the jobs of that name, and waits until there are none."""
    from google.cloud import dataflow_v1beta3 as api

    client, project, region = _client(options)
    request = api.ListJobsRequest(project_id=project, location=region, filter=api.ListJobsRequest.Filter.ACTIVE)
    until = time.monotonic() + _PATIENCE_S
    while active := [job for job in client.list_jobs(request) if job.name == name]:
        for job in active:
            if job.current_state != api.JobState.JOB_STATE_CANCELLING:
                logging.warning('Cancelling job %s (%s) of a run that was stopped.', job.id, name)
                wanted = api.Job(requested_state=api.JobState.JOB_STATE_CANCELLED)
                client.update_job(api.UpdateJobRequest(project_id=project, location=region, job_id=job.id, job=wanted))
        if not wait:
            return
        if time.monotonic() > until:
            raise RunError(
                f'job {active[0].id} on Dataflow, of an earlier run, does not end; look at it with "gcloud dataflow '
                f'jobs show {active[0].id} --region={region}"'
            )
        time.sleep(_PAUSE_S)


def _client(options: Sequence[str]) -> tuple[Any, str, str]:
    """The API's client, as Beam makes its own, the project and the region."""
    from apache_beam.internal.gcp import auth
    from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
    from google.api_core.client_options import ClientOptions
    from google.cloud import dataflow_v1beta3 as api

    parsed = PipelineOptions(list(options))
    cloud = parsed.view_as(GoogleCloudOptions)
    local = 'localhost' in cloud.dataflow_endpoint  # where Beam, too, speaks REST
    client = api.JobsV1Beta3Client(
        credentials=auth.get_service_credentials(parsed).get_google_auth_credentials(),
        transport='rest' if local else None,
        client_options=ClientOptions(api_endpoint=cloud.dataflow_endpoint) if local else None,
    )
    return client, cloud.project, cloud.region


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Makes of SIGTERM, with which containers are stopped, what Ctrl-C is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
