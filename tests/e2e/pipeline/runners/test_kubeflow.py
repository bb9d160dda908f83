# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The compiled pipeline, run as Kubeflow would with nothing but an S3 store, compared with the local run."""

import dataclasses
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from components import names
from components.evaluator import metrics, thresholds
from pipeline.model import head_training, tuner
from pipeline.model.settings import TrainerSettings
from pipeline.report import words
from pipeline.runners.kubeflow import report_task
from pipeline.serving import predict
from tests.e2e.pipeline.runners import same_run
from tests.fakes import kfp_executor, s3_store

_TUNER = ['--set', 'tuner.enabled=true', '--set', 'tuner.trials=2', '--set', 'tuner.epochs=2']


@dataclass(frozen=True)
class KubeflowRun:
    """A run of a compiled pipeline on a cluster."""

    cluster: kfp_executor.Cluster
    file: Path
    arguments: dict
    tasks: dict[str, kfp_executor.Task]

    def folder(self, task: str, output: str) -> Path:
        """The files of an artifact."""
        return self.cluster.object(self.tasks[task].artifacts[output]['uri'])


@pytest.fixture(scope='module')
def store() -> Iterator[s3_store.Store]:
    with s3_store.running() as running:
        yield running


@pytest.fixture(scope='module')
def kubeflow_run(command, inputs, low_bounds, store, tmp_path_factory, warm_python) -> KubeflowRun:
    """The demo, compiled and run once, each component in its own process."""
    folder = tmp_path_factory.mktemp('kubeflow')
    file = _compiled(command, inputs, low_bounds, folder / 'pipeline.yaml')
    arguments = {
        'data_root': store.upload(inputs.data, 'drawn'),
        'prototxt': 's3://faces/base.prototxt',
        'caffemodel': 's3://faces/base.caffemodel',
        'output': 's3://faces/serving',
    }
    store.put('base.prototxt', inputs.prototxt.read_bytes())
    store.put('base.caffemodel', inputs.caffemodel.read_bytes())
    cluster = kfp_executor.Cluster(folder, warm_python, bucket=store, environment=store.environment)
    return KubeflowRun(cluster, file, arguments, cluster.run(file, **arguments))


def _compiled(command, inputs, low_bounds, file: Path, *settings: str) -> Path:
    process = command(
        'compile', '--config', 'demo', *low_bounds, *settings, '--prototxt', inputs.prototxt,
        '--image', 'pipeline:test', '--root', 's3://faces/kfp', '-o', file,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    # What kubeflow.bucket sets; here the configuration stays that of the local run.
    documents = list(yaml.safe_load_all(file.read_text()))
    for task, name in (('Inputs', 'embedding_store'), ('EmbeddingGen', 'store')):
        parameters = documents[0]['root']['dag']['tasks'][task]['inputs']['parameters']
        assert parameters[name] == {'runtimeValue': {'constant': '/data/embedding_store'}}
        # Equal values may be one object of the YAML.
        parameters[name] = {'runtimeValue': {'constant': 's3://faces/embeddings'}}
    file.write_text(yaml.safe_dump_all(documents))
    return file


def test_gives_the_metrics_of_the_local_run(kubeflow_run, finished):
    measured = dataclasses.asdict(metrics.read(kubeflow_run.folder('Evaluator', 'evaluation')))
    overall, slices = measured['overall'], measured['slices']
    local = finished.first_metrics
    assert [item['slice'] for item in slices] == [item['slice'] for item in local['slices']]
    ours = same_run.numbers([overall, *(item['metrics'] for item in slices)])
    # Counts and ratios are equal; the mean of the logarithms depends on the order of the sum.
    assert ours == pytest.approx(
        same_run.numbers([local['overall'], *(item['metrics'] for item in local['slices'])]), rel=1e-6
    )
    assert thresholds.reasons(thresholds.read(kubeflow_run.folder('Evaluator', 'evaluation'))) == []


def test_the_report_shows_the_metrics_of_the_local_run(kubeflow_run, finished):
    task = kubeflow_run.tasks['Report']
    ours = json.loads(kubeflow_run.folder('Report', 'metrics').read_text())
    local = finished.first_metrics
    assert list(ours) == list(local)
    measured, expected = (
        same_run.numbers([of['overall'], of['gap'], *(item['metrics'] for item in of['slices'])])
        for of in (ours, local)
    )
    assert measured == pytest.approx(expected, rel=1e-6)
    assert ours['data'] == local['data']
    for key in ('config_sha256', 'base_sha256', 'prototxt_sha256', 'versions'):
        assert ours['run'][key] == local['run'][key]
    assert ours['run']['data_fingerprint'] == kubeflow_run.tasks['Inputs'].parameters['data_fingerprint']
    assert ours['config'] == local['config']
    assert ours['run']['id'] == task.artifacts['metrics']['uri'].split('/')[-4]
    assert ours['run']['started'] == kubeflow_run.tasks['Inputs'].parameters['started']
    assert (ours['blessed'], os.path.dirname(ours['pushed'])) == (True, kubeflow_run.arguments['output'])

    shown = task.artifacts['metrics']['metadata']
    genders = {
        item['slice']['gender']: item['metrics'] for item in local['slices'] if list(item['slice']) == ['gender']
    }
    assert (shown['examples'], shown['blessed']) == (local['overall']['examples'], 1)
    assert shown['accuracy'] == pytest.approx(local['overall']['accuracy']['value'], rel=1e-6)
    for gender, numbers in genders.items():
        assert shown[f'accuracy_{gender}'] == pytest.approx(numbers['accuracy']['value'], rel=1e-6)

    page = kubeflow_run.folder('Report', 'report').read_text()
    assert words.percent(local['overall']['accuracy']['value']) in page
    assert ours['run']['id'] in page
    assert kubeflow_run.folder('Report', 'model_card').read_text().startswith('# Model card')


def test_the_report_has_the_parameters_of_the_run(kubeflow_run, tmp_path, monkeypatch):
    (tmp_path / 's3' / 'faces').mkdir(parents=True)
    (tmp_path / 's3' / 'faces' / 'kfp').symlink_to(kubeflow_run.cluster.object('s3://faces/kfp'))
    monkeypatch.setenv('KFP_LOCAL_BASE', str(tmp_path))
    inputs = kubeflow_run.tasks['Report'].invocation['inputs']
    assert inputs['parameterValues']['config__data__per_folder'] == 10
    # Kubeflow passes all numbers as floats.
    changed = {**inputs['parameterValues'], 'config__trainer__epochs': 7.0, 'config__data__per_folder': 3.0}
    config = report_task.content({**inputs, 'parameterValues': changed}).run.facts.config
    assert json.dumps([config['trainer']['epochs'], config['data']['per_folder']]) == '[7, 3]'


def test_pushes_the_blessed_model_to_the_parameter_output(kubeflow_run, inputs, store):
    (graph,) = (name for name in store.names('serving/') if name.endswith('/saved_model.pb'))
    pushed = kubeflow_run.tasks['AtomicPusher'].artifacts['pushed_model']['metadata']
    assert pushed['pushed_destination'] == f's3://faces/{os.path.dirname(graph)}'
    face = next((inputs.data / 'combined' / 'aligned').glob('*/*'))
    ((label, _),) = predict.load(kubeflow_run.cluster.object(pushed['pushed_destination']))([face.read_bytes()])
    assert label in names.GENDERS


def test_embeddings_are_kept_in_the_store(kubeflow_run, store):
    assert {name.rpartition('.')[0].rpartition('.')[2] for name in store.names('embeddings/')} == {
        'embeddings',
        'digests',
    }


def test_inputs_outputs_the_digests(kubeflow_run, finished):
    run = finished.first_metrics['run']
    found = dict(kubeflow_run.tasks['Inputs'].parameters)
    assert re.fullmatch(r'20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ', found.pop('started'))
    assert re.fullmatch(r'[0-9a-f]{64}', found.pop('data_fingerprint'))  # of the store's checksums
    assert found == {
        'prototxt_sha256': run['prototxt_sha256'],
        'caffemodel_sha256': run['base_sha256'],
    }


def test_an_unchanged_run_comes_from_the_cache(kubeflow_run):
    again = kubeflow_run.cluster.run(kubeflow_run.file, **kubeflow_run.arguments)
    assert [name for name, task in again.items() if not task.cached] == ['Inputs', 'Report']


def test_the_trainer_gets_the_tuners_best_values(kubeflow_run, command, inputs, low_bounds, tmp_path):
    file = _compiled(command, inputs, low_bounds, tmp_path / 'tuned.yaml', *_TUNER)
    tasks = kubeflow_run.cluster.run(file, **kubeflow_run.arguments)
    assert {name for name, task in tasks.items() if not task.cached} == {
        'Inputs', 'Tuner', 'Trainer', 'Evaluator', 'RobustnessEvaluator', 'SignatureCheck', 'AtomicPusher',
        'Report',
    }  # fmt: skip
    folders = {
        name: kubeflow_run.cluster.object(tasks[task].artifacts[name]['uri'])
        for task, name in (('Tuner', 'best_hyperparameters'), ('Trainer', 'model_run'))
    }
    best = json.loads((folders['best_hyperparameters'] / tuner.BEST).read_text())['values']
    facts = json.loads((folders['model_run'] / names.TRAINING_FILE).read_text())
    settings = TrainerSettings.from_dict(facts['settings'])
    assert settings == head_training.with_values(settings, best)
    assert set(facts['tuned']) == set(best)


def test_a_fine_tuning_killed_late_is_retried_resumes_and_gives_the_same_numbers(
    kubeflow_run, command, inputs, low_bounds, store, tmp_path
):
    compiled = _compiled(
        command, inputs, low_bounds, tmp_path / 'p.yaml', '--set=fine_tuning.unfreeze_from=conv5_1'
    ).read_text()
    tuned = {}
    for name in ('whole', 'killed'):
        file = tmp_path / f'{name}.yaml'
        file.write_text(compiled.replace('/data/checkpoints', f's3://faces/{name}'))
        kill = (lambda: bool(store.names('killed/'))) if name == 'killed' else None
        tuned[name] = kubeflow_run.cluster.run_task(
            file, 'FineTuner', kubeflow_run.tasks, kill, **kubeflow_run.arguments
        )
        assert store.names(f'{name}/') == []
    resumed = {name: 'resuming after epoch' in task.stderr for name, task in tuned.items()}
    assert resumed == {'whole': False, 'killed': True}, tuned['killed'].stderr[-2000:]
    whole, killed = (
        json.loads((kubeflow_run.cluster.object(task.artifacts['model_run']['uri']) / 'history.json').read_text())
        for task in tuned.values()
    )
    assert killed == whole


def test_artifacts_contain_no_container_paths(kubeflow_run):
    for task in kubeflow_run.tasks.values():
        for artifact in task.artifacts.values():
            assert artifact['uri'].startswith('s3://faces/kfp/')
            assert '/pods/' not in json.dumps(artifact['metadata'])


@pytest.mark.parametrize(
    ('parameter', 'path', 'message'),
    [
        ('data_root', 's3://faces/none', 'data root s3://faces/none does not exist'),
        ('prototxt', 's3://faces/none', 's3://faces/none: cannot be read'),
        ('output', 's3://none/serving', 'output s3://none/serving: bucket none does not exist'),
        ('output', '/proc/serving', '/proc/serving: cannot write to /proc'),
    ],
)
def test_a_bad_path_stops_the_run_with_one_line(kubeflow_run, parameter, path, message):
    with pytest.raises(kfp_executor.Failed) as failure:
        kubeflow_run.cluster.run(kubeflow_run.file, **{**kubeflow_run.arguments, parameter: path})
    assert (failure.value.task, failure.value.status) == ('Inputs', 2)
    assert failure.value.stderr.startswith('gender-pipeline: ') and message in failure.value.stderr
