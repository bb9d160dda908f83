# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A bad input ends with exit status 2 and one line that names it, before anything runs or is written."""

import shutil

import pytest


@pytest.fixture
def refused(command, inputs, tmp_path):
    """Runs with a bad argument and returns the error line."""

    def call(*extra: object, **changed: object) -> str:
        output = tmp_path / 'out'
        process = command(*inputs.arguments(output, **changed), *extra)
        assert process.returncode == 2, process.stderr
        assert process.stdout == ''
        lines = process.stderr.splitlines()
        assert len(lines) == 1, process.stderr
        assert not output.exists()
        return lines[0]

    return call


def test_help_lists_the_commands(command):
    process = command('--help')
    assert process.returncode == 0
    assert 'predict' in process.stdout


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((), 'COMMAND'),
        (('run',), '--data, --prototxt'),
        (('rnu',), 'did you mean run?'),
        (('config', 'vgg_fase'), 'did you mean vgg_face?'),
        (('predict', '--modle', 'x', 'y'), '--model'),
        (('predict',), 'IMAGE, and one of --model --server (see'),
        (('predict', '--model=x'), 'IMAGE (see'),
        (('evaluate', '--data', 'x'), '--output, and one of --model --server (see'),
    ],
)
def test_bad_usage(command, arguments, message):
    process = command(*arguments)
    assert process.returncode == 2
    assert message in process.stderr
    assert len(process.stderr.splitlines()) == 1


def test_a_missing_data_root(refused, tmp_path):
    assert str(tmp_path / 'nowhere') in refused(data=tmp_path / 'nowhere')


def test_an_empty_data_root(refused, tmp_path):
    (tmp_path / 'faces').mkdir()
    assert str(tmp_path / 'faces') in refused(data=tmp_path / 'faces')


def test_a_root_without_aligned(refused, tmp_path):
    (tmp_path / 'faces' / 'combined' / 'valid').mkdir(parents=True)
    line = refused(data=tmp_path / 'faces')
    assert 'aligned' in line
    assert 'valid' in line


def test_no_age_gender_folder(refused, tmp_path):
    (tmp_path / 'faces' / 'combined' / 'aligned' / 'women').mkdir(parents=True)
    line = refused(data=tmp_path / 'faces')
    assert 'women' in line
    assert 'AA_M' in line


@pytest.mark.parametrize('name', ['prototxt', 'caffemodel'])
def test_a_missing_network_file(refused, tmp_path, name):
    assert str(tmp_path / 'nowhere') in refused(**{name: tmp_path / 'nowhere'})


def test_swapped_network_files(refused, inputs):
    line = refused(prototxt=inputs.caffemodel, caffemodel=inputs.prototxt)
    assert str(inputs.caffemodel) in line


def test_a_truncated_caffemodel(refused, inputs, tmp_path):
    cut = tmp_path / 'cut.caffemodel'
    cut.write_bytes(inputs.caffemodel.read_bytes()[:-1000])
    assert str(cut) in refused(caffemodel=cut)


def test_weights_of_the_wrong_shape(refused, inputs, tmp_path):
    wider = tmp_path / 'wider.prototxt'
    wider.write_text(inputs.prototxt.read_text().replace('num_output: 4', 'num_output: 5'))
    line = refused(prototxt=wider)
    assert 'conv1_1' in line


def test_a_missing_output_layer(refused):
    assert 'pool9' in refused('--set', 'model.output_layer=pool9')


@pytest.mark.parametrize(
    ('layer', 'reason'), [('conv9', 'the base has no such layer'), ('pool5', 'no layer with weights')]
)
def test_a_bad_first_layer_to_fine_tune(refused, layer, reason):
    line = refused('--set', f'fine_tuning.unfreeze_from={layer}')
    assert reason in line
    assert 'conv5_1, conv5_2, conv5_3' in line


def test_a_bad_configuration_value(refused):
    assert 'trainer.epochs: expected at least 1' in refused('--set', 'trainer.epochs=0')


def test_a_missing_column_of_the_manifest(refused, tmp_path):
    faces = tmp_path / 'faces'
    (faces / 'combined' / 'aligned' / '20_F').mkdir(parents=True)
    (faces / 'combined' / 'aligned' / '20_F' / 'x.jpg').write_bytes(b'x')
    (faces / 'manifest.csv').write_text('path,race\ncombined/aligned/20_F/x.jpg,1\n')
    line = refused('--set', 'data.manifest_columns=[races]', data=faces)
    assert f'{faces / "manifest.csv"} has no column races; did you mean race?' in line


def test_an_unwritable_output(command, inputs, tmp_path):
    (tmp_path / 'file').write_text('')
    process = command(*inputs.arguments(tmp_path / 'file' / 'out'))
    assert process.returncode == 2
    assert process.stderr.splitlines() == [
        f'gender-pipeline: --output {tmp_path / "file" / "out"}: not writable (Not a directory); '
        'give a directory you can write to'
    ]


def test_a_folder_without_a_model(command, tmp_path):
    process = command('predict', '--model', tmp_path, 'x.jpg')
    assert process.returncode == 2
    assert process.stdout == ''
    assert f'--model {tmp_path}: not a SavedModel' in process.stderr


def test_a_folder_without_runs(command, tmp_path):
    process = command('report', '--output', tmp_path)
    assert process.returncode == 2
    assert f'{tmp_path}: not a run directory' in process.stderr


def test_few_unreadable_images_are_listed_and_many_stop_the_run(command, inputs, low_bounds, tmp_path):
    broken = shutil.copytree(inputs.data, tmp_path / 'broken')
    images = sorted((broken / 'combined' / 'aligned').glob('*/*.jpg'))
    for image in images[::70]:  # 10 of 700
        image.write_bytes(image.read_bytes()[:300])
    few = command(*inputs.arguments(tmp_path / 'out', data=broken), *low_bounds)
    assert few.returncode == 0, few.stderr
    assert '10 rejected' in few.stdout
    rejected = next((tmp_path / 'out' / 'StratifiedExampleGen').glob('examples/*/rejected.csv')).read_text()
    assert len(rejected.splitlines()) == 11
    assert str(images[0].relative_to(broken)) in rejected

    for image in images[::10]:  # 70 of 700
        image.write_bytes(b'')
    many = command(*inputs.arguments(tmp_path / 'out', data=broken), *low_bounds)
    assert many.returncode == 2
    line = many.stderr.splitlines()[-1]
    assert 'max_bad_fraction' in line
    assert str(images[0].relative_to(broken)) in line
    assert 'Trainer' not in many.stderr
