# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Dataflow on loopback: accepts jobs from Beam's DataflowRunner and runs them in other processes.

It implements the part of the REST API (v1b3) that the runner uses, the service's refusals, job states and wording of
failures. Workers share only the bucket with the submitter. Unlike the service, a job has one worker, and a failed work
item is not retried.
https://cloud.google.com/dataflow/docs/reference/rest
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import itertools
import json
import os
import re
import signal
import sys
import tempfile
import threading
import traceback
import urllib.parse
from http import server
from pathlib import Path
from typing import Any

from apache_beam.portability.api import beam_runner_api_pb2
from google.cloud import dataflow_v1beta3 as api
from google.protobuf import json_format

from tests.fakes.google_cloud.dataflow_job import Job, images
from tests.fakes.google_cloud.objects import Objects
from tests.tools import warm_python

_WORKER = Path(__file__).with_name('dataflow_worker.py')
_PROJECT = Path(__file__).resolve().parents[3]
_MAX_REQUEST = 10 << 20


class Refused(Exception):
    """An error response."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class Dataflow:
    """The service; a context manager.

    Args:
      objects: the bucket with jobs and their results.
      folder: for the workers' files and logs.
      environment: the variables of `tests.fakes.google_cloud.proxy`; the submitter needs them too.
      python: starts the workers.
      patience: how many seconds a request for a running job waits for its end. Beam polls every five seconds, so
        waiting here is faster. `cancel()` requests the job first, and waits as long.

    Attributes:
      jobs: all accepted jobs.
    """

    def __init__(
        self,
        objects: Objects,
        folder: Path,
        environment: dict[str, str],
        python: warm_python.Server,
        patience: float = 30,
    ):
        self.jobs: list[Job] = []
        self._python = python
        self._objects, self._folder, self._environment, self._patience = objects, folder, environment, patience
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._server = _Server(('127.0.0.1', 0), type('Handler', (_Handler,), {'service': self}))

    def __enter__(self) -> Dataflow:
        self._run(self._server.serve_forever)
        return self

    def __exit__(self, *_: Any) -> None:
        with self._changed:
            self._closed = True
            for job in self.jobs:
                _kill(job.process)
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()

    @property
    def endpoint(self) -> str:
        """For `--dataflow_endpoint`; Beam uses REST only with the host localhost."""
        return f'http://localhost:{self._server.server_port}'

    def answer(self, method: str, target: str, body: bytes) -> Any:
        """Answers one request with a message of the API.

        Raises:
          Refused: the response is an error.
        """
        parts = urllib.parse.urlsplit(target)
        match = re.fullmatch(r'/v1b3/projects/([^/]+)/locations/([^/]+)/jobs(?:/([^/]+))?(/\w+)?', parts.path)
        if not match:
            raise Refused(501, f'not implemented: {method} {target}')
        project, region, number, what = match.groups()
        if number is None:
            query = dict(urllib.parse.parse_qsl(parts.query))
            return self._create(project, region, body) if method == 'POST' else self._list(query)
        job = next((job for job in self.jobs if job.id == number), None)
        if job is None:
            raise Refused(404, f'Information about job {number} could not be found in our system.')
        if method == 'PUT':
            return self._update(job, api.Job.from_json(body, ignore_unknown_fields=True))
        with self._changed:
            if what == '/metrics':
                return job.as_metrics()
            if what == '/messages':
                return job.as_messages(dict(urllib.parse.parse_qsl(parts.query)))
            self._changed.wait_for(lambda: job.has_ended or self._closed, self._patience)
            return job.as_resource()

    def _list(self, query: dict[str, str]) -> api.ListJobsResponse:
        only_active = query.get('filter') in ('ACTIVE', str(int(api.ListJobsRequest.Filter.ACTIVE)))
        return api.ListJobsResponse(
            jobs=[job.as_resource() for job in self.jobs if not (only_active and job.has_ended)]
        )

    def _create(self, project: str, region: str, body: bytes) -> api.Job:
        if len(body) > _MAX_REQUEST:
            raise Refused(413, f'Request payload size exceeds the limit: {_MAX_REQUEST} bytes.')
        submitted = api.Job.from_json(body, ignore_unknown_fields=True)
        with self._changed:
            for job in self.jobs:
                # Beam compares request ids to see whether this is its own job.
                if job.name == submitted.name and not job.has_ended:
                    return job.as_resource()
            options, pipeline = self._checked(project, region, submitted)
            number = f'{datetime.datetime.now(datetime.UTC):%Y-%m-%d_%H_%M_%S}-{next(self._numbers)}'
            folder = self._folder / number
            job = Job(number, submitted, options, pipeline, folder, self._start(folder, options))
            job.add_message('JOB_MESSAGE_BASIC', f'Starting 1 workers in {region}...')
            self.jobs.append(job)
            self._run(self._watch, job)
            return job.as_resource()

    def _checked(self, project: str, region: str, job: api.Job) -> tuple[dict[str, Any], beam_runner_api_pb2.Pipeline]:
        """The options and the pipeline of a job."""
        environment = job.environment
        options = _whole(json_format.MessageToDict(type(environment).pb(environment).sdk_pipeline_options))['options']
        url, staged = options.get('pipelineUrl', ''), f'gs://{self._objects.name}/'
        found = self._objects.contents.get(url.removeprefix(staged)) if url.startswith(staged) else None
        pipeline = beam_runner_api_pb2.Pipeline.FromString(found or b'')
        (pool,) = environment.worker_pools
        declared = {one.environment_id: one.container_image for one in pool.sdk_harness_container_images}
        given = (options.get('project'), options.get('region'))
        packages = pool.packages or any(one.dependencies for one in pipeline.components.environments.values())
        for problem, holds in {
            f'the job name {job.name} must consist of [-a-z0-9], start with a letter and end with one or a digit':
                re.fullmatch('[a-z]([-a-z0-9]*[a-z0-9])?', job.name),
            f'{region} is not a valid region': re.fullmatch(r'[a-z]+-[a-z]+\d+', region),
            f'a label of {dict(job.labels)} is too long or has characters other than [-_a-z0-9]':
                all(re.fullmatch('[a-z][-_a-z0-9]{0,62}=[-_a-z0-9]{0,63}', f'{k}={v}') for k, v in job.labels.items()),
            f'the options have {given}, the request {project} and {region}': given == (project, region),
            f'the bucket of {environment.temp_storage_prefix} does not exist':
                environment.temp_storage_prefix.startswith(f'storage.googleapis.com/{self._objects.name}/'),
            f'unable to open the pipeline file {url}': found is not None,
            f'{url} is not the pipeline that was submitted':
                hashlib.sha256(found or b'').hexdigest() == options.get('pipelineProtoHash'),
            'an environment has no container image': found is None or all(images(pipeline).values()),
            f'the worker pool has the images {declared}, the pipeline others': declared == images(pipeline),
            'packages are staged, but these workers install none': not packages,
        }.items():  # fmt: skip
            if not holds:
                raise Refused(400, f'The workflow could not be created. Causes: {problem}')
        return options, pipeline

    def _start(self, folder: Path, options: dict[str, Any]) -> warm_python.Child:
        """Starts a worker in its own folder; of this process's environment it gets only PATH."""
        for name in ('work', 'home', 'tmp'):
            (folder / name).mkdir(parents=True)
        readable = [sys.prefix, sys.base_prefix, str(_PROJECT)]
        readable += [value for value in self._environment.values() if os.path.isabs(value)]
        hidden = str(Path(tempfile.gettempdir()).resolve())
        (folder / 'job.json').write_text(json.dumps({'options': options, 'hidden': hidden, 'readable': readable}))
        environment = {
            'PATH': os.environ['PATH'], 'HOME': str(folder / 'home'), 'TMPDIR': str(folder / 'tmp'),
            'PYTHONUNBUFFERED': '1', 'TF_CPP_MIN_LOG_LEVEL': '3', **self._environment,
        }  # fmt: skip
        with open(folder / 'worker.log', 'wb') as log:
            return self._python.child(['-P', str(_WORKER), str(folder)], folder / 'work', environment, log, log)

    def _run(self, function: Any, *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=function, args=arguments))
        self._threads[-1].start()

    def _watch(self, job: Job) -> None:
        status = job.process.wait()
        with self._changed:
            job.end(status)
            self._changed.notify_all()

    def _update(self, job: Job, wanted: api.Job) -> api.Job:
        if wanted.requested_state != api.JobState.JOB_STATE_CANCELLED:
            raise Refused(400, f'A batch job cannot change to {wanted.requested_state.name}.')
        with self._changed:
            if not job.has_ended:
                job.state = api.JobState.JOB_STATE_CANCELLED
                job.add_message('JOB_MESSAGE_BASIC', 'Cancel request is committed for workflow job.')
                _kill(job.process)
            return job.as_resource()


def _whole(value: Any) -> Any:
    """Converts whole floats to integers, as the service writes them; protocol buffers have floats only."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _kill(process: warm_python.Child) -> None:
    """Kills a running process and its children."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


class _Server(server.ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them


class _Handler(server.BaseHTTPRequestHandler):
    # One request per connection, so that no thread waits for another request.
    protocol_version = 'HTTP/1.0'
    service: Dataflow

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get('content-length', 0)))
        try:
            if not self.headers.get('authorization', '').startswith('Bearer '):
                raise Refused(401, 'Request is missing required authentication credential.')
            message = self.service.answer(self.command, self.path, body)
            self._send(200, type(message).to_json(message))
        except Refused as error:
            self._send(error.status, json.dumps({'error': {'code': error.status, 'message': str(error)}}))
        except Exception:
            # A defect of this file. Beam would retry after a 500.
            self._send(400, json.dumps({'error': {'code': 400, 'message': traceback.format_exc()}}))

    do_GET = do_POST = do_PUT = _answer

    def _send(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass
