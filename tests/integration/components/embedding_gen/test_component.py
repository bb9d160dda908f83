# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""EmbeddingGen's executor on Beam, with a Transform graph made by TensorFlow Transform."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam import Create, Pipeline
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_transform.tf_metadata import dataset_metadata
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts

from components.embedding_gen.executor import Executor
from components.embedding_gen.settings import Settings
from pipeline.model.preprocessing import preprocessing_fn
from pipeline.runners.beam import options as beam_options


@pytest.fixture(scope='module')
def transform_graph(tmp_path_factory, jpegs):
    """A TransformGraph artifact over the first 20 images."""
    folder = tmp_path_factory.mktemp('transform')
    spec = dataset_metadata.DatasetMetadata.from_feature_spec({'image': tf.io.FixedLenFeature([], tf.string)})
    with (
        Pipeline(options=PipelineOptions(beam_options.local_args())) as pipeline,
        tft_beam.Context(str(folder / 'tmp')),
    ):
        images = pipeline | Create([{'image': image} for image in jpegs[:20]])
        function = functools.partial(preprocessing_fn, custom_config={'height': 24, 'width': 32})
        graph = (images, spec) | tft_beam.AnalyzeDataset(function)
        _ = graph | tft_beam.WriteTransformFn(str(folder / 'graph'))
    artifact = standard_artifacts.TransformGraph()
    artifact.uri = str(folder / 'graph')
    return artifact


def test_embeddings_through_beam_equal_the_model_called_directly(
    tmp_path, small_base, transform_graph, jpegs, write_records
):
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path / 'examples')
    examples.split_names = '["train", "test"]'
    examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
    parts = {
        'Split-train/data_tfrecord-00000-of-00002.gz': jpegs[:20],
        'Split-train/data_tfrecord-00001-of-00002.gz': jpegs[20:31],
        'Split-test/data_tfrecord-00000-of-00001.gz': jpegs[31:],
    }
    for name, images in parts.items():
        write_records(tmp_path / 'examples' / name, images)
    base = standard_artifacts.Model()
    base.uri = str(small_base.parent)
    embeddings = standard_artifacts.Examples()
    embeddings.uri = str(tmp_path / 'embeddings')

    Executor(Executor.Context(beam_pipeline_args=beam_options.local_args())).Do(
        {'examples': [examples], 'transform_graph': [transform_graph], 'base_model': [base]},
        {'embeddings': [embeddings]},
        {'settings': Settings(batch_size=8).to_json(), 'store': str(tmp_path / 'store')},
    )

    assert embeddings.split_names == examples.split_names
    assert embeddings.get_int_custom_property('images_computed') == len(jpegs)
    assert embeddings.get_int_custom_property('images_known') == 0
    layer = tft.TFTransformOutput(transform_graph.uri).transform_features_layer()
    model = keras.models.load_model(small_base)
    for name, images in parts.items():
        pixels = layer({'image': tf.constant(images)})['image'].numpy()
        expected = model.predict(pixels, verbose=0).mean(axis=(1, 2))
        dataset = tf.data.TFRecordDataset(str(tmp_path / 'embeddings' / name), compression_type='GZIP')
        got = [
            tf.train.Example.FromString(record).features.feature['embedding'].float_list.value
            for record in dataset.as_numpy_iterator()
        ]
        np.testing.assert_allclose(np.array(got), expected, rtol=1e-5, atol=1e-4)
