# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Loading configurations and overrides; the one-line errors of bad values."""

import dataclasses
from pathlib import Path

import pytest

from components.errors import InputError
from pipeline import config
from pipeline.__main__ import parser
from pipeline.model.settings import TUNED


def test_the_reference_procedure():
    reference = config.load('vgg_face')
    assert (reference.data.sources, reference.data.per_folder) == (('aligned',), 20)
    assert reference.data.fractions == (0.6, 0.2, 0.2)
    assert dataclasses.asdict(reference.trainer) == {
        'hidden_units': (32,), 'dropout': 0.25, 'l2': 0, 'standardize': False, 'learning_rate': 0.001, 'batch_size': 20,
        'epochs': 10, 'class_weights': 'none', 'early_stopping_patience': None, 'restore_best': False,
        'monitor': 'val_loss', 'seed': 0,
    }  # fmt: skip
    assert reference.tuner.enabled is False


@pytest.mark.parametrize('name', config.bundled())
def test_a_written_configuration_loads_as_itself(name, tmp_path):
    loaded = config.load(name)
    file = tmp_path / 'again.yaml'
    file.write_text(loaded.as_yaml())
    assert config.load(str(file)) == loaded


def test_overrides_apply_in_order():
    loaded = config.load(
        'vgg_face', ['trainer.epochs=3', 'trainer.learning_rate=1e-4', 'trainer.epochs=4', 'data.per_folder=null']
    )
    assert (loaded.trainer.epochs, loaded.trainer.learning_rate, loaded.data.per_folder) == (4, 1e-4, None)
    assert loaded.trainer.hidden_units == (32,)


def test_a_single_value_becomes_a_list():
    loaded = config.load('vgg_face', ['trainer.hidden_units=48', 'data.directories=valid'])
    assert (loaded.trainer.hidden_units, loaded.data.directories) == ((48,), ('valid',))
    assert config.load('vgg_face', ['trainer.hidden_units=[]']).trainer.hidden_units == ()


@pytest.mark.parametrize(
    ('override', 'message'),
    [
        ('trainer.epochs=0', 'trainer.epochs: expected at least 1 and at most 100000, found 0'),
        ('trainer.epochs=many', "trainer.epochs: expected a whole number, found 'many'"),
        ('trainer.epochs=2.5', 'trainer.epochs: expected a whole number, found 2.5'),
        ('trainer.standardize=1', 'trainer.standardize: expected true or false, found 1'),
        ('trainer.dropout=.nan', 'trainer.dropout: expected at least 0 and at most 0.95, found nan'),
        ('fine_tuning.crop=1', 'fine_tuning.crop: expected at least 0 and at most 0.9, found 1.0'),
        ('fine_tuning.epochs=0', 'fine_tuning.epochs: expected at least 1 and at most 10000, found 0'),
        ('trainer.epoch=3', 'no such key; did you mean trainer.epochs?'),
        ('train.epochs=3', 'no such key; did you mean trainer.epochs?'),
        ('trainer.epochs', 'expected section.key=value'),
        ('trainer=3', 'expected section.key=value'),
        ('kubeflow.resources.Trainer.cpu=many', "kubeflow.resources.Trainer.cpu: expected a number, found 'many'"),
        ('kubeflow.resources={Trainer: {memory: 4Q}}', 'kubeflow.resources.Trainer.memory: expected a size such as 4G'),
        ('kubeflow.resources.Trainer.cpus=2', 'kubeflow.resources.Trainer.cpus: no such key; did you mean cpu?'),
        ('trainer.epochs.x=2', 'epochs holds one value'),
        ('data.split=random', "data.split: expected one of stratified, shuffled, found 'random'"),
        ('data.fractions=[0.5, 0.5]', 'data.fractions: expected three shares'),
        ('data.fractions=[0.5, 0.5, 0.5]', 'add up to 1'),
        ('model.pooling_grid=3', 'no such key; did you mean embedding.pooling_grid?'),
        ('data.xyzzy=3', 'no such key; known are: beam.flink_master, '),
        ('data.directories=[]', 'data.directories: expected at least one name, each once'),
        ('data.directories={a: 1}', "data.directories: expected text, found {'a': 1}"),
        ('data.fractions=0.6', 'data.fractions: expected three shares'),
        ('trainer.hidden_units=[32, 0]', 'trainer.hidden_units: expected at least 1 and at most 65536, found 0'),
        ('trainer.class_weights=null', 'trainer.class_weights: expected text, found None'),
        ('trainer.early_stopping_patience=0', 'trainer.early_stopping_patience: expected at least 1, found 0'),
        ('trainer.monitor=loss', "trainer.monitor: expected one of val_loss, val_auc, found 'loss'"),
        ('data.seed=[', 'not valid YAML'),
        ('trainer.epochs=2001-99-99', 'a value does not fit its type (month must be in 1..12'),
        ('trainer.epochs=!!int "abc"', 'a value does not fit its type'),
        ('trainer.epochs=!!timestamp "x"', 'a value does not fit its type'),
        pytest.param(f'trainer.epochs={"9" * 5000}', 'a value does not fit its type', id='digits'),
        pytest.param(f'trainer.learning_rate=1{"0" * 400}', 'trainer.learning_rate: expected', id='overflow'),
        pytest.param(f'trainer.epochs={"[" * 5000}', 'not valid YAML', id='deep'),
    ],
)
def test_a_bad_override(override, message):
    with pytest.raises(InputError) as caught:
        config.load('vgg_face', [override])
    assert message in str(caught.value)
    assert '\n' not in str(caught.value)


# Nine aliases of a list on each of nine lines: 9^9 items.
_LAUGHS = 'a0: &a0 [x]\n' + ''.join(f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 9)}]\n' for n in range(1, 10))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('trainer: {epochs: [1]}', 'trainer.epochs: expected a whole number, found [1]'),
        ('trainers: {}', 'trainers: no such key'),
        ('trainer: 3', 'trainer: expected keys with values, found 3'),
        ('- 1', 'expected sections'),
        ('a: [', 'not valid YAML'),
        ('trainer: !!python/object/apply:os.system [ls]', 'not valid YAML'),
        ('\x00', 'not valid YAML'),
        pytest.param(_LAUGHS, 'more than 10 aliases', id='laughs'),
        pytest.param('# ' + 'long ' * 20_001, 'larger than 100,000 bytes', id='long'),
    ],
)
def test_a_bad_file(tmp_path, text, message):
    file = tmp_path / 'mine.yaml'
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        config.load(str(file))
    assert message in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ('overrides', 'message'),
    [
        (['tuner.dropout=0.3'], 'tuner.dropout: expected [low, high] or [], found [0.3]'),
        (['tuner.hidden_units=[64, 8]'], 'tuner.hidden_units: expected [low, high] or [], found [64, 8]'),
        (['tuner.l2=[0, 0.1]'], 'tuner.l2: expected at least 1e-12 and at most 10, found 0.0'),
        (['trainer.hidden_units=[64, 32]'], 'use layers of one size there, or [] here'),
        ([f'tuner.{name}=[]' for name in TUNED], 'tuner: nothing to search; give a range to one of learning_rate, '),
    ],
)
def test_a_bad_search_range(overrides, message):
    with pytest.raises(InputError) as caught:
        config.load('vgg_face', ['tuner.enabled=true', *overrides])
    assert message in str(caught.value)


def test_an_empty_file_gives_the_defaults(tmp_path):
    file = tmp_path / 'mine.yaml'
    file.write_text('')
    assert config.load(str(file)) == config.Config()


def test_a_file_without_end_is_refused():
    with pytest.raises(InputError, match='/dev/zero: larger than 100,000 bytes'):
        config.load('/dev/zero')


def test_a_missing_file_lists_the_bundled_configurations():
    with pytest.raises(InputError, match=r'nowhere: No such file .* demo, .*vgg_face'):
        config.load('nowhere')


def test_every_key_has_help():
    rows = config.describe()
    assert len(rows) == sum(len(section) for section in config.Config().as_dict().values())
    assert all(text for *_, text in rows)


def test_the_list_of_keys_says_what_each_may_hold(capsys):
    holds = {key: allowed for key, _, allowed, _ in config.describe()}
    assert holds['data.per_folder'] == 'whole number, at least 1, or null'
    assert holds['gate.min_gender_share'] == 'number, at least 0 and at most 0.5'
    assert holds['data.layout'] == 'one of folders, utkface, manifest'
    assert holds['trainer.hidden_units'] == 'a list, each whole number, at least 1 and at most 65536'
    assert holds['evaluation.slice_bounds'] == 'a list, each keys'
    assert holds['kubeflow.resources'] == 'by name, each keys'
    options = parser().parse_args(['config', '--keys'])
    assert options.command(options) == 0
    assert '(whole number, at least 1, or null)\n' in capsys.readouterr().out


def test_the_command_without_a_name_prints_what_a_run_uses(capsys):
    run = parser().parse_args(['run', '--data=~/d', '--prototxt=~/p', '--caffemodel=~/c', '--output=~/o'])
    shown = parser().parse_args(['config'])
    assert shown.command(shown) == 0
    assert capsys.readouterr().out == config.load(run.config).as_yaml()
    home = Path.home()
    assert [run.data, run.prototxt, run.caffemodel, run.output] == [home / name for name in 'dpco']
