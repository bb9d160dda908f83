# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Beam's job server for Flink, started for one run."""

from __future__ import annotations

import contextlib
import logging
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from components.errors import RunError

_START_SECONDS = 120
_STOP_SECONDS = 20

# Runs a command and ends it when standard input closes: by this process, or by the kernel after this process is killed.
_ENDS_WITH_PARENT = 'exec 3<&0; (read -r _ <&3; kill $$) >/dev/null 2>&1 & exec "$@"'


@contextlib.contextmanager
def job_server(options: list[str], log: Path) -> Iterator[str]:
    """Starts Beam's job server, which submits jobs to a Flink cluster or runs them in a Flink of its own.

    Beam itself would start one for each job and keep them all until this process ends.

    Args:
      options: Beam options; if they do not name a jar, Beam downloads it from Maven Central once.
      log: the server's log file.

    Yields:
      The server's address, host:port.

    Raises:
      RunError: the jar cannot be downloaded, or the server does not start.
    """
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.portability.flink_runner import FlinkJarJobServer

    with tempfile.TemporaryDirectory(prefix='job_server_') as artifacts:
        server = FlinkJarJobServer(PipelineOptions([*options, f'--artifacts_dir={artifacts}']))
        try:
            (java, *rest), endpoint = server.subprocess_cmd_and_endpoint()
        except (OSError, ValueError, RuntimeError) as error:
            raise RunError(
                f"Beam's job server cannot be downloaded ({str(error).splitlines()[0]}); set beam.job_server to its jar"
            ) from error
        logging.info('Starting the job server at %s; its log is %s', endpoint, log)
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, 'ab') as stream:
            # In its own session, so that Ctrl-C reaches this process only, which ends the server after the components.
            process = subprocess.Popen(  # noqa: S603
                # Java does not know TMPDIR; Flink leaves files behind when it is killed.
                ['/bin/sh', '-c', _ENDS_WITH_PARENT, 'sh', java, f'-Djava.io.tmpdir={artifacts}', *map(str, rest)],
                stdin=subprocess.PIPE, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            _wait(process, endpoint, log)
            yield endpoint
        finally:
            _end(process)


def _wait(process: subprocess.Popen, endpoint: str, log: Path) -> None:
    host, _, port = endpoint.rpartition(':')
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.1)
    raise RunError(f"Beam's job server did not start (its log is {log})")


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        process.stdin.close()
