# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Small networks on disk, and how a converted one is compared with an oracle."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from components.caffe_converter import vgg_face_prototxt, write_random_caffemodel

TOLERANCE = 1e-4


@pytest.fixture
def make_net(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """A prototxt's text → its path and that of a .caffemodel of random weights."""

    def make(text: str, generation: str = 'v2', input_scale: float = 1.0) -> tuple[Path, Path]:
        prototxt, caffemodel = tmp_path / 'net.prototxt', tmp_path / 'net.caffemodel'
        prototxt.write_text(text)
        write_random_caffemodel(prototxt, caffemodel, seed=7, generation=generation, input_scale=input_scale)
        return prototxt, caffemodel

    return make


@pytest.fixture(scope='session')
def small_vgg(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """VGG-Face of an eighth of the width on 64×64 pixels, with its fully-connected layers: V1."""
    folder = tmp_path_factory.mktemp('vgg')
    prototxt, caffemodel = folder / 'vgg.prototxt', folder / 'vgg.caffemodel'
    prototxt.write_text(vgg_face_prototxt(8, True, 64, 40, 11))
    write_random_caffemodel(prototxt, caffemodel, seed=1)
    return prototxt, caffemodel


@pytest.fixture(scope='session')
def relative_error() -> Callable[[object, np.ndarray], float]:
    """(Keras output, Caffe-ordered oracle output) → largest difference over the oracle's largest value."""

    def error(output: object, want: np.ndarray) -> float:
        got = np.asarray(output)
        got = got.transpose(0, 3, 1, 2) if got.ndim == 4 else got
        assert got.shape == want.shape
        assert np.isfinite(want).all() and np.abs(want).max() > 1e-6  # an oracle of zeros would prove nothing
        return float(np.abs(got - want).max() / np.abs(want).max())

    return error


@pytest.fixture(scope='session')
def opencv() -> Callable[..., list[np.ndarray]]:
    """(prototxt, caffemodel, input, blob names) → OpenCV's output for each blob."""

    def run(prototxt: Path, caffemodel: Path, x: np.ndarray, blobs: list[str]) -> list[np.ndarray]:
        network = cv2.dnn.readNetFromCaffe(str(prototxt), str(caffemodel))
        network.enableFusion(False)  # or the outputs of fused layers are not their own
        network.setInput(x)
        # A copy: OpenCV reuses its buffers.
        return [value.copy() for value in (network.forward(blobs) if blobs else [network.forward()])]

    return run
