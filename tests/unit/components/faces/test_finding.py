# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The detectors on real faces, upright and in photographs."""

import io
import os
import random

import numpy as np
import pytest
from PIL import Image

from components.errors import InputError
from components.faces import detector as faces, finding, loading
from components.faces.caffe_detector import CaffeDetector
from components.stratified_example_gen import images
from tests.tools import photographs


def _open(path):
    return Image.open(path).convert('RGB')


def test_the_template_is_that_measured_elsewhere(real_framing):
    """In 200×200 pixels: eyes (60, 58) and (137, 58), nose (97, 104), mouth (62, 137) and (134, 137)."""
    known = [(60, 58), (137, 58), (97, 104), (62, 137), (134, 137)]
    np.testing.assert_allclose(np.array(real_framing.landmarks) * 200, known, atol=3)
    assert real_framing.found >= 39
    assert real_framing.detector.startswith('mtcnn 1.')


def test_batches_and_single_pictures_agree(detector, crops):
    pictures = [np.asarray(_open(path)) for path in crops[:4]] + [np.zeros((200, 200, 3), np.uint8)]
    together = detector.detect(pictures, faces.CROP)
    assert together[4] == []
    for picture, found in zip(pictures, together, strict=True):
        for one, other in zip(detector.detect([picture], faces.CROP), [found], strict=True):
            assert len(one) == len(other)
            for a, b in zip(one, other, strict=True):
                np.testing.assert_allclose(a.landmarks, b.landmarks, atol=1e-3)


def test_a_turned_face_in_a_photograph_comes_back_to_its_place(detector, real_framing, crops):
    """Landmarks found in the aligned crop lie on the template, whatever the picture was like."""
    draw_from = random.Random(3)
    pictures = [
        photographs.encoded(photographs.photograph(_open(path), times, degrees, draw_from), orientation)
        for path, times, degrees, orientation in zip(
            crops[40:46], (2, 3, 2, 3, 2, 2), (0, 0, 25, -30, 10, 0), (1, 1, 1, 1, 6, 3), strict=True
        )
    ]
    upright = [images.as_displayed(picture) for picture in pictures]
    found = finding.find(detector, upright, finding.PHOTOGRAPHS)
    assert [len(one) for one in found] == [1] * 6
    sizes = [images.upright_size(picture) for picture in upright]
    assert not any(real_framing.matches(one[0], *size) for one, size in zip(found, sizes, strict=True))
    aligned = [finding.aligned(data, one[0], real_framing) for data, one in zip(upright, found, strict=True)]
    again = finding.find(detector, aligned, finding.CROPS)
    assert [Image.open(io.BytesIO(data)).size for data in aligned] == [(200, 200)] * 6
    assert all(real_framing.distance(one[0], 200, 200) < real_framing.limit for one in again)


def test_three_pasted_faces_are_three(detector, crops):
    picture = photographs.background(900, random.Random(5))
    places = [(40, 60), (500, 100), (250, 600)]
    for path, place in zip(crops[50:53], places, strict=True):
        picture.paste(_open(path), place)
    (found,) = finding.find(detector, [photographs.encoded(picture)], finding.PHOTOGRAPHS)
    centres = sorted(((one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2) for one in found)
    np.testing.assert_allclose(centres, sorted((x + 100, y + 86) for x, y in places), atol=20)


def test_a_file_named_like_the_weights_is_not_loaded(detector, tmp_path, monkeypatch):
    """The package loads pickled weights from the working directory first."""
    (tmp_path / 'pnet.lz4').write_bytes(b'no weights')
    monkeypatch.chdir(tmp_path)
    loading.load()
    assert os.listdir(tmp_path) == ['pnet.lz4']


def test_a_caffe_detector_gives_boxes(shared, crops, real_framing):
    folder = shared / 'models/res10_face_detector'
    caffe = CaffeDetector(folder / 'deploy.prototxt', folder / 'res10_300x300_ssd_iter_140000.caffemodel')
    draw_from = random.Random(1)
    data = [photographs.encoded(photographs.photograph(_open(path), 2, 0, draw_from)) for path in crops[40:44]]
    found = finding.find(caffe, data, finding.PHOTOGRAPHS)
    assert [len(one) for one in found] == [1] * 4
    assert all(one[0].landmarks is None and one[0].confidence > 0.9 for one in found)
    assert not any(real_framing.matches(one[0], 400, 400) for one in found)
    sides = [one[0].box[2] - one[0].box[0] for one in found]
    assert np.median(sides) == pytest.approx(162, abs=16)  # mtcnn's on the same crops


def test_a_network_that_is_no_detector_is_refused(shared):
    folder = shared / 'models/lenet_v1'
    with pytest.raises(InputError, match=r'lenet\.prototxt: expected a network from an image to DetectionOutput'):
        CaffeDetector(folder / 'lenet.prototxt', folder / 'lenet_iter_10000.caffemodel')


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(loading, 'PACKAGE', 'no-such-package')
    with pytest.raises(InputError, match=r'no-such-package is not installed; install this project.s extra \[faces\]'):
        loading.load()
