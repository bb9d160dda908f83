# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A compiled pipeline on a Kubeflow server: start it, watch it, say how it ended. Imports kfp where it is used."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.errors import InputError, RunError

#: States after which nothing changes any more (`RuntimeState` in backend/api/v2beta1/run.proto).
ENDED = ('SUCCEEDED', 'SKIPPED', 'FAILED', 'CANCELED')

# A file that is larger is no pipeline of ours, whose specification takes 60 kB.
_MAX_BYTES = 16 << 20
_PATIENCE = 10  # failed questions in a row: a server that is being restarted


@dataclass(frozen=True)
class Target:
    """Where a run goes.

    Attributes:
      host: URL of the Kubeflow Pipelines API.
      namespace: of the user's profile; None for an installation for one user.
      experiment: made if it is not there.
      token: a bearer token, or None.
    """

    host: str
    namespace: str | None
    experiment: str
    token: str | None = None


def parameters(file: Path, given: Sequence[str]) -> dict[str, Any]:
    """The parameters of a run from NAME=VALUE, as the compiled pipeline declares them.

    Raises:
      InputError: the file is no compiled pipeline, or a name or value is not one that it declares.
    """
    declared = _declared(file)
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
    """Where `compile --root` wants artifacts to go, or None; the server does not look for it in the pipeline.

    Raises:
      InputError: the file is no pipeline for Kubeflow.
    """
    return _document(file).get('defaultPipelineRoot')


def _declared(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = _document(file)['root']['inputDefinitions']['parameters']
    return found


def _document(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise InputError(f'{file}: {file.stat().st_size:,} bytes; a compiled pipeline has at most {_MAX_BYTES:,}')
        document: Any = next(yaml.safe_load_all(file.read_text('utf-8')), None)
        document['root']['inputDefinitions']['parameters']
    except OSError as error:
        raise InputError(f'{file}: cannot be read ({error.strerror}); "compile" writes it') from None
    except (yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError):
        raise InputError(f'{file}: not a pipeline for Kubeflow; "compile -o pipeline.yaml" writes one') from None
    return dict(document)


class Server:
    """Kubeflow Pipelines behind `kfp.Client`."""

    def __init__(self, target: Target):
        import kfp

        self._target = target
        with self._explained(), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of versions before 2, and of hosts without https://
            self._client = kfp.Client(
                host=target.host, namespace=target.namespace or 'kubeflow', existing_token=target.token
            )

    def start(self, file: Path, arguments: Mapping[str, Any], name: str, cache: bool | None = None) -> str:
        """Starts a run of a compiled pipeline, which is sent with it.

        Args:
          file: the YAML file.
          arguments: see `parameters`; what is left out takes its default.
          name: of the run.
          cache: None for what the pipeline says.

        Returns:
          The run's id.

        Raises:
          InputError: the server cannot be reached, or refuses.
        """
        # kfp prints links to its own pages; standard output is for the id.
        with self._explained(), contextlib.redirect_stdout(sys.stderr):
            experiment = self._client.create_experiment(self._target.experiment, namespace=self._target.namespace)
            run = self._client.run_pipeline(
                experiment.experiment_id, name, str(file), params=dict(arguments), enable_caching=cache,
                pipeline_root=pipeline_root(file),
            )  # fmt: skip
        return str(run.run_id)

    def wait(self, run_id: str, seconds: float = 5, report: Callable[[str], None] | None = None) -> str:
        """Waits until a run has ended.

        Args:
          run_id: what `start` returned.
          seconds: between two questions.
          report: called with a line whenever a task's state has changed.

        Returns:
          One of `ENDED`.

        Raises:
          RunError: the server stopped answering; the run itself may go on.
        """
        known: dict[str, str] = {}
        failures = 0
        while True:
            try:
                run = self._client.get_run(run_id)
                failures = 0
            except Exception as error:
                failures += 1
                if failures == _PATIENCE:
                    raise RunError(
                        f'{self._target.host} does not answer any more ({_first_line(error)}); run {run_id} may go on'
                    ) from None
                time.sleep(seconds)
                continue
            for name, state in _tasks(run):
                if known.get(name) != state:
                    known[name] = state
                    if report:
                        report(f'{name:<22} {state.lower()}')
            if run.state in ENDED:
                return str(run.state)
            time.sleep(seconds)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        import kfp_server_api
        import urllib3

        # It warns of every attempt; the error that follows says it once.
        logging.getLogger('urllib3.connectionpool').setLevel(logging.ERROR)
        try:
            yield
        except kfp_server_api.ApiException as error:
            advice = '; set KFP_TOKEN' if error.status in (401, 403) else ''
            said = ' '.join(str(error.body or error.reason).split())[:300]
            raise InputError(f'--host {self._target.host}: HTTP {error.status}: {said}{advice}') from None
        except urllib3.exceptions.MaxRetryError as error:
            why = _first_line(error.reason or error)
            raise InputError(f'--host {self._target.host}: cannot be reached ({why})') from None
        except (urllib3.exceptions.HTTPError, ValueError, RuntimeError) as error:
            raise InputError(f'--host {self._target.host}: {_first_line(error)}') from None


def _tasks(run: Any) -> Iterator[tuple[str, str]]:
    """(name, state) of a run's own tasks; Kubeflow lists drivers and the DAG among them."""
    for task in (run.run_details.task_details or []) if run.run_details else []:
        name = task.display_name or ''
        if name and task.state and name not in ('root', 'executor') and not name.endswith(('-driver', '-0')):
            yield name, task.state


def _first_line(error: Exception) -> str:
    return (' '.join(str(error).split()) or type(error).__name__)[:300]
