# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Every bad input ends in exit status 2 and one line that names it; nothing is run, nothing is left behind."""

import shutil
import time

import pytest


@pytest.fixture
def refused(command, inputs, tmp_path):
    """Runs with something wrong and returns the one line that it was refused with."""

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


def test_help_is_quick(command):
    started = time.monotonic()
    process = command('--help')
    assert process.returncode == 0
    assert 'predict' in process.stdout
    # The promise is one second; a loaded machine gets some more before the test is lost.
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((), 'COMMAND'),
        (('run',), '--data, --prototxt'),
        (('rnu',), 'rnu'),
        (('predict', '--modle', 'x', 'y'), '--model'),
    ],
)
def test_bad_usage(command, arguments, message):
    process = command(*arguments)
    assert process.returncode == 2
    assert message in process.stderr
    assert len(process.stderr.splitlines()) == 1


def test_a_data_root_that_is_not_there(refused, tmp_path):
    assert str(tmp_path / 'nowhere') in refused(data=tmp_path / 'nowhere')


def test_an_empty_data_root(refused, tmp_path):
    (tmp_path / 'faces').mkdir()
    assert str(tmp_path / 'faces') in refused(data=tmp_path / 'faces')


def test_a_root_without_aligned(refused, tmp_path):
    (tmp_path / 'faces' / 'combined' / 'valid').mkdir(parents=True)
    line = refused(data=tmp_path / 'faces')
    assert 'aligned' in line
    assert 'valid' in line


def test_no_folder_of_age_and_gender(refused, tmp_path):
    (tmp_path / 'faces' / 'combined' / 'aligned' / 'women').mkdir(parents=True)
    line = refused(data=tmp_path / 'faces')
    assert 'women' in line
    assert 'AA_M' in line


@pytest.mark.parametrize('name', ['prototxt', 'caffemodel'])
def test_a_network_file_that_is_not_there(refused, tmp_path, name):
    assert str(tmp_path / 'nowhere') in refused(**{name: tmp_path / 'nowhere'})


def test_swapped_network_files(refused, inputs):
    line = refused(prototxt=inputs.caffemodel, caffemodel=inputs.prototxt)
    assert str(inputs.caffemodel) in line


def test_a_truncated_caffemodel(refused, inputs, tmp_path):
    cut = tmp_path / 'cut.caffemodel'
    cut.write_bytes(inputs.caffemodel.read_bytes()[:-1000])
    assert str(cut) in refused(caffemodel=cut)


def test_weights_of_other_shapes(refused, inputs, tmp_path):
    wider = tmp_path / 'wider.prototxt'
    wider.write_text(inputs.prototxt.read_text().replace('num_output: 4', 'num_output: 5'))
    line = refused(prototxt=wider)
    assert 'conv1_1' in line


def test_an_output_layer_that_is_not_there(refused):
    assert 'pool9' in refused('--set', 'model.output_layer=pool9')


@pytest.mark.parametrize(
    ('layer', 'reason'), [('conv9', 'the base has no such layer'), ('pool5', 'no layer with weights')]
)
def test_a_layer_to_unfreeze_from_that_cannot_be_begun_with(refused, layer, reason):
    line = refused('--set', f'fine_tuning.unfreeze_from={layer}')
    assert reason in line
    assert 'conv5_1, conv5_2, conv5_3' in line


def test_a_bad_value_of_the_configuration(refused):
    assert 'trainer.epochs: expected at least 1' in refused('--set', 'trainer.epochs=0')


def test_an_output_that_cannot_be_written(command, inputs, tmp_path):
    (tmp_path / 'file').write_text('')
    process = command(*inputs.arguments(tmp_path / 'file' / 'out'))
    assert process.returncode == 2
    assert process.stderr.splitlines() == [
        f'gender-pipeline: --output {tmp_path / "file" / "out"}: cannot be written (Not a directory); '
        'give a directory that can'
    ]


def test_a_model_folder_that_is_none(command, tmp_path):
    process = command('predict', '--model', tmp_path, 'x.jpg')
    assert process.returncode == 2
    assert f'--model {tmp_path}: not a SavedModel' in process.stderr


def test_a_run_directory_that_is_none(command, tmp_path):
    process = command('report', '--output', tmp_path)
    assert process.returncode == 2
    assert f'{tmp_path}: not a run directory' in process.stderr


def test_too_many_unreadable_images_stop_the_run_and_a_few_are_counted_and_listed(
    command, inputs, low_bounds, tmp_path
):
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
