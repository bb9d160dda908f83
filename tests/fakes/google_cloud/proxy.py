# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""An HTTPS proxy that answers for Google's hosts: Cloud Storage and access tokens on loopback.

TensorFlow's file system has the fixed address https://www.googleapis.com, hence a proxy. Beam's and Google's clients
use it too. Requests without a token are refused.
"""

from __future__ import annotations

import json
import ssl
import threading
from http import server
from pathlib import Path
from typing import Any

from tests.fakes import certificate
from tests.fakes.google_cloud.objects import Objects, Request, Response

_HOSTS = ('www.googleapis.com', 'storage.googleapis.com', 'oauth2.googleapis.com')
_TOKEN = 'of-a-test'  # noqa: S105


class Proxy:
    """The proxy; a context manager.

    Args:
      objects: the bucket.
      folder: for the certificate and credentials.
    """

    def __init__(self, objects: Objects, folder: Path):
        self._folder = folder
        certificate.write(folder, _HOSTS)
        credentials = {'type': 'authorized_user', 'client_id': 'a', 'client_secret': 'b', 'refresh_token': 'c'}
        (folder / 'credentials.json').write_text(json.dumps(credentials))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(folder / 'server.pem')
        handler = type('Handler', (_Handler,), {'objects': objects, 'tls': tls})
        self._server = server.ThreadingHTTPServer(('127.0.0.1', 0), handler)

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which a process uses the proxy, trusts it and gets a token."""
        authority = str(self._folder / 'authority.pem')
        return {
            'https_proxy': f'http://127.0.0.1:{self._server.server_port}',
            'no_proxy': 'localhost,127.0.0.1,::1',
            'CURL_CA_BUNDLE': authority,
            'REQUESTS_CA_BUNDLE': authority,
            'GOOGLE_APPLICATION_CREDENTIALS': str(self._folder / 'credentials.json'),
            'GOOGLE_CLOUD_PROJECT': 'test',
            'NO_GCE_CHECK': 'true',
        }


class _Handler(server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    objects: Objects
    tls: ssl.SSLContext

    def do_CONNECT(self) -> None:
        host = self.path.rpartition(':')[0]
        if host not in _HOSTS:
            self._send(Response(502, f'{host} is not on loopback'.encode()))
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile('rb')
        self.wfile = self.connection.makefile('wb', 0)  # unbuffered, so that "100 Continue" is sent at once
        self.close_connection = False

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = b''
        if headers.get('transfer-encoding') == 'chunked':
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(headers.get('content-length', 0)))
        if self.path.startswith(('/token', '/oauth2/')):
            content = {'access_token': _TOKEN, 'expires_in': 3600, 'token_type': 'Bearer'}
            self._send(Response(200, json.dumps(content).encode(), {'Content-Type': 'application/json'}))
        elif headers.get('authorization') != f'Bearer {_TOKEN}':
            self._send(Response(401, b'no token'))
        else:
            self._send(self.objects.answer(Request(self.command, self.path, headers, body)))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _answer

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)
        self.wfile.flush()

    def finish(self) -> None:
        super().finish()
        self.connection.close()  # the server does not close the TLS socket

    def log_message(self, format: str, *arguments: Any) -> None:
        pass
