# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`submit` against an HTTP server with the experiments and runs of Kubeflow's API (v2beta1)."""

import http.server
import json
import os
import socket
import ssl
import threading
import urllib.parse

import pytest
import yaml

from components.errors import InputError
from pipeline.runners.kubeflow import server as kubeflow
from tests.fakes import certificate

_PIPELINE = {
    'pipelineInfo': {'name': 'gender-classifier'},
    'schemaVersion': '2.1.0',
    'sdkVersion': 'tfx',
    'deploymentSpec': {'executors': {'a': {'container': {'image': 'i'}}}},
    'components': {'A': {'executorLabel': 'a'}},
    'root': {
        'dag': {'tasks': {'A': {'taskInfo': {'name': 'A'}, 'componentRef': {'name': 'A'}}}},
        'inputDefinitions': {
            'parameters': {
                'data_root': {'parameterType': 'STRING', 'defaultValue': '/data'},
                'epochs': {'parameterType': 'NUMBER_INTEGER', 'defaultValue': 10},
            }
        },
    },
}
_VOLUME = {'platforms': {'kubernetes': {'deploymentSpec': {'executors': {'a': {'pvcMount': []}}}}}}


class _Kubeflow(http.server.BaseHTTPRequestHandler):
    """One experiment and one run, which goes through `states`; records requests."""

    def _answer(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _record(self) -> tuple[str, dict]:
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        path = urllib.parse.urlsplit(self.path).path.removeprefix('/apis/v2beta1')
        self.server.seen.append((self.command, path, json.loads(body or '{}'), dict(self.headers)))
        return path, json.loads(body or '{}')

    def do_GET(self) -> None:
        path, _ = self._record()
        if self.server.refuse:
            self._answer(self.server.refuse, {'error': 'no such user'})
        elif path == '/healthz':
            self._answer(200, {'multi_user': self.server.multi_user})
        elif path == '/experiments':
            self._answer(200, {'experiments': []})
        elif path == '/runs/run-1':
            state = self.server.states.pop(0) if len(self.server.states) > 1 else self.server.states[0]
            task = {'display_name': 'A', 'state': state, **self.server.reasons.get(state, {})}
            tasks = [task, {'display_name': 'root', 'state': 'RUNNING'}]
            self._answer(200, {'run_id': 'run-1', 'state': state, 'run_details': {'task_details': tasks}})
        else:
            self._answer(404, {'error': path})

    def do_POST(self) -> None:
        path, body = self._record()
        if path == '/experiments':
            self._answer(200, {**body, 'experiment_id': 'experiment-1'})
        elif path == '/runs':
            self._answer(200, {**body, 'run_id': 'run-1'})
        else:
            self._answer(404, {'error': path})

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


@pytest.fixture
def server():
    started = http.server.ThreadingHTTPServer(('127.0.0.1', 0), _Kubeflow)
    started.seen, started.states, started.refuse = [], ['PENDING', 'RUNNING', 'SUCCEEDED'], 0
    started.multi_user, started.reasons = False, {}
    thread = threading.Thread(target=started.serve_forever)
    thread.start()
    yield started
    started.shutdown()
    thread.join()
    started.server_close()


@pytest.fixture
def submit(command, server, tmp_path):
    file = tmp_path / 'pipeline.yaml'
    file.write_text(yaml.safe_dump_all([_PIPELINE, _VOLUME]))

    def call(*arguments, environment=None):
        host = f'http://127.0.0.1:{server.server_address[1]}'
        environment = {**os.environ, 'KFP_HOST': host, 'KFP_TOKEN': 'secret', **(environment or {})}
        return command('submit', file, '--poll', '0.05', *arguments, env=environment)

    return call


def test_a_run_gets_its_parameters_and_is_watched(submit, server):
    server.multi_user = True
    process = submit(
        '--namespace', 'team', '--param', 'epochs=3', '--name', 'mine', '--service-account', 'runner',
        environment={'KFP_COOKIES': 'session=biscuit'},
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert process.stdout == 'run-1\n'
    assert [line.split()[1] for line in process.stderr.splitlines() if line.startswith('A ')] == [
        'pending', 'running', 'succeeded',
    ]  # fmt: skip
    posts = {path: body for method, path, body, _ in server.seen if method == 'POST'}
    assert posts['/experiments'] == {'display_name': 'face-gender', 'namespace': 'team'}
    run = posts['/runs']
    assert (run['display_name'], run['experiment_id']) == ('mine', 'experiment-1')
    assert run['runtime_config'] == {'parameters': {'epochs': 3}}
    assert run['service_account'] == 'runner'
    sent = run['pipeline_spec']
    assert sent.get('pipeline_spec', sent)['pipelineInfo']['name'] == 'gender-classifier'
    assert 'kubernetes' in sent['platform_spec']['platforms']
    assert {headers.get('authorization') for *_, headers in server.seen} == {'Bearer secret'}
    assert {headers.get('Cookie') for *_, headers in server.seen} == {'session=biscuit'}
    assert 'secret' not in process.stderr and 'biscuit' not in process.stderr


def test_a_run_gets_the_compiled_root(submit, server, tmp_path):
    document = {**_PIPELINE, 'defaultPipelineRoot': 'gs://bucket/kfp'}
    (tmp_path / 'pipeline.yaml').write_text(yaml.safe_dump_all([document, _VOLUME]))
    process = submit()
    assert process.returncode == 0, process.stderr
    (run,) = [body for method, path, body, _ in server.seen if (method, path) == ('POST', '/runs')]
    assert run['runtime_config']['pipeline_root'] == 'gs://bucket/kfp'


@pytest.mark.parametrize(
    ('multi_user', 'arguments', 'message'),
    [
        (False, ['--namespace', 'team'], '--namespace team: the server has no profiles and would run this in its own'),
        (True, [], 'the server has several users; give --namespace PROFILE'),
    ],
)
def test_a_namespace_that_the_server_would_not_use_is_an_error(submit, server, multi_user, arguments, message):
    server.multi_user = multi_user
    process = submit(*arguments)
    assert process.returncode == 2
    assert message in process.stderr.splitlines()[-1]
    assert not any(method == 'POST' for method, *_ in server.seen)


def test_a_servers_own_namespace_may_be_given(submit, server):
    assert submit('--namespace', 'kubeflow', '--no-wait').returncode == 0
    (made,) = (body for method, path, body, _ in server.seen if (method, path) == ('POST', '/experiments'))
    assert not made.get('namespace')


def test_reasons_of_waiting_and_failed_tasks_are_shown_once(submit, server):
    server.states = ['PENDING', 'PENDING', 'FAILED']
    server.reasons = {
        'PENDING': {
            'state_history': [
                {'error': {'message': 'earlier'}},
                {'state': 'PENDING', 'error': {'code': 1, 'message': 'Unschedulable: 0/1\nnodes'}},
            ]
        },
        'FAILED': {'error': {'code': 1, 'message': 'OOMKilled (exit code 137)'}},
    }
    process = submit()
    assert process.returncode == 1
    assert [' '.join(line.split()) for line in process.stderr.splitlines() if line.startswith('A ')] == [
        'A pending: Unschedulable: 0/1 nodes', 'A failed: OOMKilled (exit code 137)',
    ]  # fmt: skip


def test_waiting_ends_at_the_timeout(submit, server):
    server.states = ['RUNNING']
    process = submit('--timeout', '0.2')
    assert process.returncode == 1
    assert 'run run-1 has not ended after 0.2 s (--timeout); it continues' in process.stderr.splitlines()[-1]


@pytest.mark.parametrize('state', ['FAILED', 'CANCELED'])
def test_a_failed_run_is_status_1(submit, server, state):
    server.states = ['RUNNING', state]
    process = submit()
    assert process.returncode == 1
    assert process.stderr.splitlines()[-1] == f'Run run-1: {state.lower()}'


def test_no_wait_returns_at_once(submit, server):
    server.states = ['RUNNING']
    process = submit('--no-wait')
    assert (process.returncode, process.stdout) == (0, 'run-1\n')
    assert not any(path == '/runs/run-1' for _, path, *_ in server.seen)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--param', 'epochs=many'], '--param epochs=many: expected a whole number'),
        (['--param', 'epoch=3'], 'has data_root, epochs'),
        (['--host', ''], 'no server: give --host URL or set KFP_HOST'),
        (['--ca-file', __file__], 'test_server.py: expected certificates in PEM format'),
        (['--ca-file', 'none.pem'], '--ca-file none.pem: cannot be read (No such file'),
    ],
)
def test_bad_arguments_are_reported_before_any_request(submit, server, arguments, message):
    process = submit(*arguments)
    assert process.returncode == 2
    assert message in process.stderr
    assert server.seen == []


def test_a_refusing_or_missing_server_is_one_line(submit, server):
    server.refuse = 401
    process = submit()
    assert process.returncode == 2
    assert process.stderr.splitlines()[-1].endswith('no such user"}; set KFP_TOKEN or KFP_COOKIES')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        process = submit('--host', f'http://127.0.0.1:{free.getsockname()[1]}')
    assert process.returncode == 2
    assert 'unreachable' in process.stderr.splitlines()[-1]
    assert 'refused' in process.stderr.splitlines()[-1]


def test_a_server_that_does_not_answer_is_one_line(monkeypatch):
    monkeypatch.setattr(kubeflow, '_TIMEOUT_S', 0.1)
    with socket.create_server(('127.0.0.1', 0)) as silent:
        host = f'http://127.0.0.1:{silent.getsockname()[1]}'
        with pytest.raises(InputError, match=f'^--host {host}: unreachable .*timed out') as error:
            kubeflow.Server(host, None, kubeflow.Login())
    assert '\n' not in str(error.value)


@pytest.fixture
def secure(server, tmp_path):
    """[URL of `server` with TLS, the certificate that signs its own]."""
    certificate.write(tmp_path, ['localhost'])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / 'server.pem')
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return f'https://localhost:{server.server_address[1]}', tmp_path / 'authority.pem'


@pytest.mark.parametrize('variable', [False, True])
def test_a_server_with_its_own_authority_is_reached(submit, server, secure, variable):
    url, authority = secure
    arguments = [] if variable else ['--ca-file', authority]
    process = submit('--host', url, *arguments, environment={'KFP_CA_FILE': str(authority)} if variable else None)
    assert (process.returncode, process.stdout) == (0, 'run-1\n'), process.stderr
    assert {headers.get('authorization') for *_, headers in server.seen} == {'Bearer secret'}


def test_a_server_that_is_not_trusted_gets_no_token(submit, server, secure, tmp_path):
    url, authority = secure
    other = tmp_path / 'other'
    other.mkdir()
    certificate.write(other, ['localhost'])
    for arguments in (
        ['--host', url],
        ['--host', url, '--ca-file', other / 'authority.pem'],
        ['--host', url.replace('localhost', '127.0.0.1'), '--ca-file', authority],  # not the name in the certificate
    ):
        process = submit(*arguments)
        assert process.returncode == 2
        assert 'certificate verify failed' in process.stderr.splitlines()[-1]
    assert server.seen == []


def test_inside_a_cluster_the_accounts_token_is_sent(submit, server, tmp_path):
    (tmp_path / 'token').write_text('mounted')
    mounted = {'KFP_TOKEN': '', 'KF_PIPELINES_SA_TOKEN_PATH': str(tmp_path / 'token')}
    assert submit('--no-wait', environment=mounted).returncode == 0
    assert {headers.get('authorization') for *_, headers in server.seen} == {'Bearer mounted'}


def test_a_file_that_is_not_a_pipeline(command, tmp_path):
    (tmp_path / 'x.yaml').write_text('- 1\n')
    for name, message in (('x.yaml', 'not a pipeline for Kubeflow'), ('y.yaml', 'not readable')):
        process = command('submit', tmp_path / name, '--host', 'http://127.0.0.1:1')
        assert process.returncode == 2
        assert message in process.stderr
