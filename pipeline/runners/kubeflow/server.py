# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Starts and watches a compiled pipeline on a Kubeflow server. Imports kfp lazily."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from components.errors import InputError, RunError

#: Final states (`RuntimeState` in backend/api/v2beta1/run.proto).
ENDED = ('SUCCEEDED', 'SKIPPED', 'FAILED', 'CANCELED')

_MAX_BYTES = 16 << 20  # of a pipeline file; ours have 60 kB
_MAX_FAILURES = 10  # of requests in a row; a server may be restarting


def parameters(file: Path, given: Sequence[str]) -> dict[str, Any]:
    """Parses NAME=VALUE strings into the parameters that a compiled pipeline declares.

    Raises:
      InputError: the file is not a compiled pipeline, or a name or value does not match its declarations.
    """
    declared = _document(file)['root']['inputDefinitions']['parameters']
    values: dict[str, Any] = {}
    for item in given:
        name, separator, text = item.partition('=')
        if not separator or name not in declared:
            raise InputError(f'--param {item}: expected NAME=VALUE; {file} has {", ".join(sorted(declared))}')
        if declared[name]['parameterType'] == 'NUMBER_INTEGER':
            try:
                values[name] = int(text)
            except ValueError:
                raise InputError(f'--param {item}: expected a whole number') from None
        else:
            values[name] = text
    return values


def pipeline_root(file: Path) -> str | None:
    """Returns the root given to `compile --root`, or None; the server does not read it from the pipeline.

    Raises:
      InputError: the file is not a pipeline for Kubeflow.
    """
    return _document(file).get('defaultPipelineRoot')


def _document(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise InputError(f'{file}: {file.stat().st_size:,} bytes; a compiled pipeline has at most {_MAX_BYTES:,}')
        document: Any = next(yaml.safe_load_all(file.read_text('utf-8')), None)
        document['root']['inputDefinitions']['parameters']
    except OSError as error:
        raise InputError(f'{file}: not readable ({error.strerror}); create it with "compile"') from None
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError):
        raise InputError(f'{file}: not a pipeline for Kubeflow; create one with "compile -o pipeline.yaml"') from None
    return dict(document)


class Server:
    """A Kubeflow Pipelines server, accessed through `kfp.Client`.

    Args:
      host: URL of the Kubeflow Pipelines API.
      namespace: the user's profile; None in single-user mode.
      token: a bearer token, or None.
    """

    def __init__(self, host: str, namespace: str | None, token: str | None):
        import kfp

        self._host, self._namespace = host, namespace
        with self._explained(), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # about versions before 2 and hosts without https://
            self._client = kfp.Client(host=host, namespace=namespace or 'kubeflow', existing_token=token)

    def start(
        self, file: Path, arguments: Mapping[str, Any], *, experiment: str, name: str, cache: bool | None = None
    ) -> str:
        """Uploads a compiled pipeline, starts a run and returns its id.

        Args:
          file: the YAML file.
          arguments: see `parameters`; missing ones get their defaults.
          experiment: its name; created if needed.
          name: the run's name.
          cache: overrides the pipeline's caching unless None.

        Raises:
          InputError: the server is unreachable, or rejects the request.
        """
        # kfp prints links, but standard output is for the id.
        with self._explained(), contextlib.redirect_stdout(sys.stderr):
            made = self._client.create_experiment(experiment, namespace=self._namespace)
            run = self._client.run_pipeline(
                made.experiment_id, name, str(file), params=dict(arguments), enable_caching=cache,
                pipeline_root=pipeline_root(file),
            )  # fmt: skip
        return str(run.run_id)

    def wait(self, run_id: str, interval: float, report: Callable[[str], None]) -> str:
        """Polls a run until its state is in `ENDED`, and returns it. Calls `report` with a line for each change.

        Raises:
          RunError: the server no longer responds; the run may continue.
        """
        known: dict[str, str] = {}
        failures = 0
        while True:
            try:
                run = self._client.get_run(run_id)
                failures = 0
            except Exception as error:
                failures += 1
                if failures == _MAX_FAILURES:
                    raise RunError(
                        f'{self._host} no longer responds ({_first_line(error)}); run {run_id} may continue'
                    ) from None
                time.sleep(interval)
                continue
            for name, state in _tasks(run):
                if known.get(name) != state:
                    known[name] = state
                    report(f'{name:<22} {state.lower()}')
            if run.state in ENDED:
                return str(run.state)
            time.sleep(interval)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        import kfp_server_api
        import urllib3

        # urllib3 warns of every attempt; one error at the end is enough.
        logging.getLogger('urllib3.connectionpool').setLevel(logging.ERROR)
        try:
            yield
        except kfp_server_api.ApiException as error:
            advice = '; set KFP_TOKEN' if error.status in (401, 403) else ''
            message = ' '.join(str(error.body or error.reason).split())[:300]
            raise InputError(f'--host {self._host}: HTTP {error.status}: {message}{advice}') from None
        except urllib3.exceptions.MaxRetryError as error:
            why = _first_line(error.reason or error)
            raise InputError(f'--host {self._host}: unreachable ({why})') from None
        except (urllib3.exceptions.HTTPError, ValueError, RuntimeError) as error:
            raise InputError(f'--host {self._host}: {_first_line(error)}') from None


def _tasks(run: Any) -> Iterator[tuple[str, str]]:
    """Yields (name, state) of a run's tasks, without Kubeflow's drivers and the DAG itself."""
    for task in (run.run_details.task_details or []) if run.run_details else []:
        name = task.display_name or ''
        if name and task.state and name not in ('root', 'executor') and not name.endswith(('-driver', '-0')):
            yield name, task.state


def _first_line(error: Exception) -> str:
    return (' '.join(str(error).split()) or type(error).__name__)[:300]
