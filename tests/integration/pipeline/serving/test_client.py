# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The client against a real gRPC server that gives wrong, hostile, late or no answers."""

import random
import struct
import tracemalloc

import grpc
import pytest
from tensorflow.core.framework import types_pb2

from components.errors import InputError, RunError
from pipeline.__main__ import parser
from pipeline.commands import arguments
from pipeline.serving import client, predict
from tests.fakes import certificate
from tests.fakes.serving_server import answering
from tests.fixtures.hostile_answers import HOSTILE, answer, floats, labels, tensor

_IMAGES = [b'one', b'two']
_PACKED = tensor(types_pb2.DT_FLOAT, [2], tensor_content=struct.pack('<2f', 0.75, 0.25))


@pytest.fixture(scope='module')
def respond():
    """[the function that answers]; tests replace it."""
    return [None]


@pytest.fixture(scope='module')
def server(respond):
    with answering(lambda request, context: respond[0](request, context)) as address:
        yield address


@pytest.mark.parametrize('kind', HOSTILE)
def test_a_hostile_answer_is_one_clear_line_and_takes_no_memory(server, respond, kind):
    hostile, message = HOSTILE[kind]
    respond[0] = lambda request, context: hostile.SerializeToString()
    classify = client.connect(server)
    tracemalloc.start()
    try:
        with pytest.raises(RunError, match=message) as caught:
            classify(_IMAGES)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert str(caught.value).isprintable()
    assert str(caught.value).startswith(f'--server {server}: ')
    assert 'check that gender_classifier is a model of this pipeline' in str(caught.value)


def test_good_answers_in_both_encodings(server, respond):
    for good in (answer(), answer(probability=_PACKED)):
        respond[0] = lambda request, context, good=good: good.SerializeToString()
        assert client.connect(server)(_IMAGES) == [('female', 0.75), ('male', 0.25)]


def test_bytes_that_are_no_answer_and_answers_without_end(server, respond):
    respond[0] = lambda request, context: b'\xff' * 50
    with pytest.raises(RunError, match='INTERNAL') as caught:
        client.connect(server)(_IMAGES)
    assert str(caught.value).isprintable()
    respond[0] = lambda request, context: answer(label=labels(b'x' * (2 << 20), b'male')).SerializeToString()
    with pytest.raises(predict.ImageRejected, match=r'RESOURCE_EXHAUSTED: .*larger than max'):
        client.connect(server)(_IMAGES)


def test_details_of_a_status_are_escaped(server, respond):
    respond[0] = lambda request, context: context.abort(grpc.StatusCode.INTERNAL, 'a\nb \x1b[31m' + 'x' * 5000)
    with pytest.raises(RunError, match=r'INTERNAL: a b \\x1b\[31mx') as caught:
        client.connect(server)(_IMAGES)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_a_server_that_restarts_is_asked_again(server, respond):
    calls = []

    def restarting(request, context):
        calls.append(request)
        if len(calls) < 3:
            context.abort(grpc.StatusCode.UNAVAILABLE, 'loading')
        return answer().SerializeToString()

    respond[0] = restarting
    assert client.connect(server)(_IMAGES)[0] == ('female', 0.75)
    assert len(calls) == 3


def test_a_change_of_the_version_is_said(server, respond, capsys):
    versions = iter([7, 7, 8])
    respond[0] = lambda request, context: answer(version=next(versions)).SerializeToString()
    classify = client.connect(server)
    classify(_IMAGES)
    classify(_IMAGES)
    assert capsys.readouterr().err == ''
    classify(_IMAGES)
    assert capsys.readouterr().err == f'--server {server}: the model changed from version 7 to 8\n'


@pytest.mark.parametrize('code', [grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INVALID_ARGUMENT])
def test_requests_that_are_refused_are_split(server, respond, code):
    """Requests of more than four images, and those with the bad one, are refused."""
    sizes = []

    def limited(request, context):
        images = request.inputs['image_bytes'].string_val
        sizes.append(len(images))
        if len(images) > 4 or b'bad' in images:
            context.abort(code, 'too much')
        return answer(labels(*[b'male'] * len(images)), floats(*[0.25] * len(images))).SerializeToString()

    respond[0] = limited
    images = [b'good'] * 16
    images[9] = b'bad'
    found = predict._answers_or_errors(client.connect(server), images)
    assert found[:9] + found[10:] == [('male', 0.25)] * 15
    assert 'too much' in found[9]
    assert len(sizes) == 11  # 16, 8, 4, 4, 8, 4, 2, 1, 1, 2, 4
    assert max(sizes[1:]) == 8


def test_random_answers_give_answers_or_one_line(server, respond):
    """Random fields, and now and then a random byte: never another exception, never an unknown label or number."""
    random_ = random.Random(0)

    def random_answer(request, context):
        pick = random_.choice
        named = labels(*(pick([b'male', b'female', b'female', b'female', b'\0']) for _ in range(pick([2, 2, 2, 2, 3]))))
        numbers = floats(*(pick([0, 0.5, 1, 1, 1.01]) for _ in range(pick([2, 2, 2, 2, 1]))))
        for made in (named, numbers):
            if random_.random() < 0.1:
                made.dtype = random_.randrange(24)
            if random_.random() < 0.1:
                made.tensor_shape.dim[0].size = pick([-1, 0, 1 << 62])
            if random_.random() < 0.1:
                made.tensor_content = random_.randbytes(pick([1, 8, 8]))
        data = bytearray(answer(named, numbers).SerializeToString())
        if random_.random() < 0.3:
            data[random_.randrange(len(data))] = random_.randrange(256)
        return bytes(data)

    respond[0] = random_answer
    classify = client.connect(server)
    outcomes = {'answer': 0, 'error': 0}
    for _ in range(400):
        try:
            found = classify(_IMAGES)
        except RunError as error:
            assert str(error).isprintable()
            outcomes['error'] += 1
        else:
            assert len(found) == 2
            assert all(label in ('male', 'female') and 0 <= number <= 1 for label, number in found)
            outcomes['answer'] += 1
    assert min(outcomes.values()) > 20, outcomes


@pytest.fixture(scope='module')
def secure(respond, tmp_path_factory):
    """[HOST:PORT of a server with TLS, the folder of its certificate]."""
    folder = tmp_path_factory.mktemp('certificate')
    certificate.write(folder, ['localhost'])
    with answering(lambda request, context: respond[0](request, context), folder / 'server.pem') as address:
        yield address, folder


def _only_with(token: str):
    def guarded(request, context):
        if dict(context.invocation_metadata()).get('authorization') != f'Bearer {token}':
            context.abort(grpc.StatusCode.UNAUTHENTICATED, 'no valid token')
        return answer().SerializeToString()

    return guarded


def _connected(*flags):
    options = parser().parse_args(['predict', 'face.jpg', *map(str, flags)])
    return client.connect(**arguments.server(options))


def test_tls_with_an_authority_of_ones_own_and_a_token_that_is_replaced(secure, respond, tmp_path):
    server, folder = secure
    token = tmp_path / 'token'
    token.write_text('first\n')
    respond[0] = _only_with('first')
    flags = ['--server', server, '--ca-file', folder / 'authority.pem']
    classify = _connected(*flags, '--token-file', token)
    assert classify(_IMAGES) == [('female', 0.75), ('male', 0.25)]
    respond[0] = _only_with('second')
    with pytest.raises(InputError, match=r'refuses this caller \(no valid token\); see --token-file'):
        classify(_IMAGES)
    token.write_text('second\n')
    assert classify(_IMAGES) == [('female', 0.75), ('male', 0.25)]
    with pytest.raises(InputError, match='refuses this caller'):
        _connected(*flags)(_IMAGES)


def test_a_server_whose_certificate_is_not_trusted_gets_no_request(secure, respond, tmp_path, monkeypatch):
    monkeypatch.setattr(client, '_CHANNEL', ())  # without repetitions, which take three seconds each
    server, folder = secure
    calls = []
    respond[0] = lambda request, context: calls.append(request) or answer().SerializeToString()
    certificate.write(tmp_path, ['localhost'])
    _, _, port = server.rpartition(':')
    untrusting = [
        ['--server', server, '--tls'],
        ['--server', server, '--ca-file', tmp_path / 'authority.pem'],
        ['--server', f'127.0.0.1:{port}', '--ca-file', folder / 'authority.pem'],  # not the name in the certificate
        ['--server', server],
    ]
    for flags in untrusting:
        with pytest.raises(InputError, match=r'cannot be reached .*does it use TLS \(--tls, --ca-file\)') as caught:
            _connected(*flags, '--timeout', '20')(_IMAGES)
        assert str(caught.value).isprintable()
    assert calls == []


@pytest.mark.parametrize(('flag', 'content', 'message'), [
    ('--ca-file', None, r'--ca-file .*: cannot be read \(No such file'),
    ('--ca-file', 'text', 'expected certificates in PEM format'),
    ('--token-file', '', 'expected one bearer token'),
    ('--token-file', 'one\ntwo', 'expected one bearer token'),
])  # fmt: skip
def test_unusable_files_are_errors_before_the_first_request(tmp_path, flag, content, message):
    file = tmp_path / 'file'
    if content is not None:
        file.write_text(content)
    with pytest.raises(InputError, match=message):
        _connected('--server', 'localhost:1', flag, file)
