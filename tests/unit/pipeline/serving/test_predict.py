# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Predictions for files with a substitute for the model: order, batches, bad files and rejected images."""

import io

import numpy as np
import pytest
from PIL import Image

from components.errors import InputError
from pipeline.serving import predict
from pipeline.serving.image_files import Source
from pipeline.serving.predict import ImageRejected, Prediction


@pytest.fixture
def files(tmp_path):
    """70 PNG images; image n has the grey level n."""
    paths = [tmp_path / f'{level}.png' for level in range(70)]
    for level, path in enumerate(paths):
        Image.new('L', (40, 40), level).save(path)
    return [Source(str(path)) for path in paths]


def _level(image: bytes) -> int:
    return int(np.asarray(Image.open(io.BytesIO(image)).convert('L'))[0, 0])


class _Model:
    """A classifier that answers with the grey level; it rejects requests with the levels `bad`."""

    def __init__(self, *bad: int):
        self.bad, self.sizes = bad, []

    def __call__(self, images):
        self.sizes.append(len(images))
        levels = [_level(image) for image in images]
        if set(levels) & set(self.bad):
            raise ImageRejected('not an image')
        return [('female', level / 100) for level in levels]


def test_answers_come_in_order_and_requests_are_batched(files):
    model = _Model()
    found = list(predict.predict(model, files))
    assert found == [Prediction(source.path, 'female', level / 100) for level, source in enumerate(files)]
    assert model.sizes == [32, 32, 6]


def test_a_rejected_image_is_an_error_only_for_itself(files):
    found = list(predict.predict(_Model(3), files[:5]))
    assert [answer.probability for answer in found] == [0, 0.01, 0.02, None, 0.04]
    assert found[3] == Prediction(files[3].path, error='rejected by the model (not an image)')


def test_bad_files_are_errors_in_their_place_and_not_sent(files, tmp_path):
    (tmp_path / 'text.jpg').write_bytes(b'not an image')
    sources = [
        Source(str(tmp_path / 'text.jpg')), files[7], Source(str(tmp_path / 'gone.jpg')), Source('a/*', 'no match'),
    ]  # fmt: skip
    model = _Model()
    text, good, gone, pattern = predict.predict(model, sources)
    assert model.sizes == [1]
    assert good.probability == 0.07
    assert text.error and text.label is None
    assert gone.error == 'cannot be read (No such file or directory)'
    assert pattern.as_dict() == {'path': 'a/*', 'error': 'no match'}


def test_the_reason_of_a_tensorflow_error_is_its_first_line_about_the_request():
    message = 'Graph execution error:\n\nDetected at node Assert\n<stack traces>\nassertion failed: [bad] [1]\n'
    assert predict._reason(message) == 'assertion failed: [bad] [1]'
    assert predict._reason('') == 'no reason given'


def test_the_model_of_a_run_directory_is_the_newest_version_that_it_serves(tmp_path):
    serving = tmp_path / 'serving' / 'gender_classifier'
    for version in ('9', '10'):
        (serving / version).mkdir(parents=True)
        (serving / version / 'saved_model.pb').touch()
    found = [predict.version_folder(folder) for folder in (tmp_path, serving, serving / '9')]
    assert found == [serving / '10', serving / '10', serving / '9']
    with pytest.raises(
        InputError, match=r'not a SavedModel .* and no run directory with a pushed model; give serving/'
    ):
        predict.version_folder(tmp_path / 'serving')
