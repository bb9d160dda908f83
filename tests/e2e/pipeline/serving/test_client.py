# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`predict --server` with a real gRPC server that serves the model of a finished run."""

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
def test_a_server_answers_as_the_local_model(command, model, server, faces, form, tmp_path):
    bad = tmp_path / 'ba\nd.jpg'
    bad.write_bytes(b'GIF89a')
    arguments = [form, faces[0].parent, bad]
    here = command('predict', '--model', model, *arguments)
    there = command('predict', '--server', server[0], *arguments)
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


def test_an_image_that_the_model_rejects_does_not_affect_the_others(server, faces):
    classify = client.connect(server[0])
    good = faces[0].read_bytes()
    with pytest.raises(predict.ImageRejected, match=r'instances counted from 0:\] \[1\]'):
        classify([good, b'no image', good])
    answers = predict._answers_or_errors(classify, [good, b'no image', good])
    assert answers[0] == answers[2] == classify([good])[0]
    assert request_validation.MESSAGE in answers[1]


def test_the_exported_model_rejects_with_the_same_message(model, faces):
    classify = predict.load(model)
    with pytest.raises(predict.ImageRejected, match=r'instances counted from 0:\] \[0\]'):
        classify([b'no image', faces[0].read_bytes()])


def test_an_unreachable_server_is_a_one_line_error(command, faces):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        process = command('predict', '--server', f'127.0.0.1:{free.getsockname()[1]}', faces[0])
    assert process.returncode == 2
    assert len(process.stderr.splitlines()) == 1
    assert 'cannot be reached' in process.stderr
    assert process.stdout == ''  # no header of a table before the error


def test_other_failures_of_a_server_are_explained(server, faces, monkeypatch):
    image = [faces[0].read_bytes()]
    with pytest.raises(InputError, match='has no model other'):
        client.connect(server[0], 'other')(image)
    with pytest.raises(InputError, match='has no model'):
        client.connect(server[0], version=1)(image)
    monkeypatch.setattr(client.names, 'SERVING', 'no_such_signature')
    with pytest.raises(InputError, match='is not one of this pipeline'):
        client.connect(server[0])(image)
    with pytest.raises(InputError, match=r'--server localhost: expected HOST:PORT'):
        client.connect('localhost')


def test_a_server_that_does_not_answer_in_time(faces):
    with socket.socket() as silent:  # accepts connections, never answers
        silent.bind(('127.0.0.1', 0))
        silent.listen()
        classify = client.connect(f'127.0.0.1:{silent.getsockname()[1]}', timeout=0.5)
        with pytest.raises(RunError, match=r'no answer within 0\.5 s; see --timeout'):
            classify([faces[0].read_bytes()])


def test_requests_above_grpcs_default_limit_are_answered(server, tmp_path):
    """A PNG of noise, 2,000 x 1,500 pixels, exceeds gRPC's default limit of 4 MB."""
    path = tmp_path / 'large.png'
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), dtype=np.uint8)).save(path)
    assert path.stat().st_size > 4 << 20
    (answer,) = predict.predict(client.connect(server[0]), [Source(str(path))])
    assert answer.error is None
