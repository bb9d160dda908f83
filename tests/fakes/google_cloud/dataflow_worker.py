# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The worker program of `tests.fakes.google_cloud.dataflow`: runs one job in its own process and folder.

It is started by path, so that it can import installed packages only.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

# From linux/landlock.h; the system call numbers are the same on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38  # from linux/prctl.h
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1, 2, 4, 8
_ALL = (1 << 15) - 1  # of the third version; its last two are moving files between folders and truncating


class _Ruleset(ctypes.Structure):
    _fields_ = [('handled_access_fs', ctypes.c_uint64)]


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = [('allowed_access', ctypes.c_uint64), ('parent_fd', ctypes.c_int32)]


def main(folder: Path) -> int:
    """Runs the job in `job.json`; writes `metrics.json`, or `error.txt` with a traceback."""
    job = json.loads((folder / 'job.json').read_text())
    shut_off = _shut_off(folder, Path(job['hidden']), [Path(path) for path in job['readable']])
    (folder / 'started.json').write_text(json.dumps({'pid': os.getpid(), 'shut_off': shut_off}))
    try:
        metrics = _run(job['options'])
    except Exception:
        text = traceback.format_exc()
        print(text, file=sys.stderr, flush=True)
        (folder / 'error.txt').write_text(text)
        return 1
    (folder / 'metrics.json').write_text(json.dumps(metrics))
    return 0


def _run(options: dict[str, Any]) -> list[dict[str, Any]]:
    """Runs the staged pipeline.

    Returns:
      Its counters and distributions with step (the transform's id in the pipeline), namespace, name and value.
    """
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.portability import python_urns
    from apache_beam.portability.api import beam_runner_api_pb2
    from apache_beam.runners.portability.fn_api_runner import fn_runner
    from apache_beam.runners.worker import sdk_worker_main

    # Beam's own initialisation of a worker: logging, file systems, pickling, plugins.
    environment = {'PIPELINE_OPTIONS': json.dumps({'options': options}), 'CONTROL_API_SERVICE_DESCRIPTOR': ''}
    sdk_worker_main.create_harness(environment, dry_run=True)
    with FileSystems.open(options['pipelineUrl']) as file:
        pipeline = beam_runner_api_pb2.Pipeline.FromString(file.read())
    for container in pipeline.components.environments.values():
        container.urn, container.payload = python_urns.EMBEDDED_PYTHON, b''
    # Without the job's options, which are for other runners.
    result = fn_runner.FnApiRunner().run_via_runner_api(pipeline, PipelineOptions([]))
    found = result.metrics().query()
    return [
        {'step': one.key.step, 'namespace': one.key.metric.namespace, 'name': one.key.metric.name,
         'value': as_json(one.result)}
        for kind, as_json in (('counters', _counter), ('distributions', _distribution))
        for one in found[kind]
    ]  # fmt: skip


def _counter(value: int) -> dict[str, Any]:
    return {'scalar': value}


def _distribution(value: Any) -> dict[str, Any]:
    return {'distribution': {name: getattr(value, name) for name in ('count', 'sum', 'min', 'max', 'mean')}}


def _shut_off(own: Path, hidden: Path, readable: list[Path]) -> bool:
    """Makes this machine's files read-only and those in `hidden` unreadable, as on another machine.

    Args:
      own: a folder that stays writable.
      hidden: a folder.
      readable: files and folders in `hidden` that stay readable.

    Returns:
      Whether the kernel supports it (Linux has the third version of Landlock since 6.2).
    """
    if sys.platform != 'linux':
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1) < 3:
        return False
    wanted = _Ruleset(_ALL)
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(wanted), ctypes.c_size_t(ctypes.sizeof(wanted)), 0)

    def allow(path: Path, access: int) -> None:
        if not path.is_dir():
            access &= _EXECUTE | _WRITE_FILE | _READ_FILE
        try:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        rule = _Rule(access, opened)
        if libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0):
            raise OSError(ctypes.get_errno(), f'Landlock rejects {path}')
        os.close(opened)

    # Rules can only allow: allow everything beside the hidden folder and beside its parents.
    for folder in hidden.parents:
        for path in folder.iterdir():
            if path != hidden and path not in hidden.parents:
                allow(path, _EXECUTE | _READ_FILE | _READ_FOLDER)
    for path in readable:
        allow(path, _EXECUTE | _READ_FILE | _READ_FOLDER)
    allow(Path('/dev'), _READ_FILE | _READ_FOLDER | _WRITE_FILE)
    allow(Path('/dev/shm'), _ALL)  # noqa: S108 - for Python's locks between processes
    allow(own, _ALL)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.syscall(_RESTRICT_SELF, ruleset, 0):
        raise OSError(ctypes.get_errno(), 'Landlock rejects the rules')
    os.close(ruleset)
    return True


if __name__ == '__main__':
    sys.exit(main(Path(sys.argv[1])))
