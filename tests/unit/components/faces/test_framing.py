# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The framing of drawn numbers: template, limit, crops, files."""

import json

import numpy as np
import pytest
from PIL import Image

from components.errors import InputError
from components.faces import alignment, framing
from components.faces.detector import Face

_TEMPLATE = np.array([(0.3, 0.29), (0.68, 0.29), (0.48, 0.52), (0.31, 0.68), (0.67, 0.68)])


def _face(points, size):
    points = np.array(points) * size
    low, high = points.min(axis=0), points.max(axis=0)
    return Face((*low, *high), 0.99, tuple(map(tuple, points.tolist())))


@pytest.fixture(scope='module')
def measured():
    """40 faces with noise of a hundredth of the side, two far away, and two pictures without."""
    rng = np.random.default_rng(0)
    faces = [((200, 250), _face(_TEMPLATE + rng.normal(0, 0.01, (5, 2)), (200, 250))) for _ in range(40)]
    far = [((200, 250), _face(_TEMPLATE * 0.4, (200, 250)))] * 2
    return framing.measure([*faces, *far, ((200, 250), None), ((200, 250), None)], 'test 1')


def test_the_template_is_the_median_and_far_faces_do_not_move_it(measured):
    assert (measured.images, measured.found, measured.size) == (44, 42, (200, 250))
    np.testing.assert_allclose(measured.landmarks, _TEMPLATE, atol=0.01)
    assert measured.distances[-2:] == (1.0, 1.0)  # without a face
    assert (len(measured.distances), sorted(measured.distances)) == (44, [*measured.distances])
    assert measured.spread == pytest.approx(0.01 * np.sqrt(2), rel=0.2)  # of two coordinates


def test_a_face_elsewhere_is_framed_differently(measured):
    assert measured.matches(_face(_TEMPLATE, (400, 500)), 400, 500)
    half = _face(_TEMPLATE / 2 + 0.25, (400, 500))
    assert not measured.matches(half, 400, 500)
    assert measured.distance(half, 400, 500) == pytest.approx(
        np.sqrt(((_TEMPLATE / 2 + 0.25 - np.array(measured.landmarks)) ** 2).sum(axis=1).mean())
    )


def test_a_crop_puts_the_landmarks_onto_the_template(measured):
    """A red dot at each landmark of a turned face comes to its place in the crop."""
    turn = np.array([[0.9, -0.5], [0.5, 0.9]])
    points = (_TEMPLATE * (200, 250)) @ turn.T * 1.5 + (300, 100)
    picture = Image.new('RGB', (900, 800), 'white')
    for x, y in points:
        picture.paste('red', (round(x) - 4, round(y) - 4, round(x) + 4, round(y) + 4))
    crop = np.asarray(alignment.crop(picture, measured.matrix(_face(points, 1)), measured.size), int)
    assert crop.shape == (250, 200, 3)
    for x, y in np.array(measured.landmarks) * (200, 250):
        assert crop[round(y), round(x), 1] < 60


def test_a_box_without_landmarks_is_scaled(measured):
    left, _, right, bottom = np.array(measured.box) * (200, 250, 200, 250) * 2 + (30, 40, 30, 40)
    matrix = measured.matrix(Face((left, 0, right, bottom), 0.9))
    np.testing.assert_allclose(matrix, [[0.5, 0, -15], [0, 0.5, -20]], atol=1e-9)


def test_a_framing_survives_its_file(measured):
    assert framing.Framing.from_json(measured.to_json(), 'x') == measured


@pytest.mark.parametrize(
    'change', [{'landmarks': [[0.1, 0.2]]}, {'size': [0, 200]}, {'box': None}, {'limit': 'x'}, {'more': 1}]
)
def test_another_file_is_refused_by_name(measured, change):
    with pytest.raises(InputError, match=r'^file\.json: not the framing of a model'):
        framing.Framing.from_json(json.dumps(json.loads(measured.to_json()) | change), 'file.json')
    with pytest.raises(InputError, match=r'^file\.json: not the framing'):
        framing.Framing.from_json('[', 'file.json')


def test_pictures_without_faces_have_no_framing():
    with pytest.raises(InputError, match=r'finds a face in only 1 of 21 training images'):
        framing.measure([((9, 9), None)] * 20 + [((9, 9), _face(_TEMPLATE, 9))], 'test 1')
