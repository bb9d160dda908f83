# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""s3:// on a store on loopback that checks signatures: faces, files, embeddings, checkpoints, pushed models, faults."""

import hashlib
import pickle
import time

import fsspec
import numpy as np
import pytest

from components.atomic_pusher import versions
from components.embedding_gen.store import Store, digest
from components.errors import InputError, TemporaryError
from components.io import files, s3_filesystem, stores
from components.io.trees import open_tree
from components.stratified_example_gen import layout
from components.stratified_example_gen.settings import Settings
from pipeline.model.fine_tuning import checkpoint
from tests.fakes import s3_store

ROOT = f's3://{s3_store.BUCKET}'


@pytest.fixture(scope='module')
def server():
    with s3_store.running() as running:
        yield running


def _forget() -> None:
    """Clients keep the credentials and the endpoint that they were made with."""
    fsspec.get_filesystem_class('s3').clear_instance_cache()
    s3_filesystem.configure.cache_clear()


@pytest.fixture
def store(server, monkeypatch):
    """The store for the clients of this process, without a long wait for failing requests."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3_filesystem, '_ATTEMPTS', 1)
    _forget()
    yield server
    server.delay, server.cut = 0.0, None
    _forget()


def _message(call, *arguments) -> str:
    with pytest.raises(InputError) as error:
        call(*arguments)
    assert '\n' not in str(error.value)
    return str(error.value)


def _contents(folder) -> dict:
    return {p.relative_to(folder): hashlib.sha256(p.read_bytes()).digest() for p in folder.rglob('*') if p.is_file()}


def test_a_sample_equals_a_local_folders_byte_for_byte(store, make_tree, sample, tmp_path):
    tree = make_tree(tmp_path / 'tree', {f'{age}_{gender}': 5 for age in (10, 25) for gender in 'FM'})
    root = store.upload(tree, 'sample')
    options = {'per_folder': 4, 'shards': 2}
    summary, _, local = sample(tree, **options)
    same, _, there = sample(root, workers=3, mode='multi_threading', **options)
    assert summary == same
    assert _contents(there) == _contents(local)
    before = layout.fingerprint(root, Settings())
    store.put('sample/combined/aligned/10_F/0.jpg', b'other')
    assert layout.fingerprint(root, Settings()) != before


def test_names_sizes_and_what_is_missing(store):
    for name in ('empty', 'x#y?z &+é.jpg', 'a%20b', 'more/', 'more/x'):
        store.put(f'odd/{name}', b'' if name in ('empty', 'more/') else name.encode())
    tree = pickle.loads(pickle.dumps(open_tree(f'{ROOT}/odd')))  # noqa: S301
    found = {entry.name.decode(): entry.is_folder for entry in tree.entries(b'')}
    assert found == {'empty': False, 'x#y?z &+é.jpg': False, 'a%20b': False, 'more': True}
    for name in ('x#y?z &+é.jpg', 'a%20b', 'more/x'):
        assert tree.read(name.encode(), 100) == name.encode()
    assert (tree.read(b'empty', 9), tree.exists(b'more/x'), tree.exists(b'mor'), tree.is_folder(b'more')) == (
        b'', True, False, True,
    )  # fmt: skip
    with pytest.raises(OverflowError, match='longer than the limit of 3 bytes'):
        tree.read(b'a%20b', 3)
    with pytest.raises(FileNotFoundError):
        tree.read(b'none', 3)


def test_files_are_written_whole_and_folders_copied(store, tmp_path):
    path = files.any_path(f'{ROOT}/files') / 'one.txt'
    files.write_text(path, 'one')
    with files.local_folder(f'{ROOT}/files/more') as folder:
        (folder / 'below').mkdir()
        (folder / 'below' / 'two.txt').write_text('two')
    found = files.folder_files(f'{ROOT}/files')
    assert {name: file.read_text() for name, file in found.items()} == {'one.txt': 'one', 'more/below/two.txt': 'two'}
    assert files.folder_digests(f'{ROOT}/files')['one.txt'] == hashlib.sha256(b'one').hexdigest()
    with pytest.raises(RuntimeError), files.atomic_path(path) as temporary:
        temporary.write_text('half')
        raise RuntimeError
    assert store.get('files/one.txt') == b'one'
    files.remove_folder(f'{ROOT}/files')
    assert store.names('files') == []
    stores.check_bucket('kubeflow.bucket', f'{ROOT}/files', write=True)
    assert store.names('files') == []


def test_the_embedding_store_and_checkpoints(store):
    keys = [digest(bytes([i])) for i in range(5)]
    first = Store(f'{ROOT}/embeddings', 'identity', 3)
    for i, key in enumerate(keys):
        first.add(key, np.full(3, i, np.float32))
    first.write()
    again = Store(f'{ROOT}/embeddings', 'identity', 3)
    assert all(key in again for key in keys)
    np.testing.assert_array_equal(again[keys[4]], [4, 4, 4])
    killed = Store(f'{ROOT}/embeddings', 'another', 3, seconds=0)
    killed.add(keys[0], np.ones(3, np.float32))
    np.testing.assert_array_equal(Store(f'{ROOT}/embeddings', 'another', 3)[keys[0]], [1, 1, 1])

    path = files.any_path(f'{ROOT}/checkpoints', 'a.npz')
    assert not path.is_file()
    history = checkpoint.History({'val_loss': 1.0, 'val_accuracy': 0.5}, accuracy=[0.25])
    checkpoint.save(path, history, [np.arange(6.0).reshape(2, 3)])
    found, (array,) = checkpoint.load(path)
    assert (found, array.tolist()) == (history, [[0, 1, 2], [3, 4, 5]])
    path.unlink(missing_ok=True)
    assert store.names('checkpoints') == []


def test_a_pushed_version_counts_when_its_graph_is_there(store, tmp_path, monkeypatch):
    model, base = tmp_path / 'model', f'{ROOT}/serving/gender'
    (model / 'variables').mkdir(parents=True)
    (model / 'saved_model.pb').write_bytes(b'graph')
    (model / 'variables' / 'variables.index').write_bytes(b'index')
    target, version = versions.push(str(model), base)
    assert (target, versions.existing(base)) == (f'{base}/{version}', [int(version)])
    assert store.get(f'serving/gender/{version}/variables/variables.index') == b'index'
    assert versions.push(str(model), base) == (target, version)

    (model / 'saved_model.pb').write_bytes(b'another graph')
    upload = versions._upload
    monkeypatch.setattr(versions, '_upload', _killed)
    with pytest.raises(OSError, match='killed'):
        versions.push(str(model), base)
    assert len({name.split('/')[2] for name in store.names('serving/gender/1')}) == 2
    assert versions.existing(base) == [int(version)]

    # Two pushes that found the same versions at the same time: the store gives each its own number.
    monkeypatch.setattr(versions, '_upload', upload)
    monkeypatch.setattr(versions, 'existing', lambda directory: [])
    monkeypatch.setattr(time, 'time', lambda: 99.5)
    with versions._claimed(base, 99) as one, versions._claimed(base, 99) as other:
        assert (one, other) == (99, 100)
        versions._upload(files.folder_files(model), f'{base}/99')
    assert versions.push(str(model), base)[1] == '100'
    assert store.get('serving/gender/100/saved_model.pb') == b'another graph'


def _killed(model: str, target: str) -> None:
    files.write_text(f'{target}/variables/variables.index', 'ind')
    raise OSError(5, 'killed', target)


class TestFaults:
    """Each is one line that says what to do."""

    def root(self) -> str:
        return _message(layout.check_root, f'{ROOT}/real', Settings())

    def test_no_bucket(self, store):
        text = _message(layout.check_root, 's3://none/x', Settings())
        assert text == 'data root s3://none/x: bucket none does not exist; create it or correct the name'

    @pytest.mark.parametrize(
        ('variable', 'value', 'reason'),
        [
            ('AWS_SECRET_ACCESS_KEY', 'wrong', 'does not match the signature you provided'),
            ('AWS_ACCESS_KEY_ID', 'AKIA0', 'Access Key Id you provided does not exist'),
            ('AWS_PROFILE', 'none', r'profile \(none\) could not be found'),
        ],
    )
    def test_wrong_credentials(self, store, monkeypatch, variable, value, reason):
        monkeypatch.setenv(variable, value)
        text = self.root()
        assert 'data root s3://faces/real: no valid credentials (' in text
        assert text.endswith('; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE')
        _forget()
        with pytest.raises(InputError, match=reason):
            open_tree(f'{ROOT}/real').read(b'x', 9)

    def test_no_credentials(self, store, monkeypatch, tmp_path):
        monkeypatch.setenv('HOME', str(tmp_path))
        for name in ('AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID'):
            monkeypatch.delenv(name)
        assert 'no valid credentials (Unable to locate credentials); set AWS_ACCESS_KEY_ID' in self.root()

    def test_a_store_that_is_away(self, store, monkeypatch):
        monkeypatch.setenv('AWS_ENDPOINT_URL', 'http://127.0.0.1:1')
        assert 'the store at http://127.0.0.1:1 does not answer for bucket faces (Could not connect' in self.root()
        with pytest.raises(TemporaryError, match='cannot be read: Could not connect'):
            open_tree(f'{ROOT}/real').read(b'x', 9)

    def test_answers_that_are_cut_off(self, store):
        store.put('real/x', b'x' * 100_000)
        store.cut = 100
        assert 'does not answer for bucket faces (' in _message(open_tree(f'{ROOT}/real').entries, b'')
        with pytest.raises(TemporaryError, match=r's3://faces/real/x cannot be read: '):
            open_tree(f'{ROOT}/real').read(b'x', 1 << 20)
        with pytest.raises(OSError, match='real/x'), files.local_file(f'{ROOT}/real/x'):
            pass

    def test_a_slow_store(self, store, monkeypatch):
        store.put('real/x', b'x' * 9)
        store.delay = 0.5
        assert open_tree(f'{ROOT}/real').read(b'x', 9) == b'x' * 9
        monkeypatch.setattr(s3_filesystem, '_TIMEOUT_S', 0.2)
        _forget()
        with pytest.raises(TemporaryError, match='cannot be read: Read timeout on endpoint URL'):
            open_tree(f'{ROOT}/real').read(b'x', 9)
