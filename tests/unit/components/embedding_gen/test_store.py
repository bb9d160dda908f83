# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The store of embeddings: found again by another shard; a damaged file is not read."""

from concurrent import futures

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.embedding_gen import base_model, embedder, shard_embedder
from components.embedding_gen.settings import Settings
from components.embedding_gen.store import Store, digest

_IDENTITY = 'f' * 64


def _row(value: float) -> np.ndarray:
    return np.full(4, value, np.float32)


def test_written_embeddings_are_found_by_the_next_store_of_the_same_identity(tmp_path):
    store = Store(tmp_path, _IDENTITY, 4)
    for number in range(5):
        store.add(digest(bytes([number])), _row(number))
        if number == 2:
            store.write()
    assert [float(store[digest(bytes([number]))][0]) for number in range(5)] == [0, 1, 2, 3, 4]
    again = Store(tmp_path, _IDENTITY, 4)
    assert [digest(bytes([number])) in again for number in range(5)] == [True, True, True, False, False]
    np.testing.assert_array_equal(again[digest(b'\x02')], _row(2))
    with pytest.raises(KeyError):
        again[digest(b'\x03')]
    assert digest(b'\x00') not in Store(tmp_path, 'e' * 64, 4)


def test_add_writes_after_the_interval(tmp_path):
    store = Store(tmp_path, _IDENTITY, 4, seconds=0)
    store.add(digest(b'a'), _row(1))
    assert digest(b'a') in Store(tmp_path, _IDENTITY, 4)


@pytest.mark.parametrize('damage', ['cut', 'other', 'gone', 'pickle'])
def test_a_damaged_pair_is_ignored_with_a_warning(tmp_path, caplog, damage):
    store = Store(tmp_path, _IDENTITY, 4)
    store.add(digest(b'a'), _row(1))
    store.write()
    (file,) = (tmp_path / _IDENTITY).glob('*.embeddings.npy')
    if damage == 'cut':
        file.write_bytes(file.read_bytes()[:-3])
    elif damage == 'other':
        np.save(file, np.zeros((1, 5), np.float32))
    elif damage == 'gone':
        file.unlink()
    else:
        np.save(file, np.array([{}]), allow_pickle=True)
    assert digest(b'a') not in Store(tmp_path, _IDENTITY, 4)
    assert 'computed again' in caplog.text


@pytest.mark.parametrize('damaged', ['embeddings', 'digests'])
def test_a_damaged_row_is_computed_again_and_the_others_are_kept(tmp_path, caplog, damaged):
    store = Store(tmp_path, _IDENTITY, 4)
    for number in range(3):
        store.add(digest(bytes([number])), _row(number + 1))
    store.write()
    (file,) = (tmp_path / _IDENTITY).glob(f'*.{damaged}.npy')
    content = np.load(file)
    content[1] = 0  # the header stays valid
    np.save(file, content)
    again = Store(tmp_path, _IDENTITY, 4)
    assert [digest(bytes([number])) in again for number in range(3)] == [True, False, True]
    assert f'{file.parent}' in caplog.text
    assert '1 of 3 rows are damaged and computed again' in caplog.text
    again.add(digest(b'\x01'), _row(2))
    again.write()
    np.testing.assert_array_equal(Store(tmp_path, _IDENTITY, 4)[digest(b'\x01')], _row(2))


def test_half_a_pair_is_ignored(tmp_path):
    store = Store(tmp_path, _IDENTITY, 4)
    store.add(digest(b'a'), _row(1))
    store.write()
    (file,) = (tmp_path / _IDENTITY).glob('*.digests.npy')
    file.unlink()
    assert digest(b'a') not in Store(tmp_path, _IDENTITY, 4)


@pytest.fixture
def embed(small_base, minus_100):
    return embedder.Embedder(base_model.load(small_base), minus_100, Settings(batch_size=16))


def _read(file) -> list[tuple[bytes, list[float]]]:
    dataset = tf.data.TFRecordDataset(str(file), compression_type='GZIP').as_numpy_iterator()
    features = [tf.train.Example.FromString(record).features.feature for record in dataset]
    return [(f['path'].bytes_list.value[0], list(f['embedding'].float_list.value)) for f in features]


def test_a_larger_sample_in_another_order_computes_only_new_images(tmp_path, embed, jpegs, write_records):
    first = write_records(tmp_path / 'first.gz', jpegs[:20])
    second = write_records(tmp_path / 'second.gz', [*jpegs[::-1], jpegs[0]])
    shards = shard_embedder.ShardEmbedder(embed, tmp_path / 'store')
    assert shards(first, tmp_path / 'a.gz') == shard_embedder.Counts(20, 0)
    later = shard_embedder.ShardEmbedder(embed, tmp_path / 'store')
    assert later(second, tmp_path / 'b.gz') == shard_embedder.Counts(23, 21)
    shard_embedder.ShardEmbedder(embed)(second, tmp_path / 'c.gz')
    got, expected = _read(tmp_path / 'b.gz'), _read(tmp_path / 'c.gz')
    assert [name for name, _ in got] == [name for name, _ in expected]
    np.testing.assert_allclose([row for _, row in got], [row for _, row in expected], rtol=1e-5, atol=1e-4)


def test_another_base_mean_grid_or_precision_has_another_identity(small_base, minus_100):
    def identity(change=None, transform=minus_100, **arguments) -> str:
        base = keras.models.load_model(small_base)
        if change:
            change(base)
        return embedder.Embedder(base, transform, Settings(**arguments)).identity()

    def other_bias(base):
        kernel, bias = base.get_layer('conv2').get_weights()
        base.get_layer('conv2').set_weights([kernel, bias + 1e-3])

    identities = [
        identity(),
        identity(other_bias),
        identity(transform=lambda inputs: {'image': minus_100(inputs)['image'] - 1e-5}),
        identity(pooling_grid=2),
        identity(precision='bfloat16'),
    ]
    assert len(set(identities)) == len(identities)
    assert identity(batch_size=3) == identities[0]


@pytest.mark.parametrize(('store', 'computed'), [('store', [0, 20]), (None, [20, 20])])
def test_threads_of_a_worker_embed_one_shard_at_a_time(
    tmp_path, embed, jpegs, write_records, monkeypatch, store, computed
):
    shard = write_records(tmp_path / 'shard.gz', jpegs[:20])
    shards = shard_embedder.ShardEmbedder(embed, store and tmp_path / store)
    running, embed_one = [], shards._shard

    def alone(*arguments):
        running.append(1)
        assert len(running) == 1
        try:
            return embed_one(*arguments)
        finally:
            running.pop()

    monkeypatch.setattr(shards, '_shard', alone)
    with futures.ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(lambda name: shards(shard, tmp_path / name), ('a.gz', 'b.gz')))
    assert sorted(one.computed for one in counts) == computed
    assert _read(tmp_path / 'a.gz') == _read(tmp_path / 'b.gz')
