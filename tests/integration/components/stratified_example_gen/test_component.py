# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The component in a TFX pipeline on real ML metadata."""

import json
from pathlib import Path

import pytest

from components import names
from components.errors import InputError
from components.stratified_example_gen import layout
from components.stratified_example_gen.settings import Settings

pytest.importorskip('tfx')


@pytest.fixture(scope='module')
def root(make_tree, tmp_path_factory):
    return make_tree(tmp_path_factory.mktemp('root'), {f'{age}_{sex}': 6 for age in (20, 30, 40) for sex in 'MF'})


def run(root, home, **options):
    """Runs the component and StatisticsGen on the local runner; returns its states in MLMD and its artifact."""
    from ml_metadata.metadata_store import MetadataStore
    from ml_metadata.proto import metadata_store_pb2
    from tfx.components import StatisticsGen
    from tfx.orchestration import metadata, pipeline
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner
    from tfx.types import artifact_utils

    from components.stratified_example_gen.component import StratifiedExampleGen

    settings = Settings(**{'per_folder': 4, 'shards': 2, **options})
    examples = StratifiedExampleGen(str(root), settings, fingerprint=layout.fingerprint(str(root), settings))
    statistics = StatisticsGen(examples.outputs['examples'])
    connection = metadata.sqlite_metadata_connection_config(str(home / 'metadata.sqlite'))
    LocalDagRunner().run(
        pipeline.Pipeline(
            'test',
            str(home),
            components=[examples, statistics],
            enable_cache=True,
            metadata_connection_config=connection,
            beam_pipeline_args=['--runner=DirectRunner', '--direct_running_mode=in_memory'],
        )
    )
    store = MetadataStore(connection)
    states = [
        metadata_store_pb2.Execution.State.Name(execution.last_known_state)
        for execution in sorted(store.get_executions(), key=lambda execution: execution.id)
        if 'StratifiedExampleGen' in str(execution)
    ]
    artifact = artifact_utils.deserialize_artifact(
        store.get_artifact_type('Examples'), sorted(store.get_artifacts_by_type('Examples'), key=lambda a: a.id)[-1]
    )
    return states, artifact


def test_it_runs_is_cached_and_runs_again_for_changed_data(root, tmp_path, read_split, picture):
    from tfx.components.util import examples_utils
    from tfx.proto import example_gen_pb2
    from tfx.types import artifact_utils

    states, artifact = run(root, tmp_path)
    assert states == ['COMPLETE']
    assert artifact_utils.decode_split_names(artifact.split_names) == ['train', 'validation', 'test']
    assert examples_utils.get_payload_format(artifact) == example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE
    for split in ('train', 'validation', 'test'):
        uri = artifact_utils.get_split_uri([artifact], split)
        assert uri == f'{artifact.uri}/Split-{split}'
    assert (tmp_path / 'StatisticsGen/statistics/2/Split-test/FeatureStats.pb').stat().st_size > 100
    summary = json.loads(Path(artifact.uri, names.INGESTION_SUMMARY_FILE).read_text())
    assert summary['sampled'] == 24
    assert sum(len(read_split(tmp_path / 'StratifiedExampleGen/examples/1', s)) for s in summary['splits']) == 24

    states, again = run(root, tmp_path)
    assert states == ['COMPLETE', 'CACHED']
    assert again.uri == artifact.uri

    (root / 'combined/aligned/20_M/0.jpg').write_bytes(picture('changed'))
    states, changed = run(root, tmp_path)
    assert states == ['COMPLETE', 'CACHED', 'COMPLETE']
    assert changed.uri != artifact.uri


def test_every_setting_has_an_effect(root, tmp_path, picture):
    (root / 'manifest.csv').write_text('path,race\ncombined/aligned/20_F/0.jpg,1\n')
    _, artifact = run(
        root,
        tmp_path,
        per_folder=None,
        seed=7,
        split='shuffled',
        fractions=(0.5, 0.25, 0.25),
        shards=1,
        min_size=10,
        max_bad_fraction=0,
        manifest_columns=['race'],
        near_duplicate_distance=0,
    )
    summary = json.loads(Path(artifact.uri, names.INGESTION_SUMMARY_FILE).read_text())
    assert {split: sum(numbers.values()) for split, numbers in summary['splits'].items()} == {
        'train': 18, 'validation': 9, 'test': 9
    }  # fmt: skip
    assert summary['manifest'] == {'file_without_row': 35}


def test_an_input_error_reaches_the_caller(root, tmp_path):
    with pytest.raises(InputError, match=r'no image is left of 36 files .*: 36 rejected \(36 smaller than min_size\)'):
        run(root, tmp_path, min_size=1000)
