# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The files of a split: complete sets of shards and nothing else, and as many examples as were ingested."""

import json

import pytest

from components.errors import RunError
from components.io import shards


@pytest.fixture
def split(tmp_path):
    folder = tmp_path / 'Split-test'
    folder.mkdir()
    for number in range(3):
        (folder / f'data_tfrecord-0000{number}-of-00003.gz').write_bytes(b'')
    return folder


def test_the_shards_of_a_complete_set_in_order(split):
    found = shards.files(split)
    assert found == [f'{split}/data_tfrecord-0000{number}-of-00003.gz' for number in range(3)]


@pytest.mark.parametrize(
    'name',
    ['.data_tfrecord-00000-of-00003.0123456789ab.partial.gz', 'data_tfrecord-00003-of-00003.gz', 'zebra.gz'],
)
def test_a_file_that_is_not_one_of_the_set_is_refused_by_name(split, name):
    (split / name).write_bytes(b'')
    with pytest.raises(RunError, match=f'Split-test: {name} (does not belong there|instead of shards)'):
        shards.files(split)


def test_an_incomplete_set_an_empty_and_a_missing_folder_are_refused(split, tmp_path):
    (split / 'data_tfrecord-00001-of-00003.gz').unlink()
    with pytest.raises(RunError, match=r'data_tfrecord-00001-of-00003\.gz is missing'):
        shards.files(split)
    (tmp_path / 'Split-train').mkdir()
    with pytest.raises(RunError, match='Split-train: no shard'):
        shards.files(tmp_path / 'Split-train')
    with pytest.raises(RunError, match='Split-validation: No such file'):
        shards.files(tmp_path / 'Split-validation')


def test_a_writer_has_nothing_in_the_split_until_the_shard_is_complete(split):
    with shards.atomic_shard(split / 'data_tfrecord-00000-of-00003.gz') as temporary:
        temporary.write_bytes(b'half')
        assert len(shards.files(split)) == 3  # what a kill would leave
    assert (split / 'data_tfrecord-00000-of-00003.gz').read_bytes() == b'half'


def test_a_count_is_compared_with_the_account_of_the_ingestion(split, tmp_path):
    shards.check_count([str(split)], 99)  # no account: examples from elsewhere
    account = {'splits': {'train': {'male': 4, 'female': 1}, 'test': {'male': 2, 'female': 1}}}
    (tmp_path / 'ingestion_summary.json').write_text(json.dumps(account))
    shards.check_count([str(split)], 3)
    shards.check_count([str(split), str(tmp_path / 'Split-train')], 8)
    with pytest.raises(RunError, match='Split-test: 6 examples, but 3 were ingested'):
        shards.check_count([str(split)], 6)
