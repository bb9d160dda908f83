# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Which layers are trained, which epoch is kept, and resuming after a kill."""

import signal
import subprocess
import sys

import numpy as np
import pytest

from components.embedding_gen.embedder import pooled
from components.errors import InputError
from pipeline.model.fine_tuning import checkpoint, training
from tests.fixtures.fine_tuning_task import EPOCHS_TO_KILL_IN, EVERYTHING, make


def _weights(task) -> dict[str, np.ndarray]:
    """Every variable of the base by layer and place, and the head's."""
    values = {f'{layer.name}/{n}': w for layer in task.base.layers for n, w in enumerate(layer.get_weights())}
    return values | {f'head/{n}': w for n, w in enumerate(task.head.get_weights())}


def test_frozen_layers_and_batch_normalisation_keep_every_bit_and_other_layers_change(task):
    before = _weights(task)
    work = task.fine_tuning('conv2')
    history = work.run()
    after = _weights(task)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {'conv2/0', 'conv2/1', 'head/0', 'head/1', 'head/2', 'head/3'}
    assert history.kept_epoch > 0
    assert min(history.val_loss) < history.start['val_loss']


@pytest.mark.parametrize('mirror', [False, True])
def test_the_best_epoch_is_kept_and_validation_is_not_augmented_or_smoothed(task, mirror):
    work = task.fine_tuning(learning_rate=0.02, epochs=6, label_smoothing=0.2, mirror=mirror)
    history = work.run()
    best = history.kept_epoch
    assert history.val_loss[best - 1] == min(history.val_loss) < history.start['val_loss']
    assert {len(values) for values in (history.loss, history.accuracy, history.val_loss, history.val_accuracy)} == {6}
    images, labels = (np.concatenate(part) for part in zip(*task.validation.plain().as_numpy_iterator(), strict=True))
    views = [images, images[:, :, ::-1]] if mirror else [images]
    embeddings = np.mean([pooled(task.base)(view) for view in views], axis=0)
    probability = 1 / (1 + np.exp(-np.float64(task.head(embeddings))))
    loss = -np.log(np.where(labels == 1, probability, 1 - probability)).mean()
    assert loss == pytest.approx(history.val_loss[best - 1], rel=1e-5)
    assert ((probability > 0.5) == labels).mean() == pytest.approx(history.val_accuracy[best - 1])


def test_the_mean_of_the_last_epochs_weights_is_judged_and_kept(task, tmp_path):
    file = tmp_path / 'one.npz'
    trained = []

    class Watched(training.FineTuning):
        def _trained(self):
            trained.append(super()._trained())
            return trained[-1]

    work = task.fine_tuning(epochs=6, average_epochs=3, checkpoint=file, kind=Watched)
    history = work.run()
    assert history.kept_epoch == 6
    for place, variable in enumerate(work.weights):
        expected = np.mean([weights[place] for weights in trained[-3:]], axis=0)
        np.testing.assert_allclose(variable.numpy(), expected, atol=1e-6)
        assert not np.allclose(variable.numpy(), trained[-1][place], atol=1e-6)


def test_if_no_epoch_is_better_base_and_head_stay_unchanged(task):
    task.fine_tuning(epochs=8).run()
    before = _weights(task)
    history = task.fine_tuning(learning_rate=1.0, epochs=2).run()
    assert history.kept_epoch == 0
    assert min(history.val_loss) > history.start['val_loss']
    for name, value in _weights(task).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_the_last_epoch_is_kept_where_the_best_is_not_asked_for(task):
    task.fine_tuning(epochs=8).run()
    history = task.fine_tuning(learning_rate=1.0, epochs=2, restore_best=False).run()
    assert history.kept_epoch == 2
    assert min(history.val_loss) > history.start['val_loss']
    assert task.fine_tuning(epochs=1).run().start['val_loss'] == pytest.approx(history.val_loss[-1], rel=1e-5)


def test_balanced_class_weights_predict_the_rarer_gender_more_often(tmp_path):
    def mean_logit(kind: str) -> float:
        made = make(tmp_path / kind, every=6)
        assert made.train.labels.mean() == pytest.approx(13 / 83)
        work = made.fine_tuning(class_weights=kind)
        work.run()
        return float(work.answering.predict(made.validation.plain(), verbose=0).mean())

    assert mean_logit('balanced') > mean_logit('none') + 0.2


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        (
            'conv9',
            "fine_tuning.unfreeze_from: 'conv9': the base has no such layer (did you mean conv2?); layers with "
            'weights: conv1, conv2',
        ),
        ('relu2', "fine_tuning.unfreeze_from: 'relu2': no layer with weights follows it; layers with weights: conv1"),
    ],
)
def test_a_layer_that_cannot_be_unfrozen_is_named(task, name, message):
    with pytest.raises(InputError) as caught:
        training.unfreeze(task.base, name)
    assert str(caught.value).startswith(message)


def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(task, tmp_path):
    file = tmp_path / 'checkpoints' / 'one.npz'
    line = [sys.executable, '-m', 'tests.fixtures.fine_tuning_task', tmp_path / 'task', file]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
        for text in process.stderr:
            if 'epoch 3 of' in text:
                break
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    done = len(checkpoint.load(file)[0].loss)
    assert 2 <= done < EPOCHS_TO_KILL_IN  # the third may not be written yet

    one = make(tmp_path / 'task')
    continued = one.fine_tuning(checkpoint=file, epochs=EPOCHS_TO_KILL_IN, **EVERYTHING).run()
    other = make(tmp_path / 'task')
    uninterrupted = other.fine_tuning(epochs=EPOCHS_TO_KILL_IN, **EVERYTHING).run()
    assert continued == uninterrupted
    for name, value in _weights(other).items():
        np.testing.assert_array_equal(_weights(one)[name], value, err_msg=name)
