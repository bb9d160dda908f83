# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Fixtures for all tests."""

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.google_cloud import objects, proxy

pytest_plugins = [
    f'tests.fixtures.{name}'
    for name in (
        'caffe_nets',
        'caffe_oracle',
        'control_plane',
        'face_folders',
        'fine_tuning_task',
        'photographs',
        'runs',
        'small_base',
        'terminal',
    )
]

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
# A suite in the background ignores SIGINT, and so would the processes that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='session')
def shared() -> Path:
    """The folder with real faces and Caffe networks; tests that use it are skipped where it is absent."""
    folder = Path(os.environ.get('SHARED_DIR', _ROOT.parent / 'shared'))
    if not (folder / 'models').is_dir() or not (folder / 'data').is_dir():
        pytest.skip(f'no real faces and networks: {folder} has no models/ and data/')
    return folder


# TensorFlow caches the state of a path for some seconds, so each test gets a bucket of another name.
_BUCKETS = itertools.count(1)


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[objects.Objects]:
    """A new, empty bucket, `gs://{bucket.name}`, for the clients of this process."""
    folder = tmp_path / 'google_cloud'
    folder.mkdir()
    made = objects.Objects(f'bucket-{next(_BUCKETS)}')
    with proxy.Proxy(made, folder) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield made


_KINDS = ('unit', 'integration', 'e2e')


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each test with the name of its folder."""
    for item in items:
        kind = item.path.relative_to(_ROOT / 'tests').parts[0]
        if kind in _KINDS:
            item.add_marker(kind)
