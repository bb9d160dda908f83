# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Starts and watches a compiled pipeline on a Kubeflow server. Imports kfp lazily."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.errors import InputError, RunError
from pipeline.serving import credentials

#: Final states (`RuntimeState` in backend/api/v2beta1/run.proto).
ENDED = ('SUCCEEDED', 'SKIPPED', 'FAILED', 'CANCELED')

_MAX_BYTES = 16 << 20  # of a pipeline file; ours have 60 kB
#: Where Kubeflow Pipelines without multi-user mode runs everything, unless installed elsewhere.
STANDALONE = 'kubeflow'

# Of each request: to connect, and between two packets. kfp waits without end; urllib3 tries a GET four times.
_TIMEOUT_S = 15.0
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


@dataclass(frozen=True)
class Login:
    """How a server is reached; each flow is one of `kfp.Client`'s.

    Attributes:
      token: a bearer token, or None. Inside a cluster, the token that Kubernetes mounts (KF_PIPELINES_SA_TOKEN_PATH)
        is used without one.
      cookies: the cookies of a session behind Dex or OAuth2 Proxy: NAME=VALUE; NAME=VALUE; or None.
      ca_file: certificates (PEM) that sign the server's, or None for those of the system.
    """

    token: str | None = None
    cookies: str | None = None
    ca_file: Path | None = None


class Server:
    """A Kubeflow Pipelines server, accessed through `kfp.Client`.

    Args:
      host: URL of the Kubeflow Pipelines API.
      namespace: the user's profile; None in single-user mode.
      login: see `Login`.

    Raises:
      InputError: the server is unreachable, or does not run anything in `namespace`.
    """

    def __init__(self, host: str, namespace: str | None, login: Login):
        import kfp

        self._host = host
        if login.ca_file:
            credentials.authorities(login.ca_file)
        with self._explained(), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # about versions before 2 and hosts without https://
            self._client = kfp.Client(
                host=host, namespace=namespace or '-', existing_token=login.token, cookies=login.cookies,
                ssl_ca_cert=str(login.ca_file) if login.ca_file else None,
                credentials=kfp.client.ServiceAccountTokenVolumeCredentials() if _in_cluster() else None,
            )  # fmt: skip
            _limit_requests(self._client)
            # Without a namespace, the client calls `get_kfp_healthz`, which tries for 25 s and logs each failure.
            self._client._context_setting['namespace'] = ''
            multi_user = bool(self._client._healthz_api.healthz_service_get_healthz().multi_user)
        if multi_user and not namespace:
            raise InputError(f'--host {host}: the server has several users; give --namespace PROFILE')
        if not multi_user and namespace not in (None, '', STANDALONE):
            raise InputError(
                f'--namespace {namespace}: the server has no profiles and would run this in its own namespace '
                f'({STANDALONE}); leave --namespace out'
            )
        self._namespace = namespace if multi_user else None

    def start(
        self,
        file: Path,
        arguments: Mapping[str, Any],
        *,
        experiment: str,
        name: str,
        cache: bool | None = None,
        account: str | None = None,
    ) -> str:
        """Uploads a compiled pipeline, starts a run and returns its id.

        Args:
          file: the YAML file.
          arguments: see `parameters`; missing ones get their defaults.
          experiment: its name; created if needed.
          name: the run's name.
          cache: overrides the pipeline's caching unless None.
          account: the service account of the tasks; None for the installation's.

        Raises:
          InputError: the server is unreachable, or rejects the request.
        """
        # kfp prints links, but standard output is for the id.
        with self._explained(), contextlib.redirect_stdout(sys.stderr):
            made = self._client.create_experiment(experiment, namespace=self._namespace)
            run = self._client.run_pipeline(
                made.experiment_id, name, str(file), params=dict(arguments), enable_caching=cache,
                pipeline_root=pipeline_root(file), service_account=account,
            )  # fmt: skip
        return str(run.run_id)

    def wait(self, run_id: str, interval: float, report: Callable[[str], None], timeout: float | None = None) -> str:
        """Polls a run until its state is in `ENDED`, and returns it. Calls `report` with a line for each change.

        Args:
          run_id: the run.
          interval: seconds between polls.
          report: gets each task's state, with the reason that the server gives for it.
          timeout: seconds to wait; None for no limit.

        Raises:
          RunError: the server no longer responds, or the time is over; the run may continue.
        """
        known: dict[str, str] = {}
        failures = 0
        deadline = time.monotonic() + timeout if timeout else float('inf')
        while True:
            if time.monotonic() > deadline:
                raise RunError(f'run {run_id} has not ended after {timeout:g} s (--timeout); it continues')
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
                    report(f'{name:<22} {state}')
            if run.state in ENDED:
                if reason := _reason(run):
                    report(f'Run {run_id}: {reason}')
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
            advice = '; set KFP_TOKEN or KFP_COOKIES' if error.status in (401, 403) else ''
            message = ' '.join(str(error.body or error.reason).split())[:300]
            raise InputError(f'--host {self._host}: HTTP {error.status}: {message}{advice}') from None
        except urllib3.exceptions.MaxRetryError as error:
            why = _first_line(error.reason or error)
            raise InputError(f'--host {self._host}: unreachable ({why})') from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError, RuntimeError) as error:
            raise InputError(f'--host {self._host}: {_first_line(error)}') from None


def _limit_requests(client: Any) -> None:
    rest = client._healthz_api.api_client.rest_client  # one for all of the client's parts
    request = rest.request

    def limited(*arguments: Any, **options: Any) -> Any:
        return request(*arguments, **{**options, '_request_timeout': (_TIMEOUT_S, _TIMEOUT_S)})

    rest.request = limited


def _in_cluster() -> bool:
    from kfp import client

    return os.path.isfile(os.environ.get(client.KF_PIPELINES_SA_TOKEN_ENV, client.KF_PIPELINES_SA_TOKEN_PATH))


def _tasks(run: Any) -> Iterator[tuple[str, str]]:
    """Yields (name, state with its reason) of tasks; of Kubeflow's drivers and the DAG itself only with a reason."""
    for task in (run.run_details.task_details or []) if run.run_details else []:
        name, reason = task.display_name or '', _reason(task)
        inner = name in ('root', 'executor') or name.endswith(('-driver', '-0'))
        if name and task.state and (reason or not inner):
            yield name, f'{task.state.lower()}: {reason}' if reason else task.state.lower()


def _reason(item: Any) -> str:
    """Returns why a task or run waits or failed, in one line; '' if the server gives no reason."""
    for status in (item, *(item.state_history or [])[-1:]):  # earlier ones are of earlier states
        if status.error and status.error.message:
            return ' '.join(status.error.message.split())[:300]
    return ''


def _first_line(error: Exception) -> str:
    return (' '.join(str(error).split()) or type(error).__name__)[:300]
