# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""An S3 server on loopback: moto's, which checks keys and signatures, behind a proxy that delays and cuts answers."""

import contextlib
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore import session
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

BUCKET = 'faces'
_POLICY = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'}]}


class Store:
    """The server.

    Attributes:
      environment: the variables with which a process uses it.
      delay: seconds before each answer.
      cut: bytes of an answer after which the connection is closed; None: never.
    """

    def __init__(self, port: int):
        self._port = port
        self.delay: float = 0
        self.cut: int | None = None
        self.environment = {
            'AWS_REGION': 'us-east-1',
            'AWS_DEFAULT_REGION': 'us-east-1',
            'AWS_EC2_METADATA_DISABLED': 'true',
        }

    def _connect(self, service: str, key: str = 'admin', secret: str = 'admin') -> Any:  # noqa: S107
        return session.get_session().create_client(
            service,
            region_name='us-east-1',
            endpoint_url=f'http://127.0.0.1:{self._port}',
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )

    def secure(self) -> None:
        """Makes a bucket and a user, and admits only that one."""
        # moto's state belongs to the process, so an earlier server's is still there.
        self._control('reset', b'')
        self._control('reset-auth', b'1000')
        self._connect('s3').create_bucket(Bucket=BUCKET)
        iam = self._connect('iam')
        iam.create_user(UserName='pipeline')
        iam.put_user_policy(UserName='pipeline', PolicyName='all', PolicyDocument=json.dumps(_POLICY))
        key = iam.create_access_key(UserName='pipeline')['AccessKey']
        self.client = self._connect('s3', key['AccessKeyId'], key['SecretAccessKey'])
        self.environment |= {
            'AWS_ACCESS_KEY_ID': key['AccessKeyId'], 'AWS_SECRET_ACCESS_KEY': key['SecretAccessKey'],
        }  # fmt: skip
        self._control('reset-auth', b'0')

    def _control(self, action: str, content: bytes) -> None:
        """`reset` forgets all objects and users; `reset-auth` admits anybody for so many more requests."""
        request = urllib.request.Request(f'http://127.0.0.1:{self._port}/moto-api/{action}', content)
        request.add_header('Content-Type', 'text/plain')
        urllib.request.urlopen(request).close()  # noqa: S310

    def put(self, name: str, content: bytes) -> None:
        """Writes an object."""
        self.client.put_object(Bucket=BUCKET, Key=name, Body=content)

    def upload(self, folder: Path, prefix: str) -> str:
        """Writes the files of a folder; returns the URI of the copy."""
        backend = s3_backends[DEFAULT_ACCOUNT_ID]['aws']  # in this process, so without 6 ms for each request
        for file in folder.rglob('*'):
            if file.is_file():
                backend.put_object(BUCKET, f'{prefix}/{file.relative_to(folder)}', file.read_bytes())
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
    server = ThreadedMotoServer('127.0.0.1', 0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    store = Store(port)
    with socket.create_server(('127.0.0.1', 0), backlog=128) as listener:
        threading.Thread(target=_accept, args=(listener, port, store), daemon=True).start()
        store.environment['AWS_ENDPOINT_URL'] = f'http://127.0.0.1:{listener.getsockname()[1]}'
        store.secure()
        try:
            yield store
        finally:
            server.stop()


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
