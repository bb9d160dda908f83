# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A shard scored by a classifier."""

import pytest
import tensorflow as tf

from components.errors import RunError
from components.scorer.scoring import score_shard


def _classify(images):
    """Scores an image by its length; refuses what is no JPEG."""
    if any(not image.startswith(b'\xff\xd8') for image in images):
        raise ValueError('not a JPEG')
    return [('female', len(image) / 1e6) for image in images]


def test_scores_replace_the_images_in_order(tmp_path, jpegs, write_records):
    source = write_records(tmp_path / 'in.gz', jpegs)
    target = tmp_path / 'out' / 'data.gz'
    assert score_shard(_classify, str(source), str(target)) == len(jpegs)
    written = [
        tf.train.Example.FromString(record).features.feature
        for record in tf.data.TFRecordDataset(str(target), compression_type='GZIP').as_numpy_iterator()
    ]
    assert [f['probability'].float_list.value[0] for f in written] == pytest.approx([len(i) / 1e6 for i in jpegs])
    assert all(set(f) == {'probability', 'gender', 'age', 'age_band', 'path'} for f in written)
    assert [item.name for item in target.parent.iterdir()] == ['data.gz']


def test_an_image_that_the_model_rejects_is_named_and_nothing_is_written(tmp_path, jpegs, write_records):
    source = write_records(tmp_path / 'in.gz', [*jpegs[:7], b'GIF89a', *jpegs[7:]])
    with pytest.raises(RunError, match=r'^combined/aligned/01_M/7\.jpg: rejected by the model \(not a JPEG\)$'):
        score_shard(_classify, str(source), str(tmp_path / 'out' / 'data.gz'))
    assert not list((tmp_path / 'out').iterdir())
