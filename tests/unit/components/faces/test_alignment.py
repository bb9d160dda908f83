# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Similarity transforms and crops, compared with OpenCV."""

import cv2
import numpy as np
import pytest
from PIL import Image

from components.faces import alignment

_TARGET = [(60.0, 58.0), (137.0, 58.0), (97.0, 104.0), (62.0, 137.0), (134.0, 137.0)]


def _matrix(scale, degrees, x, y):
    a, b = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return np.array([[a, -b, x], [b, a, y]])


def _inverse(matrix):
    return cv2.invertAffineTransform(matrix)


@pytest.mark.parametrize('matrix', [_matrix(0.5, 30, 10, -4), _matrix(3, -120, 500, 2), _matrix(1, 0, 0, 0)])
def test_an_exact_similarity_is_found(matrix):
    source = alignment.apply(_inverse(matrix), _TARGET)
    for find in (alignment.least_squares, alignment.similarity):
        np.testing.assert_allclose(find(source.tolist(), _TARGET), matrix, atol=1e-9)


def test_least_squares_are_opencvs_where_no_point_is_an_outlier():
    """With two points each transform is exact; with noise on five, no parameter change lowers the sum of squares."""
    noisy = np.array(_TARGET) + np.random.default_rng(0).normal(0, 2, (5, 2))
    found = alignment.least_squares(noisy.tolist(), _TARGET)

    def squares(matrix):
        return ((alignment.apply(matrix, noisy) - np.array(_TARGET)) ** 2).sum()

    theirs, _ = cv2.estimateAffinePartial2D(noisy, np.array(_TARGET), method=cv2.RANSAC, ransacReprojThreshold=1e3)
    np.testing.assert_allclose(found, theirs, atol=1e-3)
    assert squares(found) <= squares(theirs) + 1e-9


def test_an_outlier_does_not_count():
    matrix = _matrix(0.8, 12, 3, 5)
    source = alignment.apply(_inverse(matrix), _TARGET)
    source[2] += (60, -30)  # the nose
    np.testing.assert_allclose(alignment.similarity(source.tolist(), _TARGET), matrix, atol=1e-9)
    theirs, _ = cv2.estimateAffinePartial2D(source, np.array(_TARGET), method=cv2.LMEDS)
    np.testing.assert_allclose(theirs, matrix, atol=1e-6)
    assert abs(alignment.least_squares(source.tolist(), _TARGET) - matrix).max() > 1


def test_coincident_points_give_a_finite_transform():
    assert np.isfinite(alignment.similarity([(5.0, 5.0)] * 5, _TARGET)).all()


@pytest.fixture(scope='module')
def picture():
    """A smooth picture of 300×240 pixels, so that interpolation methods hardly differ."""
    noise = np.random.default_rng(1).integers(0, 256, (24, 30, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((300, 240), Image.Resampling.BICUBIC)


@pytest.mark.parametrize('degrees', [0, 17, -140])
@pytest.mark.parametrize('scale', [1.0, 1.7])
def test_crops_are_opencvs(picture, scale, degrees):
    centre = alignment.apply(_matrix(scale, degrees, 0, 0), [(150, 120)])[0]
    matrix = _matrix(scale, degrees, *(50 - centre))  # the picture's centre comes to the crop's
    ours = np.asarray(alignment.crop(picture, matrix, (100, 100)), float)
    # OpenCV's coordinates are of pixel centres, ours of their upper left corners.
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    theirs = cv2.warpAffine(np.asarray(picture), shifted, (100, 100), flags=cv2.INTER_CUBIC).astype(float)
    assert abs(ours - theirs).mean() < 1
    assert abs(ours - theirs).max() < 12


def test_shrinking_averages_and_edges_continue():
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    stripes[:, 390:] = 255
    crop = np.asarray(alignment.crop(Image.fromarray(stripes), _matrix(0.1, 0, 0, 0), (60, 30)))
    assert abs(crop[:, 2:37].astype(int) - 127).max() <= 3  # without averaging: 0 or 255
    assert (crop[:, 42:] == 255).all()  # 20 columns beyond the right edge
