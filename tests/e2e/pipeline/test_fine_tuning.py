# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The command line with fine-tuning, killed and started again."""

import dataclasses
import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components.embedding_gen import base_model
from components.embedding_gen.settings import Settings as EmbeddingSettings
from components.fine_tuner.settings import Settings
from pipeline.model import preprocessing
from pipeline.model.fine_tuning import batches, training
from pipeline.model.settings import TrainerSettings, TransformSettings
from pipeline.runs import metadata

_EPOCHS = 4


@dataclass(frozen=True)
class Tuned:
    """A run directory after a killed and a resumed run."""

    output: Path
    stderr: str

    def folder(self, stage: str, key: str) -> Path:
        return Path(metadata.runs(self.output)[-1].output(stage, key).uri)

    def history(self) -> dict:
        return json.loads((self.folder('FineTuner', 'model_run') / 'history.json').read_text())


@pytest.fixture(scope='module')
def arguments(inputs, low_bounds, tmp_path_factory) -> list[str]:
    """280 drawn faces through a narrow VGG-Face, trained from conv5_1 on."""
    return [
        *inputs.arguments(tmp_path_factory.mktemp('tuned') / 'out'), *low_bounds, '--set=data.per_folder=2',
        '--set=data.fractions=[0.5, 0.25, 0.25]', '--set=gate.mode=warn', '--set=fine_tuning.unfreeze_from=conv5_1',
        f'--set=fine_tuning.epochs={_EPOCHS}',
    ]  # fmt: skip


@pytest.fixture(scope='module')
def tuned(command, arguments) -> Tuned:
    line = [sys.executable, '-m', 'pipeline', *arguments]
    with subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        for text in process.stderr:
            if 'epoch 2 of' in text:
                break
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    output = Path(arguments[arguments.index('--output') + 1])
    (checkpoint,) = (file for file in (output / 'checkpoints').iterdir() if not file.name.startswith('.'))
    checkpoint.with_name(f'.{checkpoint.stem}.0.partial.npz').write_bytes(b'killed while it was written')
    process = command(*arguments)
    assert process.returncode == 0, process.stderr
    return Tuned(output, process.stderr)


def test_it_resumes_after_the_last_epoch_and_leaves_no_checkpoint(tuned):
    assert 'Fine-tuning: resuming after epoch' in tuned.stderr
    assert 'epoch 1 of' not in tuned.stderr
    assert f'epoch {_EPOCHS} of' in tuned.stderr
    assert 'Trainer                from cache' in tuned.stderr
    assert list((tuned.output / 'checkpoints').iterdir()) == []


def test_validation_is_not_worse_than_with_the_frozen_base(tuned):
    history = tuned.history()
    frozen = json.loads((tuned.folder('Trainer', 'model_run') / 'history.json').read_text())
    # The start is Trainer's head, measured here on images and by Trainer on embeddings.
    assert history['start']['val_loss'] == pytest.approx(frozen['val_loss'][-1], rel=1e-3)
    assert history['kept_epoch'] > 0
    assert history['val_loss'][history['kept_epoch'] - 1] < history['start']['val_loss']


def test_the_model_equals_that_of_an_uninterrupted_fine_tuning(tuned):
    """Trains again in this process; images and weights are equal bit for bit."""
    run = metadata.runs(tuned.output)[-1]
    config = json.loads((tuned.output / 'runs' / f'{run.id}.json').read_text())['config']
    settings, trainer = Settings.from_dict(config['fine_tuning']), TrainerSettings.from_dict(config['trainer'])
    layer = tft.TFTransformOutput(str(tuned.folder('Transform', 'transform_graph'))).transform_features_layer()
    examples, base_input = tuned.folder('StratifiedExampleGen', 'examples'), TransformSettings()
    mean = preprocessing.mean_image(layer, base_input)
    train, validation = (
        batches.Batches(list(map(str, examples.glob(f'Split-{split}/*.gz'))), mean, 20, base_input)
        for split in ('train', 'validation')
    )
    records = next(iter(tf.data.TFRecordDataset(next(examples.glob('Split-train/*.gz')), 'GZIP').batch(20)))
    encoded = tf.io.parse_example(records, {'image': tf.io.FixedLenFeature([], tf.string)})
    np.testing.assert_array_equal(next(iter(train.plain()))[0], layer(encoded)['image'])

    base = base_model.load(tuned.folder('CaffeConverter', 'model') / 'base.keras')
    frozen = {layer.name: layer.get_weights() for layer in base.layers}
    head = keras.models.load_model(tuned.folder('Trainer', 'model') / 'head.keras', compile=False)
    training.unfreeze(base, 'conv5_1')
    history = training.FineTuning(base, head, train, validation, settings, trainer, EmbeddingSettings()).run()
    assert dataclasses.asdict(history) == tuned.history()

    got = base_model.load(tuned.folder('FineTuner', 'model') / 'base.keras')
    for layer in got.layers:
        for value, expected, before in zip(
            layer.get_weights(), base.get_layer(layer.name).get_weights(), frozen[layer.name], strict=True
        ):
            np.testing.assert_array_equal(value, expected, err_msg=layer.name)
            assert np.array_equal(value, before) != layer.name.startswith('conv5_'), layer.name


def test_what_is_evaluated_reported_and_pushed_is_the_fine_tuned_model(tuned):
    result = json.loads((tuned.output / 'report' / 'metrics.json').read_text())
    stages = [stage['name'] for stage in result['stages']]
    assert {'FineTuner', 'FineTunedEmbeddingGen'} <= set(stages)
    pushed = tf.saved_model.load(result['pushed'])
    exported = tf.saved_model.load(str(tuned.folder('FineTuner', 'model') / 'Format-Serving'))
    files = list(map(str, tuned.folder('StratifiedExampleGen', 'examples').glob('Split-test/*.gz')))
    records = list(tf.data.TFRecordDataset(files, 'GZIP').as_numpy_iterator())
    scores = [
        model.signatures['examples'](examples=tf.constant(records))['probability'].numpy()
        for model in (pushed, exported)
    ]
    np.testing.assert_array_equal(*scores)
    labels = [tf.train.Example.FromString(r).features.feature['gender'].int64_list.value[0] for r in records]
    accuracy = ((scores[0] > 0.5) == np.array(labels)).mean()
    assert result['overall']['accuracy']['value'] == pytest.approx(accuracy, abs=1e-6)
    page = (tuned.output / 'report' / 'index.html').read_text()
    assert 'The upper layers of the base were trained together with the head.' in page
    assert 'fine-tuned from layer conv5' in (tuned.output / 'report' / 'model_card.md').read_text()


def test_an_unchanged_rerun_executes_nothing(tuned, command, arguments):
    process = command(*arguments)
    assert process.returncode == 0, process.stderr
    assert {stage.state for stage in metadata.runs(tuned.output)[-1].stages} == {'CACHED'}
