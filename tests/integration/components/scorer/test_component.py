# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Scorer's executor: every ingested image is scored, or the run stops."""

import json

import pytest
from tfx.types import standard_artifacts

from components.errors import RunError
from components.io import shards
from components.scorer.executor import Executor


def classifier():
    """The classifier that the executor finds by its import path."""
    return lambda images: [('female', 0.75) for _ in images]


@pytest.fixture
def artifacts(tmp_path, jpegs, write_records):
    examples, scores = standard_artifacts.Examples(), standard_artifacts.Examples()
    examples.uri, scores.uri = str(tmp_path / 'examples'), str(tmp_path / 'scores')
    examples.split_names = '["train", "test"]'
    write_records(tmp_path / 'examples' / 'Split-test' / shards.shard_name(0, 1), jpegs)
    return {'examples': [examples]}, {'scores': [scores]}


def test_the_number_of_scores_is_compared_with_the_ingestion(artifacts, tmp_path, jpegs):
    properties = {'load_fn': f'{__name__}.classifier', 'arguments': '{}', 'model': ''}
    account = tmp_path / 'examples' / 'ingestion_summary.json'
    account.write_text(json.dumps({'splits': {'train': {}, 'test': {'male': len(jpegs), 'female': 1}}}))
    with pytest.raises(RunError, match='Split-test: 43 examples, but 44 were ingested'):
        Executor().Do(*artifacts, properties)
    account.write_text(json.dumps({'splits': {'train': {}, 'test': {'male': len(jpegs), 'female': 0}}}))
    Executor().Do(*artifacts, properties)
    # Evaluator compares in its turn.
    assert (tmp_path / 'scores' / 'ingestion_summary.json').read_text() == account.read_text()
