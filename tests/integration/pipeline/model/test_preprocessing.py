# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`preprocessing_fn` run by TensorFlow Transform on Beam, compared with numpy."""

import functools
import io

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam import Create, Pipeline
from apache_beam.options.pipeline_options import PipelineOptions
from PIL import Image
from tensorflow_transform.tf_metadata import dataset_metadata

from components.errors import RunError
from pipeline.model.preprocessing import check_analysed, decode, preprocessing_fn
from pipeline.runners.beam import options as beam_options

_HEIGHT, _WIDTH = 20, 28


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, 'PNG')
    return stream.getvalue()


@pytest.fixture(scope='module')
def pixels():
    """RGB images of the network's input size, which resizing leaves unchanged; uint8 [37, H, W, 3]."""
    return np.random.default_rng(1).integers(0, 256, (37, _HEIGHT, _WIDTH, 3), dtype=np.uint8)


@pytest.fixture(scope='module')
def layer(tmp_path_factory, pixels):
    """A Transform graph analysed over the first 30 images."""
    folder = tmp_path_factory.mktemp('transform')
    spec = dataset_metadata.DatasetMetadata.from_feature_spec({'image': tf.io.FixedLenFeature([], tf.string)})
    with (
        Pipeline(options=PipelineOptions(beam_options.local_args())) as pipeline,
        tft_beam.Context(str(folder / 'tmp')),
    ):
        images = pipeline | Create([{'image': _png(image)} for image in pixels[:30]])
        function = functools.partial(preprocessing_fn, custom_config={'height': _HEIGHT, 'width': _WIDTH})
        graph = (images, spec) | tft_beam.AnalyzeDataset(function)
        _ = graph | tft_beam.WriteTransformFn(str(folder / 'graph'))
    return tft.TFTransformOutput(str(folder / 'graph')).transform_features_layer()


def test_the_mean_image_equals_numpys_over_the_analysed_images_only(layer, pixels):
    got = layer({'image': tf.constant([_png(image) for image in pixels])})['image'].numpy()
    bgr = pixels[..., ::-1].astype(np.float64)
    np.testing.assert_allclose(got, bgr - bgr[:30].mean(axis=0), atol=2e-5)
    assert got.dtype == np.float32


def test_the_number_of_analysed_images_is_compared_with_the_ingestion(layer, tmp_path):
    account = tmp_path / 'ingestion_summary.json'
    account.write_text('{"splits": {"train": {"male": 20, "female": 10}}}')
    check_analysed(layer, str(tmp_path / 'Split-train'))
    account.write_text('{"splits": {"train": {"male": 20, "female": 11}}}')
    with pytest.raises(RunError, match='Split-train: 30 examples, but 31 were ingested'):
        check_analysed(layer, str(tmp_path / 'Split-train'))
    check_analysed(lambda inputs: inputs, str(tmp_path / 'Split-train'))  # a fixed mean


def test_gray_images_have_three_equal_channels():
    gray = np.random.default_rng(2).integers(0, 256, (_HEIGHT, _WIDTH), dtype=np.uint8)
    got = decode(tf.constant(_png(gray)), _HEIGHT, _WIDTH).numpy()
    np.testing.assert_array_equal(got, np.repeat(gray[..., np.newaxis], 3, axis=-1))


def test_resizing_is_bilinear_with_half_pixel_centres_and_no_antialias():
    image = np.random.default_rng(3).integers(0, 256, (50, 31, 3), dtype=np.uint8)
    got = decode(tf.constant(_png(image)), _HEIGHT, _WIDTH).numpy()

    def weights(target: int, source: int) -> np.ndarray:
        """[target, source]: weight of each source pixel in each target pixel."""
        centre = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
        low = np.minimum(centre.astype(int), source - 2)
        matrix = np.zeros((target, source))
        matrix[np.arange(target), low] = 1 - (centre - low)
        matrix[np.arange(target), low + 1] = centre - low
        return matrix

    rows, columns = weights(_HEIGHT, 50), weights(_WIDTH, 31)
    expected = np.einsum('ts,swc,vw->tvc', rows, image.astype(float), columns)[..., ::-1]
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_a_fixed_mean_is_subtracted_from_every_pixel_without_analysis(pixels):
    mean = [93.594, 104.7624, 129.1863]
    config = {'height': _HEIGHT, 'width': _WIDTH, 'transform': {'mean': 'fixed', 'mean_bgr': mean}}
    got = preprocessing_fn({'image': tf.constant([_png(image) for image in pixels[:3]])}, config)['image'].numpy()
    np.testing.assert_allclose(got, pixels[:3, ..., ::-1] - np.array(mean), atol=2e-5)
    assert got.dtype == np.float32
