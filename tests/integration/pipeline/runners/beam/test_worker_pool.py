# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The worker pool as a process: it answers on loopback, and nowhere else."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to


@pytest.fixture
def pool():
    """[the port of a running pool]."""
    command = [sys.executable, '-m', 'pipeline.runners.beam.worker_pool', '--port=0']
    # The pool starts its workers as "python".
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, 'PATH': path}) as process:
        line = next(line for line in process.stderr if 'Listening' in line)
        yield int(re.search(r'localhost:(\d+)', line)[1])
        process.send_signal(signal.SIGKILL)


def _listening(port: int) -> set[str]:
    """The local addresses of listening sockets with this port, as in /proc/net/tcp and tcp6 (proc_pid_net(5))."""
    found = set()
    for file in ('/proc/net/tcp', '/proc/net/tcp6'):
        if os.path.exists(file):
            with open(file) as table:
                for line in list(table)[1:]:
                    address, _, number = line.split()[1].partition(':')
                    if line.split()[3] == '0A' and int(number, 16) == port:
                        found.add(address)
    return found


@pytest.mark.skipif(not os.path.exists('/proc/net/tcp'), reason='no /proc/net/tcp')
def test_it_listens_on_loopback_only(pool):
    assert _listening(pool)
    # 127.0.0.1, the same as an IPv6 address, and ::1, in the byte order of the machine
    assert _listening(pool) <= {'0100007F', '0000000000000000FFFF00000100007F', '00000000000000000000000001000000'}
    taken = [sys.executable, '-m', 'pipeline.runners.beam.worker_pool', f'--port={pool}']
    process = subprocess.run(taken, capture_output=True, text=True, timeout=60)
    assert process.returncode == 1
    assert process.stderr.endswith(f'worker_pool: port {pool} of localhost is in use\n')  # after gRPC's own line


def test_its_workers_run_jobs(pool):
    options = ['--runner=PortableRunner', '--job_endpoint=embed', '--environment_type=EXTERNAL']
    with beam.Pipeline(options=PipelineOptions([*options, f'--environment_config=localhost:{pool}'])) as pipeline:
        elsewhere = pipeline | beam.Create([os.getpid()]) | beam.Map(lambda ours: ours != os.getpid())
        assert_that(elsewhere, equal_to([True]))
