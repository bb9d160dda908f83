# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Ends Dataflow jobs with the run that submitted them."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any

from components import interrupts
from components.errors import RunError

# Polling interval and time limit for a job to end after it was cancelled.
_POLL_S, _LIMIT_S = 5.0, 600.0


@contextlib.contextmanager
def owned(options: Sequence[str], owner: str) -> Iterator[list[str]]:
    """Names the jobs of a block, and cancels the active one if the block fails or is interrupted.

    Without this, Beam leaves a job running, at a cost, when the process that waits for it is interrupted. A block also
    cancels its owner's jobs from processes that were killed (SIGKILL), since both would write to the same place.

    Yields:
      The Beam options with the job name, which contains `owner`, a unique id of lower-case letters and digits.

    Raises:
      RunError: a job of an earlier block does not end.
    """
    name = f'face-gender-{owner}'
    _end(options, name, wait=True)
    with interrupts.as_exception():
        try:
            yield [*options, f'--job_name={name}']
        except BaseException:
            try:
                _end(options, name, wait=False)
            except Exception:
                logging.exception('Could not cancel job %s; check it on Dataflow.', name)
            raise


def _end(options: Sequence[str], name: str, wait: bool) -> None:
    """Cancels the active jobs of that name; with `wait`, returns when none is left."""
    from google.cloud import dataflow_v1beta3 as api

    client, project, region = _client(options)
    request = api.ListJobsRequest(project_id=project, location=region, filter=api.ListJobsRequest.Filter.ACTIVE)
    deadline = time.monotonic() + _LIMIT_S
    while active := [job for job in client.list_jobs(request) if job.name == name]:
        for job in active:
            if job.current_state != api.JobState.JOB_STATE_CANCELLING:
                logging.warning('Cancelling job %s (%s) of a run that was stopped.', job.id, name)
                change = api.Job(requested_state=api.JobState.JOB_STATE_CANCELLED)
                client.update_job(api.UpdateJobRequest(project_id=project, location=region, job_id=job.id, job=change))
        if not wait:
            return
        if time.monotonic() > deadline:
            raise RunError(
                f'Dataflow job {active[0].id} of an earlier run does not end; inspect it with "gcloud dataflow jobs '
                f'show {active[0].id} --region={region}"'
            )
        time.sleep(_POLL_S)


def _client(options: Sequence[str]) -> tuple[Any, str, str]:
    """Returns a client of the API, created as Beam creates its own, the project and the region."""
    from apache_beam.internal.gcp import auth
    from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions
    from google.api_core.client_options import ClientOptions
    from google.cloud import dataflow_v1beta3 as api

    parsed = PipelineOptions(list(options))
    cloud = parsed.view_as(GoogleCloudOptions)
    local = 'localhost' in cloud.dataflow_endpoint  # Beam uses REST there, too
    client = api.JobsV1Beta3Client(
        credentials=auth.get_service_credentials(parsed).get_google_auth_credentials(),
        transport='rest' if local else None,
        client_options=ClientOptions(api_endpoint=cloud.dataflow_endpoint) if local else None,
    )
    return client, cloud.project, cloud.region
