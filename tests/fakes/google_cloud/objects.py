# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The part of Cloud Storage's JSON API that the clients of TensorFlow, Beam and Google use; objects are in memory.

https://cloud.google.com/storage/docs/json_api/v1 and, for downloads, https://cloud.google.com/storage/docs/xml-api.
"""

from __future__ import annotations

import base64
import datetime
import email
import email.message
import email.policy
import hashlib
import itertools
import json
import re
import threading
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

import google_crc32c

#: Objects per page; the API has 1,000. Few, so that clients need several pages.
_PAGE = 7


@dataclass(frozen=True)
class Request:
    """One HTTP request; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b''

    @property
    def path(self) -> str:
        return urllib.parse.urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.target).query, keep_blank_values=True))


@dataclass
class Response:
    """One HTTP response."""

    status: int = 200
    body: bytes = b''
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Object:
    content: bytes
    generation: int
    updated: str


class Objects:
    """One bucket.

    Attributes:
      name: of the bucket.
      contents: a copy of the objects by name.
      requests: "METHOD path" of all answered requests.
    """

    def __init__(self, name: str):
        self.name = name
        self.requests: list[str] = []
        self._objects: dict[str, _Object] = {}
        self._uploads: dict[str, tuple[str, bytearray]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def contents(self) -> dict[str, bytes]:
        with self._lock:
            return {name: one.content for name, one in self._objects.items()}

    def names(self, prefix: str = '') -> list[str]:
        """The names of the objects below a prefix."""
        return [name for name in self.contents if name.startswith(prefix)]

    def get(self, name: str) -> bytes:
        """Reads an object."""
        return self.contents[name]

    def put(self, name: str, content: bytes) -> None:
        """Writes an object."""
        with self._lock:
            self._put(name, content)

    def remove(self, prefix: str) -> None:
        """Deletes all objects with a prefix."""
        with self._lock:
            for name in [name for name in self._objects if name.startswith(prefix)]:
                del self._objects[name]

    def answer(self, request: Request) -> Response:
        """Answers one request."""
        self.requests.append(f'{request.method} {request.path}')
        if request.path.startswith('/batch/'):
            return self._batch(request)
        with self._lock:
            for pattern, function in (
                (r'/storage/v1/b/([^/]+)(?:/storageLayout)?', self._bucket),
                (r'/storage/v1/b/([^/]+)/o', self._list),
                (r'/storage/v1/b/([^/]+)/o/([^/]+)/(?:rewriteTo|copyTo)/b/([^/]+)/o/([^/]+)', self._copy),
                (r'(?:/download)?/storage/v1/b/([^/]+)/o/([^/]+)', self._one),
                (r'/(?:resumable/)?upload/storage/v1/b/([^/]+)/o', self._upload),
                (r'/([^/]+)/(.+)', self._download),
            ):
                if match := re.fullmatch(pattern, request.path):
                    bucket, *names = map(urllib.parse.unquote, match.groups())
                    return function(request, *names) if bucket == self.name else _error(404, f'no bucket {bucket}')
        return _error(501, f'not implemented: {request.method} {request.target}')

    def _bucket(self, request: Request) -> Response:
        return _json({'kind': 'storage#bucket', 'id': self.name, 'name': self.name, 'location': 'EU'})

    def _list(self, request: Request) -> Response:
        query = request.query
        prefix, delimiter, after = (query.get(key, '') for key in ('prefix', 'delimiter', 'pageToken'))
        page = min(int(query.get('maxResults', _PAGE)), _PAGE)
        items: list[dict[str, Any]] = []
        prefixes: list[str] = []
        token = ''
        for name in sorted(self._objects):
            rest = name[len(prefix) :]
            # A page ends after an object, or after all objects of a prefix.
            folder = prefix + rest[: rest.index(delimiter) + 1] if delimiter and delimiter in rest else ''
            if not name.startswith(prefix) or name <= after or (after and folder and after.startswith(folder)):
                continue
            if folder and folder in prefixes:
                token = name if token else token
                continue
            if len(items) + len(prefixes) == page:
                return _json({'kind': 'storage#objects', 'items': items, 'prefixes': prefixes, 'nextPageToken': token})
            token = name
            if folder:
                prefixes.append(folder)
            else:
                items.append(self._resource(name))
        return _json({'kind': 'storage#objects', 'items': items, 'prefixes': prefixes})

    def _one(self, request: Request, name: str) -> Response:
        if name not in self._objects:
            return _error(404, f'no object {name}')
        if request.method == 'DELETE':
            del self._objects[name]
            return Response(204)
        if request.query.get('alt') == 'media':
            return self._download(request, name)
        return _json(self._resource(name))

    def _copy(self, request: Request, name: str, bucket: str, target: str) -> Response:
        if name not in self._objects or bucket != self.name:
            return _error(404, f'no object {name}')
        self._put(target, self._objects[name].content)
        resource = self._resource(target)
        if '/copyTo/' in request.path:
            return _json(resource)
        size = str(len(self._objects[target].content))
        return _json({'kind': 'storage#rewriteResponse', 'totalBytesRewritten': size, 'objectSize': size, 'done': True,
                      'resource': resource})  # fmt: skip

    def _upload(self, request: Request) -> Response:
        query = request.query
        if 'upload_id' in query:
            return self._resumed(request, query['upload_id'])
        how = query['uploadType']
        if how == 'media':
            name, content = query['name'], request.body
        elif how == 'multipart':
            head = f'Content-Type: {request.headers["content-type"]}\r\n\r\n'.encode()
            meta, part = email.message_from_bytes(head + request.body, policy=email.policy.HTTP).iter_parts()
            name = query.get('name') or json.loads(meta.get_content())['name']
            # Split by hand, because the parser removes the content's last line break.
            boundary = request.headers['content-type'].partition('boundary=')[2].strip('"').encode()
            content = request.body.split(b'--' + boundary)[2].partition(b'\r\n\r\n')[2][:-2]
            assert part is not None
        else:
            name = query.get('name') or json.loads(request.body)['name']
            number = str(next(self._numbers))
            self._uploads[number] = name, bytearray()
            where = f'https://{request.headers["host"]}{request.path}?uploadType=resumable&upload_id={number}'
            return Response(200, headers={'Location': where, 'X-GUploader-UploadID': number})
        if query.get('ifGenerationMatch') == '0' and name in self._objects:
            return _error(412, f'{name} exists')
        self._put(name, content)
        return _json(self._resource(name))

    def _resumed(self, request: Request, number: str) -> Response:
        name, so_far = self._uploads[number]
        sent = re.fullmatch(r'bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)', request.headers.get('content-range', 'bytes */*'))
        assert sent, request.headers
        if sent[1] is not None:
            assert int(sent[1]) == len(so_far), 'a part of an upload is missing'
            so_far += request.body
        elif 'content-range' not in request.headers:
            so_far += request.body
        if 'content-range' in request.headers and (sent[3] == '*' or len(so_far) < int(sent[3])):
            return Response(308, headers={'Range': f'bytes=0-{len(so_far) - 1}'} if so_far else {})
        del self._uploads[number]
        self._put(name, bytes(so_far))
        return _json(self._resource(name))

    def _download(self, request: Request, name: str) -> Response:
        if request.method == 'PUT':
            self._put(name, request.body)
            return Response()
        if name not in self._objects:
            return _error(404, f'no object {name}')
        one = self._objects[name]
        headers = {'X-Goog-Generation': str(one.generation), 'Content-Type': 'application/octet-stream'}
        asked = re.fullmatch(r'bytes=(\d+)-(\d*)', request.headers.get('range', ''))
        if not asked:
            return Response(200, one.content, headers)
        first, last = int(asked[1]), int(asked[2] or len(one.content))
        part = one.content[first : last + 1]
        if not part:
            return Response(416, headers={'Content-Range': f'bytes */{len(one.content)}'})
        headers['Content-Range'] = f'bytes {first}-{first + len(part) - 1}/{len(one.content)}'
        return Response(206, part, headers)

    def _batch(self, request: Request) -> Response:
        head = f'Content-Type: {request.headers["content-type"]}\r\n\r\n'.encode()
        parts = email.message_from_bytes(head + request.body, policy=email.policy.HTTP).iter_parts()
        answers = []
        for part in parts:
            line, _, rest = part.get_content().lstrip(b'\r\n').partition(b'\r\n')
            method, target, *_ = line.decode().split()
            fields, _, body = rest.partition(b'\r\n\r\n')
            inner = email.message_from_bytes(fields)
            answer = self.answer(Request(method, target, {k.lower(): v for k, v in inner.items()}, body))
            text = f'HTTP/1.1 {answer.status} -\r\nContent-Type: application/json\r\n\r\n'.encode() + answer.body
            answers.append(b'--of-batch\r\nContent-Type: application/http\r\n\r\n' + text + b'\r\n')
        return Response(
            200, b''.join(answers) + b'--of-batch--\r\n', {'Content-Type': 'multipart/mixed; boundary=of-batch'}
        )

    def _put(self, name: str, content: bytes) -> None:
        now = datetime.datetime.now(datetime.UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')
        self._objects[name] = _Object(content, next(self._numbers), now)

    def _resource(self, name: str) -> dict[str, Any]:
        one = self._objects[name]
        checksum = google_crc32c.Checksum(one.content).digest()
        return {
            'kind': 'storage#object', 'bucket': self.name, 'name': name, 'generation': str(one.generation),
            'metageneration': '1', 'size': str(len(one.content)), 'updated': one.updated,
            'timeCreated': one.updated, 'crc32c': base64.b64encode(checksum).decode(),
            'md5Hash': base64.b64encode(hashlib.md5(one.content, usedforsecurity=False).digest()).decode(),
            'contentType': 'application/octet-stream',
        }  # fmt: skip


def _json(content: Any) -> Response:
    return Response(200, json.dumps(content).encode(), {'Content-Type': 'application/json'})


def _error(status: int, message: str) -> Response:
    return Response(status, json.dumps({'error': {'code': status, 'message': message}}).encode(),
                    {'Content-Type': 'application/json'})  # fmt: skip
