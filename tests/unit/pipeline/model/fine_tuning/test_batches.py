# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Augmentation compared with numpy, and its randomness."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from components.errors import RunError
from components.fine_tuner.settings import Settings
from pipeline.model import preprocessing
from pipeline.model.fine_tuning import batches
from pipeline.model.preprocessing import decode
from pipeline.model.settings import TransformSettings
from tests.fixtures.fine_tuning_task import HEIGHT, SEED, SETTINGS, WIDTH, write


@pytest.fixture
def image():
    return np.random.default_rng(0).uniform(0, 255, (HEIGHT, WIDTH, 3)).astype(np.float32)


def _resized(window: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear with half-pixel centres and repeated edges, in float64."""

    def along(values: np.ndarray, size: int) -> np.ndarray:
        count = len(values)
        place = np.clip((np.arange(size) + 0.5) * count / size - 0.5, 0, count - 1)
        low = np.floor(place).astype(int)
        share = (place - low).reshape(-1, *[1] * (values.ndim - 1))
        return values[low] * (1 - share) + values[np.minimum(low + 1, count - 1)] * share

    rows = along(window.astype(np.float64), height)
    return along(rows.swapaxes(0, 1), width).swapaxes(0, 1)


@pytest.mark.parametrize('flip', [False, True])
@pytest.mark.parametrize(('top', 'left', 'height', 'width'), [(0, 0, 16, 20), (3, 4, 12, 15), (15, 0, 1, 20)])
def test_mirroring_and_cropping_equal_numpys(image, flip, top, left, height, width):
    got = batches.mirror_and_crop(
        tf.constant(image), tf.constant(flip), *map(tf.constant, (top, left, [height, width]))
    )
    source = image[:, ::-1] if flip else image
    expected = _resized(source[top : top + height, left : left + width], HEIGHT, WIDTH)
    np.testing.assert_allclose(got, expected, atol=1e-3)


def _augmented(image, number, **changed):
    settings = Settings(**{'flip': False, 'crop': 0.0, **changed})
    return batches.augment(tf.constant(image), tf.constant([3, number], tf.int64), settings).numpy()


def test_without_changes_an_image_keeps_every_bit(image):
    for number in range(20):
        np.testing.assert_array_equal(_augmented(image, number), image)


def test_half_of_the_images_are_mirrored(image):
    mirrored = [bool((_augmented(image, number, flip=True) == image[:, ::-1]).all()) for number in range(200)]
    kept = [bool((_augmented(image, number, flip=True) == image).all()) for number in range(200)]
    assert [not one for one in mirrored] == kept
    assert 70 < sum(mirrored) < 130


def test_windows_reach_every_edge_and_their_smallest_size():
    # Each pixel's value is its position, so that the corners of the result show the window's.
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    image = np.stack([rows, columns, rows], axis=-1)
    got = np.stack([_augmented(image, number, crop=0.25) for number in range(300)])
    top, bottom, left, right = got[:, 0, 0, 0], got[:, -1, 0, 0], got[:, 0, 0, 1], got[:, 0, -1, 1]
    assert (top.min(), bottom.max(), left.min(), right.max()) == (0, HEIGHT - 1, 0, WIDTH - 1)
    assert (bottom - top + 1).min() == HEIGHT * 0.75
    assert (right - left + 1).min() == WIDTH * 0.75
    assert len(np.unique(np.round(top))) == 5  # 0 to 4
    assert len(np.unique(np.round(left))) == 6


def test_rotating_and_shrinking_equal_opencvs(image):
    cv2 = pytest.importorskip('cv2')
    angle, scale = 0.3, 0.8
    got = batches.rotate_and_shrink(tf.constant(image), tf.constant(angle), tf.constant(scale))
    middle = ((WIDTH - 1) / 2, (HEIGHT - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, -np.degrees(angle), scale)  # OpenCV's angles are counter-clockwise
    expected = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    np.testing.assert_allclose(got, expected, atol=8)  # OpenCV rounds places to 1/32 of a pixel
    assert np.abs(got - image).mean() > 30


def test_angles_and_sizes_reach_their_limits_only():
    # A bright dot above the middle: where it lands gives the angle, how far from the middle the scale.
    image = np.zeros((65, 65, 3), np.float32)
    image[10:15, 30:35] = 255
    angles, scales = [], []
    for number in range(60):
        got = _augmented(image, number, rotation=10, zoom_out=0.2)[16 - 8 : 33, 16:49, 0]  # without the mirrored edge
        y, x = (np.average(place, weights=got) for place in np.mgrid[8:33, 16:49])
        angles.append(np.degrees(np.arctan2(x - 32, 32 - y)))
        scales.append(np.hypot(x - 32, y - 32) / 20)
    assert (min(angles), max(angles)) == pytest.approx((-10, 10), abs=1)
    assert (min(scales), max(scales)) == pytest.approx((0.8, 1), abs=0.03)


def test_brightness_and_contrast_change_within_their_limits(image):
    image = 64 + image / 2  # far from black and white
    brighter = [_augmented(image, number, brightness=0.1) - image for number in range(60)]
    assert max(float(change.std()) for change in brighter) < 1e-3
    means = [change.mean() for change in brighter]
    assert (min(means), max(means)) == pytest.approx((-25.5, 25.5), abs=2.5)
    ratios = [(_augmented(image, number, contrast=0.2).std((0, 1)) / image.std((0, 1))) for number in range(60)]
    assert np.ptp(ratios, axis=1).max() < 1e-3
    assert (np.min(ratios), np.max(ratios)) == pytest.approx((0.8, 1.2), abs=0.03)
    white = _augmented(image + 128, 1, brightness=0.5, contrast=0.5)
    assert white.min() >= 0 <= 255 == max(255, white.max())


def test_one_more_kind_of_change_leaves_the_others_as_they_were(image):
    for number in range(10):
        plain = _augmented(image, number, flip=True, crop=0.2)
        brighter = _augmented(image, number, flip=True, crop=0.2, brightness=0.05)
        inside = (brighter > 0) & (brighter < 255)
        assert np.ptp((brighter - plain)[inside]) < 1e-3


def _taken(dataset) -> tuple[np.ndarray, np.ndarray]:
    images, labels = zip(*dataset.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)[:, 0]


@pytest.fixture
def split(tmp_path):
    """Batches of 29 images, the images, the labels, and an asymmetric mean."""
    files = write(tmp_path / 'x.gz', 29, 5)
    mean = tf.constant(np.random.default_rng(1).uniform(0, 255, (HEIGHT, WIDTH, 3)), tf.float32)
    records = [
        tf.train.Example.FromString(record).features.feature
        for record in tf.data.TFRecordDataset(files, compression_type='GZIP').as_numpy_iterator()
    ]
    pixels = np.stack([decode(record['image'].bytes_list.value[0], HEIGHT, WIDTH) for record in records])
    labels = np.array([record['gender'].int64_list.value[0] for record in records])
    return batches.Batches(files, mean, 8, TransformSettings()), pixels, labels, mean.numpy()


def test_the_mean_image_is_recovered_bit_for_bit(split):
    *_, mean = split

    def layer(inputs):
        return {'image': tf.map_fn(lambda one: decode(one, HEIGHT, WIDTH), inputs['image'], tf.float32) - mean}

    np.testing.assert_array_equal(preprocessing.mean_image(layer, TransformSettings()), mean)


def test_plain_images_are_in_order_and_unchanged(split):
    data, pixels, labels, mean = split
    images, got = _taken(data.plain())
    np.testing.assert_array_equal(images, pixels - mean)
    np.testing.assert_array_equal(got, labels)


def test_each_epoch_has_each_image_once_mirrored_before_the_mean_is_subtracted(split):
    data, pixels, labels, mean = split
    images, got = _taken(data.training(0, replace(SETTINGS, crop=0.0), SEED))
    either = np.concatenate([pixels - mean, pixels[:, :, ::-1] - mean])
    found = [int(np.flatnonzero((either == image).all(axis=(1, 2, 3)))[0]) for image in images]
    assert 5 < sum(place >= 29 for place in found) < 24
    order = [place % 29 for place in found]
    assert sorted(order) == list(range(29)) != order
    np.testing.assert_array_equal(got, labels[order])


def test_an_epoch_is_reproducible_and_differs_from_other_epochs(split):
    data, *_ = split
    first, again, next_one = (_taken(data.training(epoch, SETTINGS, SEED))[0] for epoch in (0, 0, 1))
    other_seed = _taken(data.training(0, SETTINGS, SEED + 1))[0]
    np.testing.assert_array_equal(first, again)
    for other in (next_one, other_seed):
        # An image may by chance stay unchanged in both.
        assert sum((other == image).all(axis=(1, 2, 3)).any() for image in first) < 5


def test_an_empty_split_is_refused(tmp_path):
    with pytest.raises(RunError, match='no images'):
        batches.Batches(write(tmp_path / 'x.gz', 0, 5), tf.zeros([HEIGHT, WIDTH, 3]), 8, TransformSettings())


def test_other_images_than_were_ingested_are_refused(tmp_path):
    (tmp_path / 'ingestion_summary.json').write_text('{"splits": {"train": {"male": 3, "female": 2}}}')
    files = write(tmp_path / 'Split-train' / 'x.gz', 4, 5)
    with pytest.raises(RunError, match='Split-train: 4 examples, but 5 were ingested'):
        batches.Batches(files, tf.zeros([HEIGHT, WIDTH, 3]), 8, TransformSettings())
