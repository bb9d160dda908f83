# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Python processes that start with the libraries imported: most of the time of a short command is their import.

`python -m tests.tools.warm_python SOCKET` imports the libraries once and then forks. A child gets its own arguments,
environment, folder and output, and ends like any Python process, or with its client. It differs from a fresh process in
one way: what the libraries read from the environment while they are imported is the server's. Modules of this project
are not imported here, so that a child imports what its own PYTHONPATH names.

`python -m tests.tools.warm_python SOCKET -c CODE` is a client, for programs that start Python by themselves.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LIBRARIES = (
    'apache_beam', 'keras', 'tensorflow', 'tensorflow_data_validation', 'tensorflow_model_analysis',
    'tensorflow_transform', 'tfx.components', 'tfx.dsl.compiler.compiler', 'tfx.orchestration.metadata',
    'tfx.orchestration.portable.launcher',
)  # fmt: skip
_ROOT = Path(__file__).parents[2]  # a test may have changed the folder before the server starts
_MOST_BYTES = 1 << 20
_START_SECONDS = 300


class Server:
    """A server for one test process; starts with the first child."""

    def __init__(self, folder: Path):
        self.socket = folder / 's'
        self._log = folder / 'log'
        self._process: subprocess.Popen | None = None

    def run(
        self,
        arguments: list[str],
        cwd: Path,
        environment: dict[str, str],
        timeout: float,
        kill: Callable[[], bool] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs `python ARGUMENTS` to its end, for at most `timeout` seconds or until `kill` returns True."""
        with tempfile.TemporaryFile('w+') as stdout, tempfile.TemporaryFile('w+') as stderr:
            child = self.child(arguments, cwd, environment, stdout, stderr)
            deadline = time.monotonic() + timeout
            while child.returncode is None:
                try:
                    child.wait(0.05 if kill else timeout)
                except subprocess.TimeoutExpired:
                    if time.monotonic() > deadline or (kill and kill()):
                        child.kill()
            for output in (stdout, stderr):
                output.seek(0)
            return subprocess.CompletedProcess(arguments, child.returncode, stdout.read(), stderr.read())

    def child(self, arguments: list[str], cwd: Path, environment: dict[str, str], stdout: Any, stderr: Any) -> Child:
        """Starts `python ARGUMENTS` in a session of its own; `stdout` and `stderr` are open files.

        Args:
          arguments: `-m MODULE …`, `-c CODE`, or `-P FILE …`, which imports nothing from the file's folder or `cwd`.
        """
        self.start()
        return _child(self.socket, arguments, cwd, environment, (stdout.fileno(), stderr.fileno()))

    def stop(self) -> None:
        """Ends the server; children go on."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def start(self) -> None:
        """Imports the libraries, unless that is done."""
        if self._process:
            return
        with open(self._log, 'wb') as log:
            line = [sys.executable, '-m', __name__, str(self.socket)]
            self._process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=_ROOT)
        until = time.monotonic() + _START_SECONDS
        while not self.socket.exists():
            assert self._process.poll() is None and time.monotonic() < until, self._log.read_text()
            time.sleep(0.05)


class Child:
    """A running child, with the names of `subprocess.Popen`."""

    def __init__(self, connection: socket.socket, pid: int):
        self._connection, self.pid = connection, pid
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Returns the exit status, or the negative number of the signal that ended the child.

        Raises:
          subprocess.TimeoutExpired: it is still running.
        """
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                status = int.from_bytes(_exactly(self._connection, 4), 'big')
            except TimeoutError:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0) from None
            self.returncode = os.waitstatus_to_exitcode(status)
            self._connection.close()
        return self.returncode

    def kill(self) -> None:
        """Sends SIGKILL."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and its status is on the way
                os.kill(self.pid, signal.SIGKILL)


def _child(
    server: Path, arguments: list[str], cwd: Path, environment: dict[str, str], outputs: tuple[int, int]
) -> Child:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(server))
    request = json.dumps({'arguments': arguments, 'cwd': str(cwd), 'environment': environment}).encode()
    socket.send_fds(connection, [len(request).to_bytes(4, 'big')], list(outputs))
    connection.sendall(request)
    return Child(connection, int.from_bytes(_exactly(connection, 8), 'big'))


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = connection.recv(size, socket.MSG_WAITALL)
    assert len(received) == size, 'the server of warm processes ended'
    return received


def _serve(path: Path) -> None:
    """Forks for each connection; returns in a child only."""
    for library in _LIBRARIES:
        __import__(library)
    gc.collect()
    gc.freeze()  # children neither scan nor copy the memory of the libraries
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f'{path}.new')
    listener.listen(64)
    os.rename(f'{path}.new', path)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies of handlers
    listener.settimeout(2)
    parent = os.getppid()
    while os.getppid() == parent:  # ends with the tests, however they end
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        connection.setblocking(True)
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _handle(connection)
        connection.close()
    return None


def _handle(connection: socket.socket) -> None:
    """Forks the child, and returns in it; reports its pid and its end to the client."""
    size, descriptors, _, _ = socket.recv_fds(connection, 4, 2)
    length = int.from_bytes(size, 'big')
    assert length <= _MOST_BYTES
    request = json.loads(_exactly(connection, length))
    pid = os.fork()
    if pid:
        connection.sendall(pid.to_bytes(8, 'big'))
        for descriptor in descriptors:
            os.close(descriptor)
        while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
            if select.select([connection], [], [], 0.02)[0]:  # the client sends nothing more: it has ended
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(BrokenPipeError):
            connection.sendall(ended[1].to_bytes(4, 'big'))
        os._exit(0)
    connection.close()
    for number, descriptor in enumerate(descriptors, start=1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.setsid()
    os.chdir(request['cwd'])
    os.environ.clear()
    os.environ.update(request['environment'])
    tempfile.tempdir = None
    option, program, *rest = request['arguments']
    sys.argv = ['-c' if option == '-c' else program, *rest]
    ours = [str(Path(one).resolve()) for one in os.environ.get('PYTHONPATH', '').split(os.pathsep) if one]
    sys.path[:] = [*([request['cwd']] if option != '-P' else []), *ours, *sys.path[1:]]
    for name in [name for name in sys.modules if name.partition('.')[0] in ('tests', 'pipeline', 'components')]:
        del sys.modules[name]
    if option == '-m':
        runpy.run_module(program, run_name='__main__', alter_sys=True)
    elif option == '-c':
        exec(compile(program, '<string>', 'exec'), {'__name__': '__main__'})  # noqa: S102  as `python -c` does
    else:
        assert option == '-P', option
        runpy.run_path(program, run_name='__main__')


if __name__ == '__main__':
    if arguments := sys.argv[2:]:
        sys.exit(_child(Path(sys.argv[1]), arguments, Path.cwd(), dict(os.environ), (1, 2)).wait())
    _serve(Path(sys.argv[1]))
