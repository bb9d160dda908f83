# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The embedder compared with the base called directly."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.embedding_gen import base_model, embedder, shard_embedder
from components.embedding_gen.settings import Settings
from components.errors import InputError, RunError


@pytest.fixture(scope='module')
def embed(small_base, minus_100):
    return embedder.Embedder(base_model.load(small_base), minus_100, Settings(batch_size=16))


def _direct(small_base, minus_100, images):
    """All images at once through the base, averaged by numpy."""
    pixels = minus_100({'image': tf.constant(images)})['image'].numpy()
    return keras.models.load_model(small_base).predict(pixels, verbose=0, batch_size=len(images)).mean(axis=(1, 2))


def test_any_number_of_images_equals_the_base_called_directly(embed, small_base, minus_100, jpegs):
    expected = _direct(small_base, minus_100, jpegs)
    assert expected.std() > 1  # embeddings differ
    for count in (1, 16, 17, 43):
        np.testing.assert_allclose(embed(tf.constant(jpegs[:count])).numpy(), expected[:count], rtol=1e-5, atol=1e-4)


def test_mirrored_embeddings_are_the_mean_of_image_and_mirror_image(embed, small_base, minus_100, jpegs):
    base = base_model.load(small_base)
    mirrored = embedder.Embedder(base, minus_100, Settings(batch_size=16, mirror=True))
    pixels = minus_100({'image': tf.constant(jpegs)})['image'].numpy()
    both = [base.predict(images, verbose=0).mean(axis=(1, 2)) for images in (pixels, pixels[:, :, ::-1])]
    assert np.abs(both[0] - both[1]).max() > 1  # the base sees a difference
    np.testing.assert_allclose(mirrored(tf.constant(jpegs)).numpy(), np.mean(both, axis=0), rtol=1e-5, atol=1e-4)
    assert mirrored.identity() != embed.identity()


def test_no_images_give_no_embeddings(embed):
    assert embed(tf.constant([], tf.string)).shape == (0, 10)


@pytest.mark.parametrize('batch_size', [1, 3, 16, 20])  # also such that do not part into equal halves
def test_a_shard_keeps_order_and_features_and_gets_embeddings(
    tmp_path, small_base, minus_100, jpegs, write_records, batch_size
):
    embed = embedder.Embedder(base_model.load(small_base), minus_100, Settings(batch_size=batch_size))
    source = write_records(tmp_path / 'in' / 'data-00000-of-00001.gz', jpegs)
    target = tmp_path / 'out' / 'data-00000-of-00001.gz'
    assert shard_embedder.ShardEmbedder(embed)(source, target) == shard_embedder.Counts(computed=len(jpegs), known=0)
    written = [
        tf.train.Example.FromString(record).features.feature
        for record in tf.data.TFRecordDataset(str(target), compression_type='GZIP').as_numpy_iterator()
    ]
    assert [f['path'].bytes_list.value[0] for f in written] == [
        f'combined/aligned/01_M/{index}.jpg'.encode() for index in range(len(jpegs))
    ]
    assert all(set(f) == {'embedding', 'gender', 'age', 'age_band', 'path'} for f in written)
    got = np.array([f['embedding'].float_list.value for f in written])
    np.testing.assert_allclose(got, _direct(small_base, minus_100, jpegs), rtol=1e-5, atol=1e-4)
    assert [item.name for item in target.parent.iterdir()] == [target.name]  # no temporary file is left


def test_an_embedding_that_is_not_finite_stops_the_run_and_writes_nothing(
    tmp_path, small_base, minus_100, jpegs, write_records
):
    base = keras.models.load_model(small_base)
    kernel, bias = base.get_layer('conv2').get_weights()
    base.get_layer('conv2').set_weights([kernel, np.full_like(bias, np.inf)])
    broken = embedder.Embedder(base, minus_100, Settings(batch_size=16))
    source = write_records(tmp_path / 'data.gz', jpegs[:3])
    with pytest.raises(RunError, match=r'01_M/0\.jpg: the base gives values that are not finite'):
        shard_embedder.ShardEmbedder(broken)(source, tmp_path / 'out' / 'data.gz')
    assert [*(tmp_path / 'out').iterdir()] == []


def test_a_base_that_ends_in_a_vector_is_not_pooled(minus_100, jpegs):
    inputs = keras.Input((24, 32, 3))
    base = keras.Model(inputs, keras.layers.Dense(7)(keras.layers.Flatten()(inputs)))
    made = embedder.Embedder(base, minus_100, Settings())
    pixels = minus_100({'image': tf.constant(jpegs[:2])})['image']
    np.testing.assert_allclose(made(tf.constant(jpegs[:2])), base(pixels), rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize('grid', [2, 3, 5])
def test_a_grid_averages_windows_of_one_size_that_cover_the_map(small_base, minus_100, jpegs, grid):
    base = base_model.load(small_base)
    pixels = minus_100({'image': tf.constant(jpegs[:3])})['image']
    maps = base(pixels).numpy()
    expected = []
    for i in range(grid):
        for j in range(grid):
            cells = []
            for size, at in ((maps.shape[1], i), (maps.shape[2], j)):
                start = at * (size // grid)
                cells.append(slice(start, start + size - (grid - 1) * (size // grid)))
            expected.append(maps[:, cells[0], cells[1]].mean(axis=(1, 2)))
    made = embedder.Embedder(base, minus_100, Settings(pooling_grid=grid))
    assert made.size == grid * grid * maps.shape[-1]
    np.testing.assert_allclose(
        made(tf.constant(jpegs[:3])).numpy(), np.concatenate(expected, axis=1), rtol=1e-5, atol=1e-4
    )


def test_a_grid_larger_than_the_map_is_refused(small_base, minus_100):
    base = base_model.load(small_base)
    _, height, width, _ = base.outputs[0].shape
    with pytest.raises(InputError, match=rf'pooling_grid is 32, but .* {height}x{width}: give at most {height}'):
        embedder.Embedder(base, minus_100, Settings(pooling_grid=32))


def test_a_file_that_is_not_a_model_is_named(tmp_path):
    path = tmp_path / 'base.keras'
    path.write_bytes(b'not a model')
    with pytest.raises(InputError, match=r'base\.keras: not a Keras model'):
        base_model.load(path)
