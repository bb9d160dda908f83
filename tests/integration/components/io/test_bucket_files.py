# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Files in a bucket: complete objects or none; embeddings equal those in a folder."""

import contextlib
import errno
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components import error_reporting
from components.atomic_pusher import versions
from components.embedding_gen import base_model, embedder, shard_embedder, store
from components.embedding_gen.settings import Settings
from components.errors import RunError, TemporaryError
from components.io import cloud_storage, files


def test_an_object_appears_only_if_the_block_succeeds(bucket, tmp_path):
    path = f'gs://{bucket.name}/some/folder/file.txt'

    def fail() -> None:
        with files.atomic_path(path) as temporary:
            temporary.write_text('half')
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert bucket.contents == {}
    files.write_text(path, 'first')
    files.write_text(path, 'größer')
    assert bucket.contents == {'some/folder/file.txt': 'größer'.encode()}
    with files.local_file(path) as here:
        assert here.read_text('utf-8') == 'größer'
        assert here.name == 'file.txt'
    assert not here.exists()
    local = tmp_path / 'file.txt'
    local.write_text('größer', 'utf-8')
    assert files.sha256_file(path) == files.sha256_file(local)


def test_local_folders_that_mirror_stores():
    for path in ('/s3/bucket/x', '/gs/bucket/x', '/gcs/bucket/x', 'a://b', 's3:/b'):
        assert not files.in_bucket(path)
        assert str(files.any_path(path, 'y')) == f'{Path(path)}/y'
    assert str(files.any_path('gs://bucket/x', 'y')) == 'gs://bucket/x/y'


def test_temporary_errors_are_raised_for_a_retry_and_others_are_saved(tmp_path):
    for number in (errno.EIO, errno.EACCES):
        with (
            pytest.raises(TemporaryError, match=r'gs://bucket/x: no answer; check') if number == errno.EIO
            else contextlib.nullcontext(), error_reporting.saved_errors(tmp_path),
        ):  # fmt: skip
            raise OSError(number, 'no answer', 'gs://bucket/x')
    with pytest.raises(RunError, match='gs://bucket/x: no answer') as saved:
        error_reporting.raise_saved(tmp_path)
    assert not isinstance(saved.value, TemporaryError)


def test_a_folder_is_uploaded_after_the_block(bucket, tmp_path):
    with files.local_folder(f'gs://{bucket.name}/logs') as folder:
        (folder / 'train').mkdir()
        (folder / 'train' / 'events').write_bytes(b'1')
        (folder / 'history.json').write_bytes(b'2')
        assert bucket.contents == {}
    assert bucket.contents == {'logs/train/events': b'1', 'logs/history.json': b'2'}
    with files.local_folder(tmp_path / 'new' / 'logs') as folder:
        assert folder == tmp_path / 'new' / 'logs'
        assert folder.is_dir()


def test_an_unusable_bucket_is_an_os_error_that_names_the_path(bucket):
    with pytest.raises(OSError, match='404') as raised:
        files.write_text('gs://no-such-bucket/file.txt', 'text')
    assert raised.value.filename == 'gs://no-such-bucket/file.txt'
    with pytest.raises(FileNotFoundError), files.local_file(f'gs://{bucket.name}/none'):
        pass


def test_embeddings_in_a_bucket_equal_a_folders_and_are_reused(
    bucket, tmp_path, small_base, minus_100, jpegs, write_records
):
    root = f'gs://{bucket.name}/run'
    here = write_records(tmp_path / 'shard.gz', jpegs[:20])
    bucket.put('run/shard.gz', here.read_bytes())
    bucket.put('run/base.keras', small_base.read_bytes())

    def shards(folder: str) -> shard_embedder.ShardEmbedder:
        base = base_model.load(f'{root}/base.keras')
        return shard_embedder.ShardEmbedder(embedder.Embedder(base, minus_100, Settings(batch_size=16)), folder)

    assert shards(f'{root}/store')(f'{root}/shard.gz', f'{root}/out.gz') == shard_embedder.Counts(20, 0)
    assert shards(str(tmp_path / 'store'))(here, tmp_path / 'out.gz') == shard_embedder.Counts(20, 0)
    assert bucket.contents['run/out.gz'] == (tmp_path / 'out.gz').read_bytes()
    again = shards(f'{root}/store')
    assert again(f'{root}/shard.gz', f'{root}/again.gz') == shard_embedder.Counts(0, 20)
    assert bucket.contents['run/again.gz'] == bucket.contents['run/out.gz']


def test_a_damaged_pair_in_a_bucket_is_not_read(bucket, caplog):
    kept = store.Store(f'gs://{bucket.name}/store', 'f' * 64, 4)
    kept.add(store.digest(b'a'), np.zeros(4, np.float32))
    kept.write()
    (name,) = [name for name in bucket.contents if name.endswith('.embeddings.npy')]
    assert store.digest(b'a') in store.Store(f'gs://{bucket.name}/store', 'f' * 64, 4)
    bucket.put(name, bucket.contents[name][:-3])
    assert store.digest(b'a') not in store.Store(f'gs://{bucket.name}/store', 'f' * 64, 4)
    assert 'computed again' in caplog.text


def test_tensorflow_lists_every_page(bucket):
    for number in range(40):
        bucket.put(f'folder/{number:02d}/file', b'')
        bucket.put(f'folder/x{number:02d}', b'')
    found = tf.io.gfile.listdir(f'gs://{bucket.name}/folder')
    assert sorted(found) == [f'{number:02d}/' for number in range(40)] + [f'x{number:02d}' for number in range(40)]


def test_a_pushed_version_is_complete_and_has_its_own_number(bucket, tmp_path):
    model, base = tmp_path / 'model', f'gs://{bucket.name}/serving'
    (model / 'variables').mkdir(parents=True)
    (model / 'saved_model.pb').write_bytes(b'graph')
    (model / 'variables' / 'variables.index').write_bytes(b'index')
    cloud_storage._client.cache_clear()
    target, version = versions.push(str(model), base)
    written = {name: content for name, content in bucket.contents.items() if not name.endswith('/')}
    assert written == {
        f'serving/{version}/saved_model.pb': b'graph', f'serving/{version}/variables/variables.index': b'index',
    }  # fmt: skip
    assert (target, versions.existing(base)) == (f'{base}/{version}', [int(version)])
    with versions._claimed(base, 1) as one, versions._claimed(base, 1) as other:
        assert (one, other) == (1, 2)
    cloud_storage._client.cache_clear()
