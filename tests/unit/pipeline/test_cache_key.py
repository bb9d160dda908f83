# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The fingerprint of the code that a component's result depends on."""

import shutil

import pytest

from pipeline import cache_key


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A copy of the sources that can be changed."""
    for name in ('pipeline', 'components'):
        shutil.copytree(cache_key._ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns('__pycache__'))
    monkeypatch.setattr(cache_key, '_ROOT', tmp_path)
    return tmp_path


def _all() -> dict[str, str]:
    return {name: cache_key.fingerprint(name) for name in (*cache_key._SOURCES, 'Evaluator')}


@pytest.mark.parametrize(
    ('file', 'changed'),
    [
        ('components/stratified_example_gen/sampling.py', {'StratifiedExampleGen'}),
        ('components/embedding_gen/embedder.py', {'EmbeddingGen', 'Trainer', 'FineTuner', 'FineTunedEmbeddingGen'}),
        ('pipeline/model/head.py', {'Tuner', 'Trainer'}),
        ('pipeline/model/tuner.py', {'Tuner'}),
        ('pipeline/model/fine_tuning/batches.py', {'FineTuner'}),
        ('components/names.py', {'Transform', 'Tuner', 'Trainer', 'FineTuner', 'Evaluator'}),
        ('components/evaluator/thresholds.py', {'Evaluator'}),
        ('pipeline/report/page.py', set()),
    ],
)
def test_a_changed_file_changes_what_depends_on_it_and_nothing_else(tree, file, changed):
    before = _all()
    assert before == _all()
    with open(tree / file, 'a') as stream:
        stream.write('# changed\n')
    after = _all()
    assert {name for name in before if before[name] != after[name]} == changed


def test_every_source_exists():
    for sources in cache_key._SOURCES.values():
        for source in sources:
            assert (cache_key._ROOT / source).exists(), source


def test_another_version_changes_everything(monkeypatch):
    before = _all()
    monkeypatch.setattr(cache_key, '_versions', lambda: 'tensorflow==99')
    after = _all()
    assert all(before[name] != after[name] for name in before)
