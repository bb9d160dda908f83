# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The fingerprint of the code that a component's result depends on."""

import shutil

import pytest

from pipeline import code


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A copy of the sources that can be changed."""
    for name in ('pipeline', 'components'):
        shutil.copytree(code._ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns('__pycache__'))
    monkeypatch.setattr(code, '_ROOT', tmp_path)
    return tmp_path


def _all() -> dict[str, str]:
    return {name: code.fingerprint(name) for name in (*code._SOURCES, 'Evaluator')}


@pytest.mark.parametrize(
    ('file', 'changed'),
    [
        ('components/stratified_example_gen/sampling.py', {'StratifiedExampleGen'}),
        ('components/embedding_gen/embedder.py', {'EmbeddingGen', 'Trainer', 'FineTuner', 'FineTunedEmbeddingGen'}),
        ('pipeline/model.py', {'Tuner', 'Trainer'}),
        ('pipeline/tuner.py', {'Tuner'}),
        ('pipeline/fine_tuning/batches.py', {'FineTuner'}),
        ('pipeline/features.py', {'Transform', 'Tuner', 'Trainer', 'FineTuner', 'Evaluator'}),
        ('pipeline/bounds.py', {'Evaluator'}),
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
    for sources in code._SOURCES.values():
        for source in sources:
            assert (code._ROOT / source).exists(), source


def test_another_version_changes_everything(monkeypatch):
    before = _all()
    monkeypatch.setattr(code, '_versions', lambda: 'tensorflow==99')
    after = _all()
    assert all(before[name] != after[name] for name in before)
