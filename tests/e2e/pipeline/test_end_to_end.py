# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Whole runs of the command line over drawn faces: executed stages, cached stages, results."""

import json
import os
import random
import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image
from sklearn import metrics as sk

from components.faces import loading
from components.robustness_evaluator import frames, measuring
from pipeline.__main__ import parser
from pipeline.model import tuner
from pipeline.report import words
from pipeline.runs import metadata
from pipeline.serving import image_files, skew
from tests.fakes import s3_store
from tests.tools import photographs

_STAGES = {
    'StratifiedExampleGen', 'CuratedSchema', 'StatisticsGen', 'ExampleValidator', 'DataGate', 'CaffeConverter',
    'Transform', 'EmbeddingGen', 'Trainer', 'Evaluator', 'RobustnessEvaluator', 'SignatureCheck', 'AtomicPusher',
}  # fmt: skip
_FROM_TRAINER = {'Trainer', 'Evaluator', 'RobustnessEvaluator', 'SignatureCheck', 'AtomicPusher'}


def _states(output) -> dict[str, str]:
    """The state of each stage of the newest run, from MLMD."""
    return {stage.name: stage.state for stage in metadata.runs(output)[-1].stages}


def _executed(output, stages=_STAGES) -> set[str]:
    states = _states(output)
    assert set(states) == stages
    assert set(states.values()) <= {'COMPLETE', 'CACHED'}
    return {name for name, state in states.items() if state == 'COMPLETE'}


def test_a_first_run_executes_everything_and_reports_its_results(finished):
    result = finished.metrics
    assert {stage['name'] for stage in result['stages']} == _STAGES
    assert not any(stage['cached'] for stage in result['stages'])
    assert [frame['name'] for frame in result['robustness']] == [frames.UNTOUCHED, *frames.FRAMES]
    assert {frame[gender]['faces'] for frame in result['robustness'] for gender in ('male', 'female')} == {4}
    folder = metadata.runs(finished.output)[0].output('RobustnessEvaluator', 'robustness').uri
    assert words.robustness(measuring.read(folder)) in finished.process.stdout
    assert result['data']['splits'] == {
        'train': {'male': 210, 'female': 210},
        'validation': {'male': 70, 'female': 70},
        'test': {'male': 70, 'female': 70},
    }
    assert result['overall']['examples'] == 140
    assert result['blessed'] is True
    assert finished.versions == [os.path.basename(result['pushed'])]
    slices = [tuple(item['slice'].items()) for item in result['slices']]
    assert (('gender', 'male'),) in slices
    assert (('age_band', '61-70'),) in slices
    assert (('gender', 'female'), ('age_band', '01-10')) in [tuple(sorted(s, reverse=True)) for s in slices]
    assert len(slices) == 2 + 7 + 14
    for line in ('140 age-gender folders', 'overall', 'male', 'female', 'Blessed. Pushed to', 'report/index.html'):
        assert line in finished.process.stdout
    assert 'Trainer' in finished.process.stderr
    page = (finished.output / 'report' / 'index.html').read_text()
    assert 'is a metric that a slice does not define' in page
    assert '://' not in page  # nothing is loaded from anywhere
    log = next((finished.output / 'logs').iterdir()).read_text()
    assert '[StatisticsGen] Resolved inputs' in log
    assert 'utf-8' not in log.lower()  # TFDV warns once for every image that it takes for text


def test_metrics_equal_scikit_learns_on_the_same_predictions(finished):
    examples = metadata.runs(finished.output)[0].output('StratifiedExampleGen', 'examples')
    files = tf.io.gfile.glob(f'{examples.uri}/Split-test/*')
    records = list(tf.data.TFRecordDataset(files, compression_type='GZIP').as_numpy_iterator())
    features = [tf.train.Example.FromString(record).features.feature for record in records]
    labels = np.array([feature['gender'].int64_list.value[0] for feature in features])
    model = tf.saved_model.load(finished.metrics['pushed'])
    scores = model.signatures['examples'](examples=tf.constant(records))['probability'].numpy()

    overall = finished.metrics['overall']
    called = scores > 0.5
    assert overall['accuracy']['value'] == pytest.approx(sk.accuracy_score(labels, called), abs=1e-6)
    assert overall['precision']['value'] == pytest.approx(sk.precision_score(labels, called), abs=1e-6)
    assert overall['recall']['value'] == pytest.approx(sk.recall_score(labels, called), abs=1e-6)
    assert overall['specificity']['value'] == pytest.approx(sk.recall_score(labels, called, pos_label=0), abs=1e-6)
    # TFMA counts at 10,000 thresholds.
    assert overall['auc']['value'] == pytest.approx(sk.roc_auc_score(labels, scores), abs=1e-3)
    assert overall['auc_pr']['value'] == pytest.approx(sk.average_precision_score(labels, scores), abs=0.02)
    assert overall['log_loss']['value'] == pytest.approx(sk.log_loss(labels, scores), abs=1e-4)
    by_slice = {tuple(item['slice'].items()): item['metrics'] for item in finished.metrics['slices']}
    for label, name in enumerate(('male', 'female')):
        here = labels == label
        got = by_slice[(('gender', name),)]
        assert got['examples'] == here.sum()
        assert got['accuracy']['value'] == pytest.approx((called == labels)[here].mean(), abs=1e-6)
        assert got['auc'] is None


def test_head_keras_gives_the_logits_of_the_model_beside_it(finished):
    run = metadata.runs(finished.output)[0]
    folder = Path(run.output('Trainer', 'model').uri)
    (file,) = Path(run.output('EmbeddingGen', 'embeddings').uri).glob('Split-test/*.gz')
    records = list(tf.data.TFRecordDataset(str(file), compression_type='GZIP').as_numpy_iterator())
    values = [tf.train.Example.FromString(record).features.feature['embedding'].float_list.value for record in records]
    logits = keras.models.load_model(folder / 'head.keras')(np.array(values, np.float32))[:, 0]
    served = tf.saved_model.load(str(folder / 'Format-Serving')).signatures['embeddings'](examples=tf.constant(records))
    np.testing.assert_allclose(logits, served['logit'], atol=1e-5)


def test_a_rerun_with_nothing_changed_executes_nothing(own_run, command, inputs, low_bounds):
    before = own_run.metrics
    process = command(*inputs.arguments(own_run.output), *low_bounds)
    assert process.returncode == 0, process.stderr
    assert _executed(own_run.output) == set()
    assert own_run.metrics['overall'] == before['overall']
    assert len(own_run.versions) == 1


def test_a_damaged_version_is_pushed_again_when_all_stages_are_cached(own_run, command, inputs, low_bounds):
    (version,) = own_run.versions
    serving = own_run.output / 'serving' / 'gender_classifier'
    graph = (serving / version / 'saved_model.pb').read_bytes()
    (serving / version / 'saved_model.pb').write_bytes(graph[:1000])
    process = command(*inputs.arguments(own_run.output), *low_bounds)
    assert process.returncode == 0, process.stderr
    assert f'AtomicPusher: {serving}/{version}/saved_model.pb changed; making it again' in process.stderr
    assert _executed(own_run.output) == {'AtomicPusher'}
    assert (serving / own_run.versions[-1] / 'saved_model.pb').read_bytes() == graph
    assert own_run.metrics['pushed'] == str(serving / own_run.versions[-1])


def test_the_same_inputs_elsewhere_execute_nothing(own_run, command, inputs, low_bounds, tmp_path):
    moved = {
        'data': shutil.copytree(inputs.data, tmp_path / 'moved'),
        'prototxt': shutil.copy(inputs.prototxt, tmp_path / 'other.prototxt'),
        'caffemodel': shutil.copy(inputs.caffemodel, tmp_path / 'other.caffemodel'),
    }
    process = command(*inputs.arguments(own_run.output, **moved), *low_bounds)
    assert process.returncode == 0, process.stderr
    assert _executed(own_run.output) == set()


def test_another_head_executes_the_trainer_and_what_follows(own_run, command, inputs, low_bounds, capsys):
    process = command(
        *inputs.arguments(own_run.output), *low_bounds, '--set', 'trainer.hidden_units=16', '--name', '16'
    )
    assert process.returncode == 0, process.stderr
    assert _executed(own_run.output) == _FROM_TRAINER
    assert len(own_run.versions) == 2
    _check_comparison(own_run, capsys)


def _check_comparison(own_run, capsys):
    """The two runs, as the commands compare them."""

    def call(*arguments: str) -> str:
        options = parser().parse_args([*arguments, '--output', str(own_run.output)])
        assert options.command(options) == 0
        return capsys.readouterr().out

    one, two = json.loads(call('runs', '--json'))
    assert (one['name'], two['name']) == (None, '16')
    assert '--name 16' in two['command']
    found = json.loads(call('runs', '--compare', one['id'], '16', '--json'))
    assert found['changes'] == [{'key': 'trainer.hidden_units', 'from': '[32]', 'to': '[16]'}]
    files = [own_run.output / 'runs' / f'{run["id"]}.predictions.csv' for run in (one, two)]
    before, after = (pd.read_csv(file, dtype={'gender': str}).set_index('path') for file in files)
    right, still = ((table.probability > 0.5) == (table.gender == 'female') for table in (before, after))
    assert len(right) == own_run.metrics['overall']['examples']
    assert still.mean() == pytest.approx(own_run.metrics['overall']['accuracy']['value'])
    assert {face['path'] for face in found['lost']} == set(right.index[right & ~still])
    assert {face['path'] for face in found['won']} == set(right.index[~right & still])
    newest = (own_run.output / 'report' / 'index.html').read_bytes()
    said = call('report', '--run', one['id'], '--against', '16')
    assert f'report/{one["id"]}/index.html' in said
    assert 'trainer.hidden_units: [16] → [32]' in said
    page = (own_run.output / 'report' / one['id'] / 'index.html').read_text()
    assert f'{two["id"]} (16)</option>' in page
    assert (own_run.output / 'report' / 'index.html').read_bytes() == newest
    tables = {name: call('report', '--run', name, '--table') for name in (one['id'], '16')}
    assert f'{one["metrics"]["overall"]["auc"]["value"]:.3f}\n' in tables[one['id']]
    assert tables[one['id']] != tables['16'] == call('report', '--table')


def test_trainer_uses_the_tuners_best_values_and_the_search_is_cached(own_run, command, inputs, low_bounds):
    stages = _STAGES | {'Tuner'}
    arguments = [
        *inputs.arguments(own_run.output), *low_bounds, '--set', 'tuner.enabled=true', '--set', 'tuner.trials=2',
        '--set', 'tuner.epochs=2', '--set', 'trainer.early_stopping_patience=2', '--set', 'trainer.restore_best=true',
    ]  # fmt: skip
    process = command(*arguments)
    assert process.returncode == 0, process.stderr
    assert _executed(own_run.output, stages) == _FROM_TRAINER | {'Tuner'}
    assert 'rial' not in process.stdout  # Keras Tuner prints tables
    run = metadata.runs(own_run.output)[-1]
    best = json.loads((Path(run.output('Tuner', 'best_hyperparameters').uri) / tuner.BEST).read_text())['values']
    training = own_run.metrics['training']
    assert set(training['tuned']) == set(best) == {'learning_rate', 'hidden_units', 'dropout', 'l2'}
    assert training['settings']['hidden_units'] == [best['hidden_units']]
    assert training['settings']['learning_rate'] == best['learning_rate']
    assert training['settings']['epochs'] == 30
    folder = Path(run.output('Trainer', 'model').uri)
    assert keras.models.load_model(folder / 'head.keras').get_layer('hidden').units == best['hidden_units']
    assert 1 <= training['kept_epoch'] <= 30
    assert len(training['trials']) == 2
    card = (own_run.output / 'report' / 'model_card.md').read_text()
    assert 'Chosen in 2 trials on the validation split: learning rate ' in card
    page = (own_run.output / 'report' / 'index.html').read_text()
    assert page.count(f'{training["trials"][1]["score"]:.4f}</td>') >= 1

    again = command(*arguments)
    assert again.returncode == 0, again.stderr
    assert _executed(own_run.output, stages) == set()
    # Tuner does not depend on Trainer's epochs.
    longer = command(*arguments, '--set', 'trainer.epochs=31')
    assert longer.returncode == 0, longer.stderr
    assert _executed(own_run.output, stages) == _FROM_TRAINER
    other = command(*arguments, '--set', 'tuner.seed=5')
    assert other.returncode == 0, other.stderr
    assert _executed(own_run.output, stages) == _FROM_TRAINER | {'Tuner'}


def test_changed_data_executes_everything_from_the_sampling(own_run, command, inputs, low_bounds, tmp_path):
    changed = shutil.copytree(inputs.data, tmp_path / 'changed')
    victim = next((changed / 'combined' / 'aligned' / '25_F').iterdir())
    with Image.open(victim) as image:
        turned = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    turned.save(victim)
    process = command(*inputs.arguments(own_run.output, data=changed), *low_bounds)
    assert process.returncode == 0, process.stderr
    assert _executed(own_run.output) == _STAGES - {'CuratedSchema', 'CaffeConverter'}
    # The image is in the test split, so the mean image and all other embeddings stay the same.
    made = metadata.runs(own_run.output)[-1].output('EmbeddingGen', 'embeddings').properties
    assert (made['images_computed'], made['images_known']) == (1, 699)


def test_a_model_below_a_bound_is_not_pushed(own_run, command, inputs, low_bounds):
    versions = own_run.versions
    process = command(*inputs.arguments(own_run.output), *low_bounds, '--set', 'evaluation.min_gender_accuracy=0.999')
    assert process.returncode == 1
    assert 'Not blessed, and not pushed' in process.stdout
    assert 'gender male: accuracy' in process.stdout
    assert 'is below 0.999' in process.stdout
    assert own_run.metrics['blessed'] is False
    assert len(own_run.metrics['reasons']) == 2
    assert own_run.versions == versions


def test_a_model_worse_than_the_last_blessed_one_is_not_pushed_and_the_status_is_configured(
    own_run, command, inputs, low_bounds
):
    versions = own_run.versions
    arguments = [
        *inputs.arguments(own_run.output), *low_bounds, '--set', 'evaluation.max_regression=0',
        '--set', 'evaluation.exit_status_not_blessed=7', '--set', 'evaluation.min_auc=0', '--set', 'trainer.epochs=1',
        '--set', 'trainer.learning_rate=1e-9',
    ]  # fmt: skip
    process = command(*arguments)
    assert process.returncode == 7, process.stderr
    assert 'the last blessed model has' in process.stdout
    assert own_run.versions == versions
    again = command(*arguments)
    assert again.returncode == 7
    assert _executed(own_run.output) == set()


def test_predict_prints_text_or_json_and_reports_bad_images(finished, command, inputs, tmp_path):
    model = finished.output / 'serving' / 'gender_classifier' / finished.versions[0]
    good = sorted((inputs.data / 'combined' / 'aligned' / '40_F').iterdir())[:2]
    bad = tmp_path / 'bad.jpg'
    bad.write_bytes(good[0].read_bytes()[:200])
    words = command('predict', '--model', model, *good)
    assert words.returncode == 0, words.stderr
    assert words.stderr == ''
    header, *rows = [line.split() for line in words.stdout.splitlines()]
    assert header == ['label', 'p(female)', 'image']
    assert [row[2] for row in rows] == [str(path) for path in good]
    assert all((row[0] == 'female') == (float(row[1]) > 0.5) for row in rows)

    lines = command('predict', '--model', model, '--json', good[0], bad, tmp_path / 'none.jpg', good[1])
    assert lines.returncode == 2
    answers = [json.loads(line) for line in lines.stdout.splitlines()]
    assert [set(answer) for answer in answers] == [
        {'path', 'label', 'probability'}, {'path', 'error'}, {'path', 'error'}, {'path', 'label', 'probability'},
    ]  # fmt: skip
    newest = command('predict', '--model', model.parent, '--json', good[0])
    assert json.loads(newest.stdout)['path'] == str(good[0])
    assert answers[0]['label'] == ('female' if answers[0]['probability'] > 0.5 else 'male')


def test_latest_and_rollback(finished, command, tmp_path):
    served = tmp_path / 'gender_classifier'
    shutil.copytree(finished.output / 'serving' / 'gender_classifier' / finished.versions[0], served / '1700000000')
    shutil.copytree(served / '1700000000', served / '1700000060')
    listed = command('latest', '--model', served)
    assert [line.split() for line in listed.stdout.splitlines()] == [
        ['1700000060', '2023-11-14T22:14:20Z', 'served'], ['1700000000', '2023-11-14T22:13:20Z', 'kept'],
    ]  # fmt: skip
    back = command('rollback', '--model', served)
    assert back.stdout == f'{served}/1700000000 is served instead of 1700000060\n'
    assert json.loads(command('latest', '--model', served, '--json').stdout) == {
        'version': 1700000000, 'path': f'{served}/1700000000', 'older': [], 'withdrawn': [1700000060],
    }  # fmt: skip
    again = command('rollback', '--model', served)
    assert again.returncode == 2
    assert 'none to go back to' in again.stderr


def test_real_faces_and_a_real_network(command, shared, low_bounds, tmp_path):
    """140 folders x 2 faces through the backbone of a real face detector."""
    network = shared / 'models' / 'res10_face_detector'
    output = tmp_path / 'out'
    process = command(
        'run', '--config', 'face_detector', '--set', 'data.per_folder=2', '--output', output,
        '--data', shared / 'data' / 'agegender', '--prototxt', network / 'deploy.prototxt',
        '--caffemodel', network / 'res10_300x300_ssd_iter_140000.caffemodel', *low_bounds,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    result = json.loads((output / 'report' / 'metrics.json').read_text())
    assert result['data']['sampled'] == 280
    assert sum(sum(genders.values()) for genders in result['data']['splits'].values()) == 280
    # 168 training faces are few; chance is 0.5, and an AUC of 0.5 has an error of 0.08 on 56 faces.
    assert result['overall']['auc']['value'] > 0.62
    if not loading.installed():
        return
    # The framing of the training faces goes with the model, and photographs are brought to it.
    assert 'The framing of the training faces.' in (output / 'report' / 'index.html').read_text()
    draw_from = random.Random(4)
    photographed = tmp_path / 'photographs'
    photographed.mkdir()
    for path in sorted((shared / 'data' / 'agegender' / 'combined' / 'valid').glob('3*/*.jpg'))[::4]:
        picture = photographs.photograph(Image.open(path).convert('RGB'), 2, 20, draw_from)
        (photographed / f'{path.parent.name}-{path.name}').write_bytes(photographs.encoded(picture))
    model = output / 'serving' / 'gender_classifier'
    answers = command('predict', '--model', model, '--json', '--annotate', tmp_path / 'shown', photographed)
    assert answers.returncode == 0, answers.stderr
    found = [json.loads(line) for line in answers.stdout.splitlines()]
    assert {answer['framing'] for answer in found} == {'aligned'}
    taken = {str(path) for path in photographed.iterdir()}
    assert {answer['path'] for answer in found} == taken
    assert len(list((tmp_path / 'shown').iterdir())) == len(taken)
    assert len(found) <= 1.1 * len(taken)  # a crop may show part of another face
    first = skew.skew(output, image_files.find([str(photographed)], sys.stdin)).distances[0]
    assert (first.feature, first.value) == ('framing', pytest.approx(1, abs=0.1))


def test_faces_in_an_s3_store_and_another_input_size(command, inputs, low_bounds, tmp_path):
    """A size other than the prototxt's, not square; a column of the store's manifest as slices."""
    faces = shutil.copytree(inputs.data, tmp_path / 'faces')
    paths = sorted((faces / 'combined' / 'aligned').glob('*/*.jpg'))
    rows = [
        f'{path.relative_to(faces).as_posix()},{"round" if index % 2 else "long"}' for index, path in enumerate(paths)
    ]
    (faces / 'manifest.csv').write_text('\n'.join(['path,shape', *rows[:-1]]) + '\n')
    output = tmp_path / 'out'
    with s3_store.running() as store:
        process = command(
            *inputs.arguments(output, data=store.upload(faces, 'drawn')), *low_bounds, '--set', 'data.per_folder=3',
            '--set', 'model.input_size=[32, 96]', '--set', 'data.manifest_columns=[shape]',
            env=os.environ | store.environment,
        )  # fmt: skip
    assert process.returncode == 0, process.stderr
    run = metadata.runs(output)[0]
    files = map(str, Path(run.output('StratifiedExampleGen', 'examples').uri).glob('*/*'))
    images = 0
    for record in tf.data.TFRecordDataset(list(files), compression_type='GZIP').as_numpy_iterator():
        features = tf.train.Example.FromString(record).features.feature
        (path,), (image,) = features['path'].bytes_list.value, features['image'].bytes_list.value
        assert image == (faces / path.decode()).read_bytes()
        images += 1
    assert images == 420
    report = json.loads((Path(run.output('CaffeConverter', 'model').uri) / 'report.json').read_text())
    assert report['input_shape'] == [32, 96, 3]
    result = json.loads((output / 'report' / 'metrics.json').read_text())
    shapes = {
        item['slice'].get('shape'): item['metrics']['examples'] for item in result['slices'] if len(item['slice']) == 1
    }
    # The face without a row in the manifest has no shape and may be in the test split.
    assert 83 <= shapes['round'] + shapes['long'] <= result['overall']['examples'] == 84
    assert result['data']['manifest'] == {'file_without_row': 1}
