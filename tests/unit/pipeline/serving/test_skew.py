# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The framing of requests compared with that of the training images, on real faces."""

import random

import pytest
from PIL import Image
from scipy import stats

from components.data_gate import comparison
from pipeline.serving import skew
from tests.tools import photographs


def test_photographs_are_far_from_crops_and_crops_are_near(detector, real_framing, crops):
    near, far = skew._Landmarks(real_framing), skew._Landmarks(real_framing)
    draw_from = random.Random(2)
    for path in crops[40:60]:
        near.add(path.read_bytes())
        picture = photographs.photograph(Image.open(path).convert('RGB'), 2, 0, draw_from)
        far.add(photographs.encoded(picture))
    assert near.distance().low == 0
    assert far.distance().value > 0.9
    assert far.distance().low > 0.2
    assert far.distance().feature == 'framing'


def test_two_samples_are_compared_as_scipy_does():
    draw_from = random.Random(0)
    one, other = ([draw_from.gauss(mean, 1) for _ in range(number)] for mean, number in ((0, 200), (0.8, 90)))
    found = comparison.of_samples('x', one, other)
    assert found.value == pytest.approx(stats.ks_2samp(one, other, method='exact').statistic)
    assert found.margin == comparison.margin(200, 90)
