# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A Flink cluster on loopback: a job server, a JobManager, and "pods" of a TaskManager and its worker pool.

Flink and Beam's job server come from Maven (deploy/flink/pom.xml) or from the jar in FLINK_JOB_SERVER_JAR.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.tools.warm_python import Server

#: The host name of the worker pool; each task manager resolves it to its own pool.
POOL_HOST = 'worker-pool'

_ROOT = Path(__file__).resolve().parents[2]
_FOLDER = _ROOT / 'deploy' / 'flink'
_POM, _MANIFEST = _FOLDER / 'pom.xml', _FOLDER / 'cluster.yaml'
_MAVEN_SECONDS = 300
_START_SECONDS = 90

# The options of Flink's start scripts for Java 17 (env.java.opts.all in its config.yaml).
_OPEN = ('java.lang', 'java.lang.reflect', 'java.net', 'java.io', 'java.nio', 'java.text', 'java.time', 'java.util',
         'java.util.concurrent', 'java.util.concurrent.atomic', 'java.util.concurrent.locks')  # fmt: skip
_JAVA = ['java', '-XX:TieredStopAtLevel=1', *(f'--add-opens=java.base/{package}=ALL-UNNAMED' for package in _OPEN)]

# Without Flink's start scripts, a task manager needs each of its memory settings.
_TASK_MANAGER_MEMORY = {
    'taskmanager.cpu.cores': '1.0', 'taskmanager.memory.framework.heap.size': '128m',
    'taskmanager.memory.framework.off-heap.size': '64m', 'taskmanager.memory.task.heap.size': '256m',
    'taskmanager.memory.task.off-heap.size': '0b', 'taskmanager.memory.managed.size': '64m',
    'taskmanager.memory.jvm-metaspace.size': '256m', 'taskmanager.memory.jvm-overhead.min': '64m',
    'taskmanager.memory.jvm-overhead.max': '64m',
}  # fmt: skip


class Unavailable(Exception):
    """Flink is not available on this machine; the message is the reason."""


def job_server_jar(folder: Path) -> Path:
    """Returns a jar that starts Beam's job server with Flink on its class path; creates it in `folder` if needed.

    Raises:
      Unavailable: there is no Java or no Maven, or the download fails.
    """
    if not shutil.which('java'):
        raise Unavailable('no Java')
    if named := os.environ.get('FLINK_JOB_SERVER_JAR'):
        return Path(named)
    if not shutil.which('mvn'):
        raise Unavailable('no Maven to download Flink')
    listing = folder / 'class_path'
    fetch = ['mvn', '-B', '-q', '-f', str(_POM), 'dependency:build-classpath', f'-Dmdep.outputFile={listing}']
    try:
        subprocess.run(fetch, check=True, capture_output=True, text=True, timeout=_MAVEN_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        last = ((error.stdout or '') if isinstance(error.stdout, str) else '').strip().splitlines()[:1]
        raise Unavailable(f'Maven could not download Flink: {last or error}') from error
    jar = folder / 'job-server.jar'
    paths = ' '.join(f'file:{path}' for path in listing.read_text().strip().split(':'))
    lines = ['Manifest-Version: 1.0', 'Main-Class: org.apache.beam.runners.flink.FlinkJobServerDriver']
    text = f'Class-Path: {paths}'
    # Lines of a manifest have at most 72 bytes; a leading space continues the previous line.
    lines += [text[:70], *(f' {text[start : start + 69]}' for start in range(70, len(text), 69))]
    with zipfile.ZipFile(jar, 'w') as archive:
        archive.writestr('META-INF/MANIFEST.MF', '\r\n'.join(lines) + '\r\n\r\n')
    return jar


class Cluster:
    """A JobManager and its pods; a context manager that ends all of them. Every wait has a time limit.

    Args:
      jar: from `job_server_jar`.
      folder: for configurations and logs.
      warm_python: from which the workers are forked.
    """

    def __init__(self, jar: Path, folder: Path, warm_python: Server):
        self._jar = jar
        self.folder = folder
        self.rest_port, self._rpc_port, self.pool_port = _free_port(), _free_port(), _free_port()
        self.pods: list[Pod] = []
        # The pool starts its workers as "python".
        self.bin = folder / 'bin'
        self.bin.mkdir()
        warm_python.start()
        python = f'PYTHONPATH={_ROOT} exec {sys.executable} -m {Server.__module__} {warm_python.socket} "$@"'
        (self.bin / 'python').write_text(f'#!/bin/sh\n{python}\n')
        (self.bin / 'python').chmod(0o755)
        self._stack = contextlib.ExitStack()

    @property
    def master(self) -> str:
        """The address of the REST API."""
        return f'127.0.0.1:{self.rest_port}'

    def __enter__(self) -> Cluster:
        with contextlib.ExitStack() as stack:
            configuration = self.folder / 'flink-conf.yaml'
            # The settings on Kubernetes, and those for loopback.
            settings = yaml.safe_load(_MANIFEST.read_text())['spec']['flinkConfiguration'] | {
                'jobmanager.rpc.address': 'localhost', 'jobmanager.rpc.port': self._rpc_port,
                'jobmanager.bind-host': 'localhost', 'rest.address': 'localhost', 'rest.port': self.rest_port,
                'rest.bind-address': 'localhost', 'taskmanager.host': 'localhost',
                'taskmanager.bind-host': 'localhost',
                # A lost task manager is noticed in seconds; the default is a minute.
                'heartbeat.interval': 1000, 'heartbeat.timeout': 8000, 'io.tmp.dirs': self.folder,
                'blob.storage.directory': self.folder / 'blobs', 'classloader.check-leaked-classloader': 'false',
            }  # fmt: skip
            configuration.write_text(''.join(f'{key}: {value}\n' for key, value in settings.items()))
            main = 'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint'
            stack.enter_context(self.process('jobmanager', [*_JAVA, '-Xmx512m', '-cp', str(self._jar), main,
                                                            '--configDir', str(self.folder)]))  # fmt: skip
            wait_until(lambda: _answers(self.rest_port), 'the JobManager answers')
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add_pod(self) -> Pod:
        """Starts a task manager with one slot and its own worker pool."""
        pod = Pod(self, len(self.pods) + 2)
        self.pods.append(pod)
        self._stack.callback(pod.kill)
        pod.start(self._jar)
        return pod

    def wait_for_pods(self) -> None:
        """Waits until the JobManager has as many task managers as there are live pods."""
        living = [pod for pod in self.pods if not pod.dead]
        wait_until(lambda: self.get('/overview')['taskmanagers'] == len(living), f'{len(living)} task managers')

    def get(self, path: str) -> Any:
        """Returns the JSON response of the JobManager's REST API."""
        with urllib.request.urlopen(f'http://{self.master}{path}', timeout=10) as answer:
            return json.load(answer)

    @contextlib.contextmanager
    def process(self, name: str, command: list[str], **environment: str) -> Iterator[subprocess.Popen]:
        """Runs a process group with its output in `<name>.log`; kills the group at the end."""
        with open(self.folder / f'{name}.log', 'ab') as log:
            started = subprocess.Popen(
                command, cwd=self.folder, env=os.environ | environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            yield started
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()


class Pod:
    """The containers of one pod in deploy/flink: a task manager and a Beam worker pool."""

    def __init__(self, cluster: Cluster, number: int):
        self._cluster = cluster
        self._stack = contextlib.ExitStack()
        self.address = f'127.0.0.{number}'
        self.name = f'pod{number}'
        self.dead = False

    def start(self, jar: Path) -> None:
        """Starts both."""
        cluster, port = self._cluster, _free_port()
        pool = [sys.executable, '-m', 'pipeline.runners.beam.worker_pool', f'--port={port}']
        path = f'{cluster.bin}{os.pathsep}{os.environ["PATH"]}'
        self._stack.enter_context(
            cluster.process(f'{self.name}-workers', pool, PATH=path, PYTHONUNBUFFERED='1', TF_CPP_MIN_LOG_LEVEL='3')
        )
        # The pool listens on 127.0.0.1, which each pod has for itself.
        self._stack.enter_context(_forward((self.address, cluster.pool_port), port))
        hosts = cluster.folder / f'{self.name}.hosts'
        hosts.write_text(f'127.0.0.1 localhost {socket.gethostname()}\n{self.address} {POOL_HOST}\n')
        memory = [text for key, value in _TASK_MANAGER_MEMORY.items() for text in ('-D', f'{key}={value}')]
        command = [*_JAVA, '-Xmx512m', f'-Djdk.net.hosts.file={hosts}', '-cp', str(jar),
                   'org.apache.flink.runtime.taskexecutor.TaskManagerRunner', '--configDir', str(cluster.folder),
                   '-D', f'taskmanager.resource-id={self.name}', *memory]  # fmt: skip
        self._stack.enter_context(cluster.process(self.name, command))
        wait_until(lambda: _answers(port), f'{self.name} has a worker pool')

    @property
    def workers(self) -> int:
        """The number of workers that its pool has started."""
        return (self._cluster.folder / f'{self.name}-workers.log').read_text(errors='replace').count('Starting worker')

    def kill(self) -> None:
        """Kills both with SIGKILL, like the loss of a node."""
        self.dead = True
        self._stack.close()


def wait_until(holds: Callable[[], bool], what: str, seconds: float = _START_SECONDS) -> None:
    """Waits for a condition.

    Raises:
      TimeoutError: it is still false after `seconds`.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError, KeyError, ValueError):
            if holds():
                return
        time.sleep(0.2)
    raise TimeoutError(f'not after {seconds:.0f} s: {what}')


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def _forward(listen: tuple[str, int], port: int) -> Iterator[None]:
    """Forwards connections to `listen` to `port` on 127.0.0.1."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(('127.0.0.1', port)) as there:
                back = threading.Thread(target=_copy, args=(there, self.request), daemon=True)
                back.start()
                _copy(self.request, there)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

    with Server(listen, Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
