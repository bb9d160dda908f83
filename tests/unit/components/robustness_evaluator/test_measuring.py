# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The frames compared with numpy and OpenCV, the sample, and the counts of a classifier that looks at pixels."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.robustness_evaluator import frames, measuring
from components.robustness_evaluator.measuring import Counts, Frame

_PIXELS = np.random.default_rng(0).integers(0, 256, (100, 200, 3), dtype=np.uint8)


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, 'PNG')
    return stream.getvalue()


def _changed(frame: str, pixels: np.ndarray = _PIXELS) -> np.ndarray:
    return tf.io.decode_png(frames.change(_png(pixels), frame), channels=3).numpy().astype(int)


def test_wider_and_tighter_frames_have_the_face_in_the_middle():
    wider = _changed('wider margin')
    assert wider.shape == (130, 260, 3)
    np.testing.assert_array_equal(wider[15:-15, 30:-30], _PIXELS)
    np.testing.assert_array_equal(wider[14, 30:-30], _PIXELS[0])  # mirrored at the edge
    np.testing.assert_array_equal(_changed('tighter crop'), _PIXELS[12:-12, 24:-24])


def test_light_and_colour_equal_numpys():
    assert np.abs(_changed('half as bright') - _PIXELS / 2).max() <= 0.5
    gray = _PIXELS @ [0.299, 0.587, 0.114]  # ITU-R BT.601
    assert np.abs(_changed('gray') - gray[..., None]).max() <= 1


def test_small_and_compressed_images_equal_opencvs():
    cv2 = pytest.importorskip('cv2')
    smooth = cv2.GaussianBlur(_PIXELS, (0, 0), 4)
    small = _changed('resized to 64 pixels', smooth)
    assert small.shape == (64, 128, 3)
    assert np.abs(small - cv2.resize(smooth, (128, 64), interpolation=cv2.INTER_AREA)).mean() < 2
    _, encoded = cv2.imencode('.jpg', smooth[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 30])
    expected = cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1].astype(int)
    assert np.abs(_changed('JPEG, quality 30', smooth) - expected).mean() < 1


@pytest.mark.parametrize('frame', frames.FRAMES)
@pytest.mark.parametrize('shape', [(1, 1, 3), (2, 300, 3)])
def test_every_frame_takes_images_of_any_size(frame, shape):
    assert min(_changed(frame, np.zeros(shape, np.uint8)).shape) >= 1


@pytest.fixture
def shard(tmp_path) -> str:
    """30 faces: ten men, twenty women; the brightness of each is its number times 8."""
    file = str(tmp_path / 'test.gz')
    with tf.io.TFRecordWriter(file, tf.io.TFRecordOptions(compression_type='GZIP')) as writer:
        for number in range(30):
            example = tf.train.Example()
            feature = example.features.feature
            feature['gender'].int64_list.value.append(int(number % 3 > 0))
            feature['path'].bytes_list.value.append(b'%d.jpg' % number)
            feature['image'].bytes_list.value.append(_png(np.full((20, 20, 3), number * 8, np.uint8)))
            writer.write(example.SerializeToString())
    return file


def test_the_sample_has_as_many_of_each_gender_and_never_changes(shard):
    some, more = measuring.sample([shard], 13), measuring.sample([shard], 18)
    assert [label for label, _ in some] == [0] * 6 + [1] * 6
    assert {image for _, image in some} < {image for _, image in more}
    assert [label for label, _ in measuring.sample([shard], 1000)] == [0] * 10 + [1] * 20


def test_counts_are_those_of_the_changed_pixels(shard, tmp_path):
    def classify(images):
        return [('', float(tf.io.decode_png(image).numpy().mean() > 100)) for image in images]  # bright is female

    faces = measuring.sample([shard], 1000)
    results = measuring.measure(classify, faces)
    assert [frame.name for frame in results] == [frames.UNTOUCHED, *frames.FRAMES]
    by_name = {frame.name: frame for frame in results}
    # Of 30 faces, numbers 13 to 29 are brighter than 100; half as bright, numbers 26 to 29.
    women = [number % 3 > 0 for number in range(30)]
    right = [women[number] == (number >= 13) for number in range(30)]
    dark = [women[number] == (number >= 26) for number in range(30)]
    assert by_name[frames.UNTOUCHED].both == Counts(30, sum(right), 0, 0)
    frame = by_name['half as bright']
    pairs = list(zip(right, dark, strict=True))
    assert frame.both == Counts(30, sum(dark), pairs.count((True, False)), pairs.count((False, True)))
    assert (frame.male.faces, frame.female.faces) == (10, 20)
    assert frame.change(frame.both) == pytest.approx((sum(dark) - sum(right)) / 30)
    assert by_name['wider margin'].both == by_name[frames.UNTOUCHED].both
    measuring.write(tmp_path, results)
    assert measuring.read(tmp_path) == results


def test_a_gender_without_faces_has_no_counts(shard):
    men = [face for face in measuring.sample([shard], 1000) if face[0] == 0]
    (first, *_) = measuring.measure(lambda images: [('', 0.0)] * len(images), men)
    assert first == Frame(frames.UNTOUCHED, Counts(10, 10, 0, 0), Counts(0, 0, 0, 0))
