# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The image behind a decoding error of TensorFlow, found in the examples of a run."""

import pytest

from components import names
from components.io.shards import shard_name, split_folder
from pipeline.model import preprocessing
from pipeline.runs import damaged_images
from tests.fixtures.face_folders import picture
from tests.fixtures.metadata_store import Store

tf = pytest.importorskip('tensorflow')


@pytest.mark.parametrize(
    'damaged', [picture(1)[:200], picture(1, kind='PNG')[:200], b'text'], ids=['JPEG', 'PNG', 'text']
)
def test_the_image_that_does_not_decode_is_named(tmp_path, damaged):
    images = {b'25_F/whole.jpg': picture(0), b'25_F/\xff.jpg': damaged}
    for split in names.SPLITS:
        folder = tmp_path / 'examples' / split_folder(split)
        folder.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(folder / shard_name(0, 1)), 'GZIP') as writer:
            for path, data in images.items() if split == names.TEST else ():
                example = tf.train.Example()
                example.features.feature[names.PATH].bytes_list.value.append(path)
                example.features.feature[names.IMAGE].bytes_list.value.append(data)
                writer.write(example.SerializeToString())
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        tf.function(preprocessing.decode)(tf.constant(damaged), 8, 8)
    assert damaged_images.explain(raised.value, tmp_path) is None  # without a run
    store = Store(tmp_path)
    store.execution('run', 'StratifiedExampleGen', examples=store.artifact(str(tmp_path / 'examples')))
    store.execution('run', 'Transform', 'FAILED')
    told = str(damaged_images.explain(raised.value, tmp_path))
    assert told.startswith(r'25_F/\xff.jpg: TensorFlow does not decode this image; ')
    assert damaged_images.explain(RuntimeError('out of memory'), tmp_path) is None
