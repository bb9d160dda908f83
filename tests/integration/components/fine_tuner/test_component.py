# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""FineTuner's executor: the arguments of the training function, and its checkpoint."""

import json
from pathlib import Path

import pytest
from tfx.types import channel_utils, standard_artifacts

from components import names
from components.fine_tuner.component import FineTuner
from components.fine_tuner.executor import Executor
from components.fine_tuner.settings import Settings

_CALLS = []


def train(args):
    """A training function that writes a checkpoint."""
    _CALLS.append(args)
    if args.checkpoint:
        args.checkpoint.parent.mkdir(exist_ok=True)
        args.checkpoint.write_text('state')


def fail(args):
    """A training function that writes a checkpoint and fails until it finds one."""
    resumed = args.checkpoint.exists()
    train(args)
    if not resumed:
        raise RuntimeError('stopped')


@pytest.fixture
def artifacts(tmp_path):
    """The inputs as files, and the outputs; by key, the artifacts of one execution."""

    def artifact(kind, key):
        made = kind()
        made.uri = str(tmp_path / key)
        return [made]

    inputs = {
        'examples': artifact(standard_artifacts.Examples, 'examples'),
        'transform_graph': artifact(standard_artifacts.TransformGraph, 'graph'),
        'base_model': artifact(standard_artifacts.Model, 'base'),
        'head_model': artifact(standard_artifacts.Model, 'head'),
    }
    inputs['examples'][0].split_names = '["train", "validation", "test"]'
    files = [
        f'Split-{split}/data_tfrecord-0000{shard}-of-00002.gz'
        for split in ('train', 'validation', 'test')
        for shard in (0, 1)
    ]
    for name in (*(f'examples/{file}' for file in files), 'graph/metadata/x', 'base/base.keras', 'head/head.keras'):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    outputs = {
        'model': artifact(standard_artifacts.Model, 'model'),
        'model_run': artifact(standard_artifacts.ModelRun, 'run'),
    }
    return inputs, outputs


def _run(artifacts, checkpoints='', epochs=2, function='train', **config):
    properties = {
        'run_fn': f'{__name__}.{function}', 'settings': Settings(epochs=epochs).to_json(),
        'custom_config': json.dumps(config), 'checkpoints': str(checkpoints),
    }  # fmt: skip
    Executor().Do(*artifacts, properties)
    return _CALLS[-1]


def test_the_function_gets_settings_and_paths(artifacts, tmp_path):
    args = _run(artifacts, some='value')
    assert (args.settings, args.custom_config, args.checkpoint) == (Settings(epochs=2), {'some': 'value'}, None)
    for split, files in ((names.TRAIN, args.train_files), (names.VALIDATION, args.validation_files)):
        assert files == [
            str(tmp_path / f'examples/Split-{split}/data_tfrecord-0000{shard}-of-00002.gz') for shard in (0, 1)
        ]
    assert Path(args.base_file).read_text() == 'base/base.keras'
    assert Path(args.head_file).read_text() == 'head/head.keras'
    assert args.transform_output == str(tmp_path / 'graph')
    assert (args.model_dir, args.model_run_dir) == (str(tmp_path / 'model'), str(tmp_path / 'run'))
    assert args.serving_model_dir == str(tmp_path / 'model/Format-Serving')


def test_a_checkpoint_stays_after_a_failure_and_is_deleted_after_success(artifacts, tmp_path):
    folder = tmp_path / 'checkpoints'
    with pytest.raises(RuntimeError, match='stopped'):
        _run(artifacts, folder, function='fail')
    (left,) = folder.iterdir()
    assert left.read_text() == 'state'
    assert _run(artifacts, folder, function='fail').checkpoint == left
    assert list(folder.iterdir()) == []


def test_a_checkpoint_is_named_by_content_and_settings(artifacts, tmp_path):
    def name(**changed):
        return _run(artifacts, tmp_path / 'checkpoints', **changed).checkpoint.name

    first = name()
    assert name() == first
    (tmp_path / 'head').rename(tmp_path / 'moved')
    artifacts[0]['head_model'][0].uri = str(tmp_path / 'moved')
    assert name() == first
    others = [name(epochs=3), name(some='value')]
    for file in (
        'base/base.keras',
        'moved/head.keras',
        'examples/Split-train/data_tfrecord-00001-of-00002.gz',
        'graph/metadata/x',
    ):
        (tmp_path / file).write_text('changed')
        others.append(name())
    assert len({first, *others}) == 7


def test_the_component_passes_one_property_of_settings(artifacts):
    channels = {key: channel_utils.as_channel(value) for key, value in artifacts[0].items()}
    component = FineTuner(**channels, run_fn='some.module.run_fn', settings=Settings(crop=0.3), custom_config={'a': 1})
    assert component.exec_properties == {
        'run_fn': 'some.module.run_fn', 'settings': Settings(crop=0.3).to_json(), 'custom_config': '{"a": 1}',
        'checkpoints': '',
    }  # fmt: skip
    assert set(component.outputs) == {'model', 'model_run'}
