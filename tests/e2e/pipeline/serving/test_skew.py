# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Skew between requests and the training split of a finished run."""

import io

import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance
from tensorflow_metadata.proto.v0 import statistics_pb2
from tensorflow_serving.apis import prediction_log_pb2

from components import names
from components.data_gate import comparison
from components.errors import InputError
from pipeline.serving import image_files, skew


@pytest.fixture(scope='module')
def faces(inputs):
    return sorted((inputs.data / 'combined' / 'aligned').glob('*/*'))[::3]


def _distances(finished, *paths):
    found = skew.skew(finished.output, image_files.find(map(str, paths), io.StringIO()))
    return found, {distance.feature: distance.value for distance in found.distances}


def test_the_same_faces_are_near_and_changed_faces_far(finished, faces, command, tmp_path):
    found, near = _distances(finished, *faces)
    assert found.images == len(faces)
    assert set(near) == set(names.MEASURED)
    assert max(near.values()) < 0.1
    one, _ = _distances(finished, faces[0])
    assert {distance.low for distance in one.distances} == {0.0}
    for face in faces:
        image = ImageEnhance.Brightness(Image.open(face)).enhance(0.4).resize((96, 48))
        image.save(tmp_path / f'{face.parent.name}-{face.stem}.png')
    (tmp_path / 'broken.jpg').write_bytes(b'\xff\xd8')
    found, far = _distances(finished, tmp_path)
    assert found.unusable == 1
    assert far['image_width'] > 0.9  # 48 in training, 96 here: nothing in common
    assert far['image_height'] < 0.1  # both 48
    assert far['brightness'] > 0.3

    process = command('skew', '--output', finished.output, '--requests', tmp_path)
    assert process.returncode == 1, process.stderr
    assert f'{len(faces)} requests, 1 unreadable' in process.stdout
    marked = [line.split()[0] for line in process.stdout.splitlines() if 'TOO FAR' in line]
    assert 'image_width' in marked
    assert 'image_height' not in marked
    fine = command('skew', '--output', finished.output, '--requests', faces[0])
    assert (fine.returncode, fine.stderr) == (0, '')
    assert '1 requests are too few to tell' in fine.stdout


@pytest.mark.parametrize('suffix', ['.tfrecord', '.tfrecord.gz'])
def test_logged_requests_give_the_same_distances_as_their_images(finished, faces, tmp_path, suffix):
    path = str(tmp_path / f'requests{suffix}')
    with tf.io.TFRecordWriter(path, 'GZIP' if suffix.endswith('.gz') else None) as writer:
        for start in range(0, len(faces), 10):
            log = prediction_log_pb2.PredictionLog()
            images = [face.read_bytes() for face in faces[start : start + 10]]
            log.predict_log.request.inputs['image_bytes'].CopyFrom(tf.make_tensor_proto(images))
            writer.write(log.SerializeToString())
        writer.write(prediction_log_pb2.PredictionLog().SerializeToString())
    assert _distances(finished, path) == _distances(finished, *faces)


def test_requests_without_images_are_refused(finished, tmp_path):
    (tmp_path / 'log.tfrecord').write_bytes(b'not a record' * 9)
    with pytest.raises(InputError, match=r'log\.tfrecord: not a TFRecord file of PredictionLog'):
        _distances(finished, tmp_path / 'log.tfrecord')
    with pytest.raises(InputError, match=r'no image among 1 requests \(.*none\.jpg: cannot be read \(No such file'):
        _distances(finished, tmp_path / 'none.jpg')


def test_the_statistics_of_a_run_have_genders_and_fine_quantiles(finished):
    (file,) = finished.output.rglob('Split-train/FeatureStats.pb')
    found = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
    whole, women = comparison.overall(found), comparison.of_gender(found, names.FEMALE)
    assert women.num_examples + comparison.of_gender(found, names.MALE).num_examples == whole.num_examples
    (sharpness,) = (feature for feature in women.features if feature.path.step[0] == 'sharpness')
    assert max(len(histogram.buckets) for histogram in sharpness.num_stats.histograms) == comparison.QUANTILES
