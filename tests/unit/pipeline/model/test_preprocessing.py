# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The base's input in every order of channels and scale, against numpy."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.model import preprocessing
from pipeline.model.settings import TransformSettings

_MEAN = [90.0, 110.0, 130.0]  # blue, green, red


@pytest.mark.parametrize('scale', [1.0, 0.0078125, 1 / 255])
@pytest.mark.parametrize('channels', ['bgr', 'rgb'])
def test_pixels_minus_the_mean_are_scaled_and_ordered(channels, scale):
    settings = TransformSettings(mean='fixed', mean_bgr=_MEAN, channels=channels, scale=scale)
    rgb = np.random.default_rng(0).integers(0, 256, (3, 8, 6, 3)).astype(np.uint8)

    def transform(inputs):
        custom = {'height': 8, 'width': 6, 'transform': settings.as_dict()}
        return preprocessing.preprocessing_fn(inputs, custom)

    got = transform({'image': tf.stack([tf.io.encode_png(image) for image in rgb])})['image']
    red, green, blue = np.moveaxis(rgb.astype(np.float64), -1, 0)
    planes = {'b': blue - 90, 'g': green - 110, 'r': red - 130}
    expected = np.stack([planes[letter] for letter in channels], axis=-1) * scale
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)

    mean = preprocessing.mean_image(transform, settings)
    np.testing.assert_allclose(mean, np.broadcast_to(_MEAN, (8, 6, 3)), rtol=1e-6)
