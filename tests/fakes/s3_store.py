# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""An S3 server on loopback: moto's, which checks keys and signatures, behind a proxy that delays and cuts answers.

With S3_TEST_ENDPOINT=http://KEY:SECRET@127.0.0.1:PORT, another server is used, and its bucket `faces` emptied.
"""

import contextlib
import functools
import json
import os
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore import session
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

BUCKET = 'faces'
_ENDPOINT = 'S3_TEST_ENDPOINT'
_POLICY = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'}]}


class Store:
    """The server.

    Attributes:
      environment: the variables with which a process uses it.
      delay: seconds before each answer.
      cut: bytes of an answer after which the connection is closed; None: never.
    """

    def __init__(self, port: int, key: str, secret: str):
        self.delay: float = 0
        self.cut: int | None = None
        self.environment = {
            'AWS_REGION': 'us-east-1',
            'AWS_DEFAULT_REGION': 'us-east-1',
            'AWS_EC2_METADATA_DISABLED': 'true',
            'AWS_ACCESS_KEY_ID': key,
            'AWS_SECRET_ACCESS_KEY': secret,
        }
        self.client = _connect('s3', port, key, secret)

    def put(self, name: str, content: bytes) -> None:
        """Writes an object."""
        self.client.put_object(Bucket=BUCKET, Key=name, Body=content)

    def upload(self, folder: Path, prefix: str) -> str:
        """Writes the files of a folder; returns the URI of the copy."""
        write = self.put
        if not os.environ.get(_ENDPOINT):
            # In this process, so without 6 ms for each request.
            write = functools.partial(s3_backends[DEFAULT_ACCOUNT_ID]['aws'].put_object, BUCKET)
        for file in folder.rglob('*'):
            if file.is_file():
                write(f'{prefix}/{file.relative_to(folder)}', file.read_bytes())
        return f's3://{BUCKET}/{prefix}'

    def names(self, prefix: str = '') -> list[str]:
        """The names of the objects below a prefix."""
        pages = self.client.get_paginator('list_objects_v2').paginate(Bucket=BUCKET, Prefix=prefix)
        return [item['Key'] for page in pages for item in page.get('Contents', [])]

    def get(self, name: str) -> bytes:
        """Reads an object."""
        return self.client.get_object(Bucket=BUCKET, Key=name)['Body'].read()


@contextlib.contextmanager
def running() -> Iterator[Store]:
    """Starts a server with an empty bucket; `environment` has the address of the proxy."""
    given = urllib.parse.urlsplit(os.environ.get(_ENDPOINT, ''))
    with contextlib.ExitStack() as stack:
        port, key, secret = given.port, given.username or '', given.password or ''
        if port is None:
            port, key, secret = stack.enter_context(_moto())
        store = Store(port, key, secret)
        _empty(store)
        listener = stack.enter_context(socket.create_server(('127.0.0.1', 0), backlog=128))
        threading.Thread(target=_accept, args=(listener, port, store), daemon=True).start()
        store.environment['AWS_ENDPOINT_URL'] = f'http://127.0.0.1:{listener.getsockname()[1]}'
        yield store


@contextlib.contextmanager
def _moto() -> Iterator[tuple[int, str, str]]:
    """Starts moto's server with one user, and admits only that one; yields the port and the user's key and secret."""
    server = ThreadedMotoServer('127.0.0.1', 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    try:
        # moto's state belongs to the process, so an earlier server's is still there.
        _control(port, 'reset', b'')
        _control(port, 'reset-auth', b'1000')
        iam = _connect('iam', port, 'admin', 'admin')
        iam.create_user(UserName='pipeline')
        iam.put_user_policy(UserName='pipeline', PolicyName='all', PolicyDocument=json.dumps(_POLICY))
        key = iam.create_access_key(UserName='pipeline')['AccessKey']
        _control(port, 'reset-auth', b'0')
        yield port, key['AccessKeyId'], key['SecretAccessKey']
    finally:
        server.stop()


def _control(port: int, action: str, content: bytes) -> None:
    """`reset` forgets all objects and users; `reset-auth` admits anybody for so many more requests."""
    request = urllib.request.Request(f'http://127.0.0.1:{port}/moto-api/{action}', content)
    request.add_header('Content-Type', 'text/plain')
    urllib.request.urlopen(request).close()  # noqa: S310


def _connect(service: str, port: int, key: str, secret: str) -> Any:
    return session.get_session().create_client(
        service,
        region_name='us-east-1',
        endpoint_url=f'http://127.0.0.1:{port}',
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


def _empty(store: Store) -> None:
    found = [bucket['Name'] for bucket in store.client.list_buckets()['Buckets']]
    if BUCKET not in found:
        store.client.create_bucket(Bucket=BUCKET)
    for name in store.names():
        store.client.delete_object(Bucket=BUCKET, Key=name)


def _accept(listener: socket.socket, port: int, store: Store) -> None:
    with contextlib.suppress(OSError):  # closed
        while True:
            near, _ = listener.accept()
            threading.Thread(target=_serve, args=(near, port, store), daemon=True).start()


def _serve(near: socket.socket, port: int, store: Store) -> None:
    with near, socket.create_connection(('127.0.0.1', port)) as far:
        requests = threading.Thread(target=_copy, args=(near, far), daemon=True)
        requests.start()
        _copy(far, near, store)
        requests.join()


def _copy(source: socket.socket, target: socket.socket, store: Store | None = None) -> None:
    """Copies until one side closes; answers with the faults of the store."""
    sent = 0
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            if store is not None:
                time.sleep(store.delay)
                if store.cut is not None and sent + len(data) > store.cut:
                    target.sendall(data[: max(0, store.cut - sent)])
                    break
                sent += len(data)
            target.sendall(data)
    for side in (source, target):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
