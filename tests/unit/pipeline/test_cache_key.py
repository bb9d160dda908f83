# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The part of the cache key that covers code and versions."""

import shutil

import pytest

from components import source_digest
from pipeline import cache_key, definition
from pipeline.config import load

_HERE = definition.Environment(
    name='name', root='/runs/one', serving_dir='/runs/one/serving', data_root='/faces', data_fingerprint='f',
    prototxt='/p', prototxt_sha256='a', caffemodel='/c', caffemodel_sha256='b', baseline_statistics='',
    input_size=(64, 64), beam_args=(),
)  # fmt: skip


@pytest.fixture(scope='module')
def components():
    """Every component of a run with tuning and fine-tuning."""
    changes = ['tuner.enabled=true', 'fine_tuning.unfreeze_from=conv5_1']
    return definition.create_pipeline(load('vgg_face', changes), _HERE).components


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A copy of the sources that can be edited."""
    for name in ('pipeline', 'components', 'schemas'):
        shutil.copytree(source_digest._ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns('__pycache__'))
    monkeypatch.setattr(source_digest, '_ROOT', tmp_path)
    yield tmp_path
    source_digest._read.cache_clear()


def _changed(components, tree, file, old, new) -> set[str]:
    """The components whose key changes with an edit of one file."""
    source_digest._read.cache_clear()
    before = {component.id: cache_key.of(component) for component in components}
    text = (tree / file).read_text()
    assert text.count(old) >= 1
    (tree / file).write_text(text.replace(old, new, 1))
    source_digest._read.cache_clear()
    return {component.id for component in components if cache_key.of(component) != before[component.id]}


_EMBED = {'EmbeddingGen', 'FineTunedEmbeddingGen', 'Trainer', 'FineTuner'}


@pytest.mark.parametrize(
    ('file', 'changed'),
    [
        ('components/stratified_example_gen/sampling.py', {'StratifiedExampleGen'}),
        ('components/embedding_gen/embedder.py', _EMBED),
        ('components/caffe_converter/keras_layers.py', {*_EMBED, 'CaffeConverter'}),
        ('components/caffe_converter/prototxt.py', {'CaffeConverter'}),
        ('pipeline/model/head.py', {'Tuner', 'Trainer', 'FineTuner'}),
        ('pipeline/model/tuner.py', {'Tuner'}),
        ('pipeline/model/preprocessing.py', {'Transform', 'Trainer', 'FineTuner'}),
        ('pipeline/model/fine_tuning/batches.py', {'FineTuner'}),
        ('components/evaluator/thresholds.py', {'Evaluator'}),
        ('components/atomic_pusher/versions.py', {'AtomicPusher'}),
        ('pipeline/report/page.py', set()),
        ('pipeline/runners/local.py', set()),
    ],
)
def test_a_change_of_code_changes_the_keys_of_the_components_that_run_it(components, tree, file, changed):
    assert _changed(components, tree, file, 'from __future__', 'ADDED = 1\nfrom __future__') == changed


def test_comments_docstrings_and_line_breaks_change_nothing(components, tree):
    file = 'components/embedding_gen/embedder.py'
    assert _changed(components, tree, file, 'from __future__', '# A comment.\n\nfrom __future__') == set()
    assert _changed(components, tree, file, '"""Decoding, ', '"""In other words: decoding, ') == set()


def test_only_two_components_run_no_code_of_this_repository(components):
    own = {component.id: source_digest.closure(*cache_key.modules(component)) for component in components}
    assert {name for name, modules in own.items() if not modules} == {'StatisticsGen', 'ExampleValidator'}
    assert 'components.caffe_converter.keras_layers' in own['EmbeddingGen']
    assert 'pipeline.model.export' in own['Trainer']


def test_a_changed_version_changes_every_key(components, monkeypatch):
    before = [cache_key.of(component) for component in components]
    monkeypatch.setattr(cache_key, '_versions', lambda: 'tfx==0')
    assert all(cache_key.of(component) != key for component, key in zip(components, before, strict=True))
