# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict --server` against a real gRPC server with the model of a finished run."""

import csv
import io
import json
import socket

import numpy as np
import pytest
from PIL import Image

from components.errors import InputError, RunError
from pipeline.model import request_validation
from pipeline.serving import client, predict
from pipeline.serving.image_files import Source
from tests.fakes.serving_server import serving


@pytest.fixture(scope='module')
def model(finished):
    return finished.output / 'serving' / 'gender_classifier'


@pytest.fixture(scope='module')
def server(model):
    with serving(model, 'gender_classifier') as started:
        yield started


@pytest.fixture(scope='module')
def faces(inputs):
    return sorted((inputs.data / 'combined' / 'aligned' / '30_M').iterdir())


@pytest.mark.parametrize('form', ['--json', '--csv'])
def test_a_server_answers_as_the_model_itself(command, model, server, faces, form, tmp_path):
    bad = tmp_path / 'ba\nd.jpg'
    bad.write_bytes(b'GIF89a')
    asked = [form, faces[0].parent, bad]
    here = command('predict', '--model', model, *asked)
    there = command('predict', '--server', server[0], *asked)
    assert (here.returncode, there.returncode) == (2, 2)

    def rows(process):
        if form == '--csv':
            return list(csv.DictReader(io.StringIO(process.stdout)))
        return [json.loads(line) for line in process.stdout.splitlines()]

    answers = rows(there)
    assert [row['path'] for row in answers] == [*map(str, faces), str(bad)]
    assert answers[-1]['error'].startswith('a format other than JPEG, PNG and BMP')
    for one, other in zip(rows(here)[:-1], answers[:-1], strict=True):
        assert one['label'] == other['label']
        assert float(one['probability']) == pytest.approx(float(other['probability']), abs=1e-6)


def test_a_long_list_goes_in_batches(server, faces):
    before = server[1].calls
    answers = list(predict.predict(client.connect(server[0]), (Source(str(faces[0])) for _ in range(70))))
    assert server[1].calls - before == 3
    assert len(answers) == 70
    assert len({answer.probability for answer in answers}) <= 2  # one image, in batches of two sizes


def test_an_image_that_only_the_model_refuses_is_no_fault_of_the_others(server, faces):
    ask = client.connect(server[0])
    good = faces[0].read_bytes()
    with pytest.raises(predict.Refused, match=r'instances counted from 0:\] \[1\]'):
        ask([good, b'no image', good])
    answers = predict._ask(ask, [good, b'no image', good])
    assert answers[0] == answers[2] == ask([good])[0]
    assert request_validation.MESSAGE in answers[1]


def test_the_exported_model_refuses_in_the_same_words(model, faces):
    ask = predict.load(model)
    with pytest.raises(predict.Refused, match=r'instances counted from 0:\] \[0\]'):
        ask([b'no image', faces[0].read_bytes()])


def test_an_unreachable_server_is_one_line(command, faces):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        process = command('predict', '--server', f'127.0.0.1:{free.getsockname()[1]}', faces[0])
    assert process.returncode == 2
    assert len(process.stderr.splitlines()) == 1
    assert 'cannot be reached' in process.stderr


def test_other_failures_of_a_server_say_what_to_do(server, faces, monkeypatch):
    image = [faces[0].read_bytes()]
    with pytest.raises(InputError, match='has no model other'):
        client.connect(server[0], 'other')(image)
    with pytest.raises(InputError, match='has no model'):
        client.connect(server[0], version=1)(image)
    monkeypatch.setattr(client.features, 'SERVING', 'no_such_signature')
    with pytest.raises(InputError, match='is not one of this pipeline'):
        client.connect(server[0])(image)
    with pytest.raises(InputError, match=r'--server localhost: expected HOST:PORT'):
        client.connect('localhost')


def test_a_server_that_does_not_answer_in_time(faces):
    with socket.socket() as silent:  # accepts connections, never speaks
        silent.bind(('127.0.0.1', 0))
        silent.listen()
        ask = client.connect(f'127.0.0.1:{silent.getsockname()[1]}', timeout=0.5)
        with pytest.raises(RunError, match=r'no answer within 0\.5 s; see --timeout'):
            ask([faces[0].read_bytes()])


def test_messages_larger_than_grpcs_default_arrive(server, tmp_path):
    """Noise hardly compresses: 2,000 x 1,500 pixels are more than the 4 MB that gRPC takes unless told otherwise."""
    path = tmp_path / 'large.png'
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), dtype=np.uint8)).save(path)
    assert path.stat().st_size > 4 << 20
    (answer,) = predict.predict(client.connect(server[0]), [Source(str(path))])
    assert answer.error is None
