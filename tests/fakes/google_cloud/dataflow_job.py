# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A job of `tests.fakes.google_cloud.dataflow`: its request, its progress and its resources in the API."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apache_beam.portability.api import beam_runner_api_pb2
from google.cloud import dataflow_v1beta3 as api

from tests.tools.warm_python import Child

_DOCKER = 'beam:env:docker:v1'
_PAGE = 2  # messages; few, so that clients need several pages


@dataclass
class Job:
    """One job and its worker.

    Attributes:
      id: the service's number.
      submitted: the request; `submitted.environment` has the worker pool.
      options: Beam options for the worker.
      pipeline: the staged pipeline.
      folder: the worker's writable folder; its subfolder `work` is the working directory.
      process: the worker.
      state: running, or the final state.
      messages: the job's messages, oldest first.
      exit_status: the worker's; negative: the signal that ended it; None: it is running.
    """

    id: str
    submitted: api.Job
    options: dict[str, Any]
    pipeline: beam_runner_api_pb2.Pipeline
    folder: Path
    process: Child
    state: api.JobState = api.JobState.JOB_STATE_RUNNING
    messages: list[api.JobMessage] = field(default_factory=list)
    exit_status: int | None = None

    @property
    def name(self) -> str:
        return self.submitted.name

    @property
    def has_ended(self) -> bool:
        return self.state != api.JobState.JOB_STATE_RUNNING

    @property
    def images(self) -> set[str]:
        """The container images of the pipeline's environments."""
        return set(images(self.pipeline).values())

    @property
    def max_workers(self) -> int:
        (pool,) = self.submitted.environment.worker_pools
        return pool.autoscaling_settings.max_num_workers

    @property
    def log(self) -> str:
        """The worker's standard output and error."""
        return (self.folder / 'worker.log').read_text(errors='replace')

    @property
    def is_shut_off(self) -> bool:
        """Whether the worker cannot read the temporary files of this machine."""
        return json.loads((self.folder / 'started.json').read_text())['shut_off']

    def end(self, status: int) -> None:
        """Sets the final state and messages from the worker's exit status."""
        self.exit_status = status
        if self.has_ended:
            return
        self.state = api.JobState.JOB_STATE_FAILED if status else api.JobState.JOB_STATE_DONE
        if not status:
            self.add_message('JOB_MESSAGE_BASIC', 'Worker pool stopped.')
            return
        file = self.folder / 'error.txt'
        cause = 'The worker lost contact with the service.'
        if file.is_file():
            source = 'dist_proc/dax/workflow/worker/fnapi_service_impl.cc:1343'
            text = f'generic::unknown: {file.read_text()}\npassed through:\n==>\n    {source}'
            self.add_message('JOB_MESSAGE_ERROR', f'Error message from worker: {text}')
            cause = 'SDK disconnect.'
        # The service's last message; Beam looks for the more informative one before it.
        self.add_message(
            'JOB_MESSAGE_ERROR',
            'Workflow failed. Causes: S01 failed., The job failed because a work item has failed 4 times. Look in '
            'previous log entries for the cause of each one of the 4 failures. For more information, see '
            'https://cloud.google.com/dataflow/docs/guides/common-errors. The work item was attempted on these '
            f'workers: \n\n  {self.name}-harness-0001\n\n      Root cause: {cause}',
        )

    def add_message(self, importance: str, text: str) -> None:
        """Adds a message."""
        self.messages.append(
            api.JobMessage(
                id=str(len(self.messages)), time=datetime.datetime.now(datetime.UTC), message_text=text,
                message_importance=importance,
            )
        )  # fmt: skip

    def as_resource(self) -> api.Job:
        """Returns the job's resource in the API."""
        shown = api.Job(self.submitted)
        shown.id, shown.current_state = self.id, self.state
        return shown

    def as_messages(self, query: dict[str, str]) -> api.ListJobMessagesResponse:
        """Returns a page of messages."""
        since = query.get('startTime')
        start = api.JobMessage.from_json(json.dumps({'time': since})).time if since else None
        known = [message for message in self.messages if start is None or message.time >= start]
        first = int(query.get('pageToken', 0))
        more = str(first + _PAGE) if len(known) > first + _PAGE else ''
        return api.ListJobMessagesResponse(job_messages=known[first : first + _PAGE], next_page_token=more)

    def as_metrics(self) -> api.JobMetrics:
        """Returns the worker's metrics, each as attempted ("tentative") and as committed."""
        file = self.folder / 'metrics.json'
        found = json.loads(file.read_text()) if file.is_file() else []
        updates = []
        for one in found:
            context = {'step': one['step'], 'namespace': one['namespace']}
            for more in ({}, {'tentative': 'true'}):
                name = api.MetricStructuredName(origin='user', name=one['name'], context=context | more)
                updates.append(api.MetricUpdate(name=name, **one['value']))
        return api.JobMetrics(metrics=updates)


def images(pipeline: beam_runner_api_pb2.Pipeline) -> dict[str, str]:
    """Returns the container image of each environment in use; '' for other kinds of environments."""
    used = {transform.environment_id for transform in pipeline.components.transforms.values()} - {''}
    environments = {name: pipeline.components.environments[name] for name in used}
    return {
        name: beam_runner_api_pb2.DockerPayload.FromString(one.payload).container_image if one.urn == _DOCKER else ''
        for name, one in environments.items()
    }
